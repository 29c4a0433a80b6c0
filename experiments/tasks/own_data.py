"""What a study of somebody's own data is given: a problem, how it would be learned, and the examples as they were.

One file a kind of data beside this one: own_texts, own_pairs, own_tables.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Int, UInt64

from experiments.training.recipe import Recipe
from models.functional import Model
from valuation.objective import Objective
from valuation.problem import Contributor, Examples, Learner, Origin, Problem
from valuation.shared import Shared

BLOCK = 2048  # examples whose prints are looked at together
Prints = tuple[np.ndarray, np.ndarray]  # the example (k,) int of each print, and the print (k,) uint64


class Originals(NamedTuple):
    """The examples of one set as they were before they became numbers.

    rows: the place of each in its file, from 0 on. codes: a hash of the content of each, its target aside, (n,) uint64.
    prints: rows -> hashes of which near copies share one. text: example -> what it says. label: example -> its target
    in words; None where `text` holds it.
    """

    rows: Sequence[int]
    codes: UInt64[np.ndarray, " n"]
    prints: Callable[[slice], Prints]
    text: Callable[[int], str]
    label: Callable[[int], str | None]


class Prepared(NamedTuple):
    """Somebody's own data, ready to be valued and learned.

    problem: its first contributor are the real examples, the others the sources; the pool holds them one after another.
    originals: of each contributor, whole; held_out: of the validation set.
    recipe: how the learner is trained. measure: (trained model, examples) -> the metric.
    learner, surrogate, metric: in words.
    offset: the metric minus the objective's utility. most: the best metric that there can be.
    near_rule: in words, which examples share a print.
    notes: what was cut or left out, in words.
    """

    problem: Problem
    originals: tuple[Originals, ...]
    held_out: Originals
    recipe: Recipe
    measure: Callable[[Model, Examples], float]
    learner: str
    surrogate: str
    metric: str
    offset: float
    most: float
    near_rule: str
    notes: list[str]


def problem_of(
    names: Sequence[str],
    sets: Sequence[Examples],
    validation: Examples,
    *,
    model: Model,
    features: Callable[[np.ndarray], np.ndarray],
    objective: Objective,
    learner: Learner,
    key: jax.Array,
) -> Problem:
    """The Problem of the real examples, which come first, and the sources.

    names: of the sets, all different. model: at its start. key: of what methods draw.
    Raises ValueError for two sets of one name.
    """
    if len(set(names)) < len(names):
        raise ValueError(f"the sets are called {', '.join(names)}: expected names that are all different")
    ends = np.cumsum([0, *(len(one.inputs) for one in sets)])
    contributors = []
    for number, (name, one) in enumerate(zip(names, sets, strict=True)):
        rows, real = np.arange(ends[number], ends[number + 1], dtype=np.int32), number == 0
        origin = Origin(np.full(len(rows), "real" if real else name), np.zeros(len(rows)), rows)
        contributors.append(Contributor(name, rows, one.targets, np.full(len(rows), real), origin))
    return Problem(
        model=model,
        initial=(model.params,),
        checkpoints=(),
        pool=jax.tree.map(lambda *leaves: np.concatenate(leaves), *sets),
        contributors=tuple(contributors),
        validation=validation,
        features=features,
        key=key,
        objective=objective,
        learner=learner,
        shared=Shared(),
    )


def part_of(contributor: Contributor, kept: np.ndarray) -> Contributor:
    """Some of a contributor's examples. kept: their places, or whether each is kept."""
    origin = Origin(*(column[kept] for column in contributor.origin))
    return Contributor(
        contributor.name, contributor.index[kept], contributor.targets[kept], contributor.real[kept], origin
    )


def codes_of(digests: Sequence[bytes]) -> UInt64[np.ndarray, " n"]:
    """The first 64 bits of each: of hashes, two that differ agree among a million with probability 3e-8."""
    return np.frombuffer(b"".join(digest[:8] for digest in digests), np.uint64)


def hashes(contents: Iterable[bytes]) -> UInt64[np.ndarray, " n"]:
    """64 bits of the BLAKE2 hash of each."""
    return codes_of([hashlib.blake2b(content, digest_size=8).digest() for content in contents])


def repeats(codes: UInt64[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Which examples repeat an earlier one."""
    again = np.ones(len(codes), bool)
    again[np.unique(codes, return_index=True)[1]] = False
    return again


def all_prints(one: Originals) -> UInt64[np.ndarray, " k"]:
    """All different prints of a set, sorted."""
    blocks = [np.unique(one.prints(rows)[1]) for rows in _blocks(len(one.codes))]
    return np.unique(np.concatenate([np.zeros(0, np.uint64), *blocks]))


def near(one: Originals, others: Sequence[UInt64[np.ndarray, " k"]]) -> Bool[np.ndarray, "s n"]:
    """Which examples of the set share a print with each of the others. others: their all_prints."""
    shared = np.zeros((len(others), len(one.codes)), bool)
    for rows in _blocks(len(one.codes)):
        examples, prints = one.prints(rows)
        for found, known in zip(shared, others, strict=True):
            found[rows.start + examples[_among(prints, known)]] = True
    return shared


def _among(prints: UInt64[np.ndarray, " k"], known: UInt64[np.ndarray, " m"]) -> Bool[np.ndarray, " k"]:
    """Which prints are known; known: sorted."""
    if not len(known):
        return np.zeros(len(prints), bool)
    return known[np.minimum(np.searchsorted(known, prints), len(known) - 1)] == prints


def _blocks(count: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]


def drawn_rows(count: int, most: int) -> Int[np.ndarray, " k"]:
    """At most that many of `count` rows, evenly spaced, each once."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, most)).astype(int))
