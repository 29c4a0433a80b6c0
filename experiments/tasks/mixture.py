"""Contributors made from a key: data sets that differ in size, real share, mechanism, truncation, noise and duplicates.

Pure: arrays and a key in, arrays out.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.runtime.rng import generator
from experiments.synthetic.mechanism import Mechanism
from valuation.problem import Contributor, Examples, Origin

TRUNCATION = "truncation"  # the synthetic part is unchanged real data of the head groups


class Spec(NamedTuple):
    """What a contributor is made of.

    size: number of examples, duplicates included.
    real_share: share of real examples, in [0, 1].
    mechanism: how its synthetic examples are made; "truncation" leaves them as they are.
    strength: severity or temperature, in the mechanism's unit.
    kept: groups (classes, or source families) in the synthetic part: those of rank 1..kept, with Zipf frequencies;
        0 keeps all, as they come.
    label_noise: share of its distinct examples with the label of another class, or the answer of another example.
    duplicates: share of all its examples that repeat another of them.
    """

    name: str
    size: int
    real_share: float = 1.0
    mechanism: str = TRUNCATION
    strength: float = 0.0
    kept: int = 0
    label_noise: float = 0.0
    duplicates: float = 0.0


def draw(key: jax.Array, count: int, axes: Mapping[str, Any], strengths: Mapping[str, tuple]) -> list[Spec]:
    """`count` contributors drawn independently over the axes.

    axes: field of Spec -> the values to choose from, each equally likely; `size` is a pair, log-uniform between them.
    strengths: mechanism -> the strengths to choose from.
    """
    rng = generator(key)
    low, high = axes["size"]
    if not 1 <= low <= high:
        raise ValueError(f"sizes of contributors from {low} to {high}: expected 1 <= smallest <= largest")
    for name, values in axes.items():
        if not len(values):
            raise ValueError(f"the axis {name} of the contributors is empty: expected values to choose from")
    if TRUNCATION in axes["mechanism"] and not any(axes["kept"]):
        raise ValueError(f"the axis kept is {axes['kept']}, for {TRUNCATION} expected a number of groups above 0")
    specs = []
    for number in range(count):
        chosen = {name: _choice(rng, values) for name, values in axes.items() if name != "size"}
        mechanism = chosen["mechanism"]
        if mechanism == TRUNCATION and not chosen["kept"]:  # else it would be real data under another name
            chosen["kept"] = _choice(rng, [kept for kept in axes["kept"] if kept])
        specs.append(
            Spec(
                name=f"{number:02d}",
                size=round(float(np.exp(rng.uniform(np.log(low), np.log(high))))),
                strength=_choice(rng, strengths.get(mechanism, (0.0,))),
                **chosen,
            )
        )
    return specs


def build(
    key: jax.Array,
    specs: list[Spec],
    train: Examples,
    groups: np.ndarray,
    mechanisms: Mapping[str, Mechanism],
    corrupt_labels: Callable[[Examples, np.ndarray, np.random.Generator], Examples],
    zipf: float = 1.0,
) -> tuple[Examples, tuple[Contributor, ...]]:
    """The pool (the real train examples first, then every synthetic example) and the contributors.

    groups: the class or source family of every training example, from 0 on.
    mechanisms: by name.
    corrupt_labels: (examples, wrong (n,) bool, rng) -> examples with wrong targets there; one whose input it
        changes becomes a new row of the pool, otherwise the wrong target is that contributor's alone.
    zipf: exponent of the group frequencies in a truncated synthetic part. The order of the groups from head to tail
        is drawn once: it is the same for all contributors.
    Raises ValueError that names the contributor and what was expected of it.
    """
    count = int(groups.max()) + 1
    for spec in specs:
        check(spec, len(train.inputs), count, mechanisms)
    order = generator(jax.random.fold_in(key, len(specs))).permutation(count)
    parts, contributors = [train], []
    for number, spec in enumerate(specs):
        choose, change, mistakes = jax.random.split(jax.random.fold_in(key, number), 3)
        rng = generator(choose)
        distinct = max(1, round(spec.size * (1 - spec.duplicates)))
        n_real = round(distinct * spec.real_share)
        real = rng.choice(len(groups), n_real, replace=False)
        sources = _sources(rng, groups, distinct - n_real, spec.kept, order, zipf)
        synthetic = train.take(sources)
        index = np.concatenate([real, sources])
        if spec.mechanism != TRUNCATION and len(sources):
            synthetic = mechanisms[spec.mechanism](synthetic, spec.strength, change)
            index[n_real:] = sum(len(part.inputs) for part in parts) + np.arange(len(sources))
            parts.append(synthetic)
        is_real = np.arange(distinct) < n_real
        seed = np.where(is_real, index, int(np.asarray(jax.random.key_data(change))[-1]))
        clean = _joined([train.take(real), synthetic])
        corrupted, wrong = _with_corrupted_labels(generator(mistakes), clean, spec.label_noise, corrupt_labels)
        changed = wrong & (corrupted.inputs != clean.inputs).reshape(distinct, -1).any(1)
        if changed.any():
            index[changed] = sum(len(part.inputs) for part in parts) + np.arange(changed.sum())
            parts.append(corrupted.take(changed))
        targets = corrupted.targets
        rows = np.concatenate([np.arange(distinct), rng.integers(0, distinct, spec.size - distinct)])
        origin = Origin(
            np.where(is_real, "real", spec.mechanism)[rows], np.where(is_real, 0.0, spec.strength)[rows], seed[rows]
        )
        contributors.append(Contributor(spec.name, index[rows].astype(np.int32), targets[rows], is_real[rows], origin))
    return _joined(parts), tuple(contributors)


def real_set(key: jax.Array, train: Examples, count: int, name: str) -> Contributor:
    """A contributor of `count` different real examples of the pool that `build` makes of these train examples.

    Raises ValueError for more than there are.
    """
    available = len(train.inputs)
    if not 1 <= count <= available:
        raise ValueError(f"{name}: expected 1 to {available}, the number of real training examples, got {count}")
    rows = generator(key).choice(available, count, replace=False).astype(np.int32)
    origin = Origin(np.full(count, "real"), np.zeros(count), rows)
    return Contributor(name, rows, np.asarray(train.targets)[rows], np.ones(count, bool), origin)


def union(base: Contributor, contributor: Contributor) -> Contributor:
    """The examples of both, those of `base` first, under the contributor's name; what both hold stands there twice."""
    whole = jax.tree.map(lambda *sides: np.concatenate(sides), base[1:], contributor[1:])
    return Contributor(contributor.name, *whole)


def check(spec: Spec, available: int, groups: int, mechanisms: Mapping[str, Mechanism]) -> None:
    """Raises ValueError unless such a contributor can be made.

    available: number of real training examples. groups: number of their classes or source families.
    """

    def expect(true: bool, field: str, wanted: str):
        if not true:
            raise ValueError(f"contributor {spec.name}: {field} = {getattr(spec, field)!r}, expected {wanted}")

    expect(1 <= spec.size <= available, "size", f"1 to {available}, the number of real training examples")
    for field in ("real_share", "label_noise", "duplicates"):
        expect(0 <= getattr(spec, field) <= 1, field, "a share in [0, 1]")
    known = (TRUNCATION, *mechanisms)
    expect(spec.mechanism in known, "mechanism", "one of " + ", ".join(known))
    expect(0 <= spec.kept <= groups, "kept", f"0 (all) to {groups}, the number of groups")


def _choice(rng: np.random.Generator, values):
    return values[int(rng.integers(len(values)))]


def _sources(rng, groups: np.ndarray, count: int, kept: int, order: np.ndarray, zipf: float) -> np.ndarray:
    """Rows of real examples, without repetition as long as there are enough, with the wanted group frequencies."""
    if not kept:
        return rng.choice(len(groups), count, replace=False)
    frequency = np.arange(1, kept + 1) ** -zipf
    wanted = rng.multinomial(count, frequency / frequency.sum())
    parts = []
    for group, number in zip(order, wanted, strict=False):
        rows = np.flatnonzero(groups == group)
        if number and not len(rows):
            raise ValueError(f"the training data have no example of group {group}, which a truncated part asks for")
        parts.append(rng.choice(rows, number, replace=number > len(rows)))
    return rng.permutation(np.concatenate(parts)).astype(np.int64)


def _with_corrupted_labels(
    rng: np.random.Generator, examples: Examples, share: float, corrupt_labels: Callable
) -> tuple[Examples, np.ndarray]:
    """(the examples with that share of them with wrong labels, which ones (n,) bool)."""
    wrong = np.zeros(len(examples.inputs), bool)
    wrong[rng.choice(len(wrong), round(share * len(wrong)), replace=False)] = True
    return corrupt_labels(examples, wrong, rng), wrong


def _joined(parts: list[Examples]) -> Examples:
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
