"""What speaks for or against a source, from its examples beside those of validation and of the real file."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from experiments.studies.sources.answer import Drivers, Example
from experiments.tasks.own_data import Originals, Prepared, all_prints, drawn_rows, near, part_of, repeats
from valuation.discrepancy import mk_mmd, squared_distances
from valuation.feature_space import mean_squared_validation_distance, median_squared_distance
from valuation.methods.score_disagreement import disagreement_terms
from valuation.precise import jit
from valuation.problem import Problem
from valuation.scale import significant

REFERENCES = 1000  # examples of a set, at most, from which distances are taken
PRODUCTS = 2e10  # multiplications that distances of one source may take
BLOCK = 1024  # examples
SHOWN = 3  # examples at each end
LONGEST = 400  # characters of a text that is shown


def in_or_near(one: Originals, other: Originals) -> Bool[np.ndarray, " n"]:
    """Which examples of a set stand in the other one too, or have a near copy there."""
    return np.isin(one.codes, other.codes) | near(one, [all_prints(other)])[0]


def without(prepared: Prepared, left_out: Sequence[Bool[np.ndarray, " n"]], why: str) -> Prepared:
    """The same contributors without some of their examples. Raises ValueError, saying why, where none is left.

    left_out: of each contributor, over all examples that it had before anything was left out.
    """
    contributors, start = [], 0
    for one, gone in zip(prepared.problem.contributors, left_out, strict=True):
        kept = ~gone[one.index - start]
        if not kept.any():
            raise ValueError(f"nothing is left of {one.name}: every example {why}")
        contributors.append(part_of(one, kept))
        start += len(gone)
    return prepared._replace(problem=prepared.problem._replace(contributors=tuple(contributors)))


def of_sources(prepared: Prepared) -> list[Drivers]:
    """The drivers of every source, in their order. One m^3 solve for m validation examples, and one pass over all."""
    problem, (real, *sources) = prepared.problem, prepared.originals
    disagreement = disagreement_terms(problem).tolist()
    prints = [all_prints(prepared.held_out), all_prints(real)]
    labels = np.unique(problem.validation.targets) if problem.objective.has_classes else None
    out = []
    for number, (one, contributor) in enumerate(zip(sources, problem.contributors[1:], strict=True), start=1):
        in_validation, in_real = (np.isin(one.codes, other.codes) for other in (prepared.held_out, real))
        near_validation, near_real = near(one, prints)
        out.append(
            Drivers(
                disagreement=disagreement[number],
                disagreement_real=disagreement[0],
                discrepancy=_discrepancy(problem, number),
                size=len(contributor.index),
                duplicates=float(repeats(one.codes).mean()),
                in_validation=float(in_validation.mean()),
                near_validation=float((near_validation | in_validation).mean()),
                in_real=float(in_real.mean()),
                near_real=float((near_real | in_real).mean()),
                near_rule=prepared.near_rule,
                unknown_labels=None if labels is None else float((~np.isin(contributor.targets, labels)).mean()),
            )
        )
    return out


def _discrepancy(problem: Problem, number: int) -> float | None:
    """MMD between a source and validation, of an even sample of REFERENCES each, on average 0 where they are alike
    whatever their sizes; None of a single example.
    """
    rows = problem.contributors[number].index
    if min(len(rows), len(problem.validation.inputs)) < 2:
        return None
    x, y = (
        np.asarray(problem.features(inputs)).reshape(len(inputs), -1)
        for inputs in (
            problem.pool.inputs[rows[drawn_rows(len(rows), REFERENCES)]],
            problem.validation.inputs[drawn_rows(len(problem.validation.inputs), REFERENCES)],
        )
    )
    return mk_mmd(x, y, bandwidth=mean_squared_validation_distance(problem), estimator="unbiased")


def examples_of(prepared: Prepared, number: int, *, shown: bool) -> tuple[list[Example], list[Example]]:
    """(the nearest to the real ones, the strangest) of a source's examples; of many those of an even sample.

    number: of the contributor. shown: whether with their texts. Copies of one text are shown once.
    """
    problem, original = prepared.problem, prepared.originals[number]
    rows = problem.contributors[number].index
    width = int(np.size(problem.features(problem.validation.inputs[:1])))
    sampled = rows[drawn_rows(len(rows), max(int(PRODUCTS / (REFERENCES * width)), 2 * SHOWN))]
    start = int(sum(len(one.codes) for one in prepared.originals[:number]))
    unit = _spacing(problem)
    far = _nearest_distances(problem, sampled, _references(problem)) / unit
    order = _different(np.argsort(far, kind="stable"), original.codes[sampled - start])
    ends = order[:SHOWN], order[::-1][: min(SHOWN, max(len(order) - SHOWN, 0))]
    nearest, strangest = (
        [_example(original, int(sampled[i]) - start, float(far[i]), shown) for i in places] for places in ends
    )
    return nearest, strangest


def _example(original: Originals, row: int, distance: float, shown: bool) -> Example:
    text = original.text(row)[:LONGEST] if shown else None
    return Example(int(original.rows[row]), text, original.label(row) if shown else None, distance)


def _different(order: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The order without places whose code an earlier one has."""
    return order[~repeats(codes[order])]


def _references(problem: Problem) -> np.ndarray:
    real = problem.contributors[0].index
    return real[drawn_rows(len(real), REFERENCES)]


def _spacing(problem: Problem) -> float:
    """Median distance of a real example from its nearest other one; that of validation pairs where it is zero."""
    references = _references(problem)
    own = _nearest_distances(problem, references, references, apart=True)
    middle = float(np.median(own[np.isfinite(own)])) if np.isfinite(own).any() else 0.0
    return middle or float(np.sqrt(median_squared_distance(problem)))


def _nearest_distances(
    problem: Problem, rows: np.ndarray, references: np.ndarray, apart: bool = False
) -> Float[np.ndarray, " n"]:
    """Distance of each row of the pool from the nearest reference; apart: other than the one at its own place."""
    known = _features(problem, references)
    centre = np.median(known, 0)
    known = (known - centre).astype(np.float32)
    squares, out = np.square(known).sum(1), []
    for start in range(0, len(rows), BLOCK):
        part = (_features(problem, rows[start : start + BLOCK]) - centre).astype(np.float32)
        padded = np.pad(part, [(0, BLOCK - len(part)), (0, 0)])
        between = np.array(_distances(padded, known))[: len(part)]
        between[~significant(between, np.square(part).sum(1)[:, None] + squares)] = 0
        if apart:
            between[np.arange(len(part)), start + np.arange(len(part))] = np.inf
        out.append(between.min(1))
    return np.sqrt(np.concatenate(out))


def _features(problem: Problem, rows: np.ndarray) -> np.ndarray:
    features = np.asarray(problem.features(problem.pool.inputs[rows]))
    return features.reshape(len(rows), -1).astype(np.float64)


@jit
def _distances(x, y):
    return jnp.asarray(squared_distances(x, y))
