"""A problem's sets in its feature space, computed once: rows, and the widths that kernels take from the validation set.

All sets are centred by one vector, the medians of the validation features, in float64 and before anything is rounded
to float32: no distance changes, a common offset of any size costs no digits, and a constant column counts nothing.
Widths come from the validation set alone, so that they are the same for all contributors. A width of zero is refused:
no kernel has one.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from valuation.aggregate import union_contributor
from valuation.blocks import Source, feature_blocks, source, validation_rows
from valuation.discrepancy import distance_table, distances_to, mean_squared_distance, squared_lengths
from valuation.inducing import EXACT
from valuation.problem import Contributor, Problem, once
from valuation.scale import real_numbers, significant

ROWS = 4096  # of a contributor, centred at a time


class Distances(NamedTuple):
    """Squared distances of a contributor's examples: inner (n, n) among themselves, outer (m, n) of validation ones."""

    inner: np.ndarray
    outer: np.ndarray


def validation_features(problem: Problem) -> Float[np.ndarray, "m d"]:
    """Features of the validation set minus their medians, float32.

    Raises ValueError that names the example for features that are not finite, or whose squares float32 cannot hold
    after centring, as those of fill values.
    """
    return _validation(problem)[0]


def contributor_features(problem: Problem, contributor: Contributor) -> Float[np.ndarray, "n d"]:
    """Features of the contributor's examples minus the medians of the validation set's, float32. Errors as above."""

    depends = (problem.features, problem.pool, contributor, problem.validation)
    return once(problem, "contributor features", depends, lambda: _features(problem, contributor))


def union_features(problem: Problem) -> Float[np.ndarray, "n d"]:
    """The same of aggregate.union_examples, in their order."""
    depends = (problem.features, problem.pool, problem.contributors, problem.validation)
    return once(problem, "union features", depends, lambda: _features(problem, union_contributor(problem)[0]))


def contributor_distances(problem: Problem, contributor: Contributor) -> Distances:
    """Squared distances between those features, float32; of rows that stand in both sets 0 but for rounding."""
    x = contributor_features(problem, contributor)
    return Distances(distance_table(x, x), distances_to_validation(problem, contributor))


def distances_to_validation(problem: Problem, contributor: Contributor) -> Float[np.ndarray, "m n"]:
    """Squared distances of m validation examples to the contributor's n, float32; as above."""

    def make():
        rows = validation_features(problem)
        return np.ascontiguousarray(rows.T), squared_lengths(rows)

    columns, lengths = once(problem, "validation columns", (problem.features, problem.validation), make)
    return distances_to(contributor_features(problem, contributor), columns, lengths).T


def raw_validation_features(problem: Problem) -> Num[np.ndarray, "m d"]:
    """Features of the validation set as they are, for functions that centre them and a `contributor_source` alike."""

    def make():
        rows = real_numbers(problem.features(problem.validation.inputs), "features of the validation set")
        return rows.reshape(len(rows), -1)

    return once(problem, "raw validation features", (problem.features, problem.validation), make)


def shared_source(problem: Problem, contributor: Contributor, targets: np.ndarray) -> tuple[Source, np.ndarray]:
    """(the contributor's examples, the features of the validation set that go with them, (m, d)).

    Up to EXACT examples both are the centred rows that methods share; of more, features are read as they are asked
    for, and both are as they are, for functions that centre them.
    """
    if len(contributor.index) > EXACT:
        return contributor_source(problem, contributor, targets), raw_validation_features(problem)
    return source(contributor_features(problem, contributor), targets), validation_features(problem)


def contributor_source(problem: Problem, contributor: Contributor, targets: np.ndarray) -> Source:
    """The contributor's examples, whose features are read as they are asked for. targets: (n, ...), one an example."""
    name = f"features of {contributor.name}: example"
    return source(problem.pool.inputs, targets, features=problem.features, index=contributor.index, name=name)


def median_squared_distance(problem: Problem) -> float:
    """Of the distinct pairs of validation examples: the width of Gaussian kernels.

    Where that is zero, as among features that are mostly the same, it is the median of the distances that are not.
    Raises ValueError where there is none.
    """

    def make() -> float:
        rows = validation_features(problem)
        pairs, squares = np.tri(len(rows), k=-1, dtype=bool), np.einsum("md,md->m", rows, rows)
        between, scale = distance_table(rows, rows)[pairs], np.add.outer(squares, squares)[pairs]
        apart = significant(between, scale)  # what a distance is the difference of
        kept = between if apart.sum() > len(apart) / 2 else between[apart]
        return _width(float(np.median(kept)) if apart.any() else 0.0, len(rows))

    return once(problem, "median squared distance", (problem.features, problem.validation), make)


def mean_squared_validation_distance(problem: Problem) -> float:
    """Of the distinct pairs of validation examples: the width of the discrepancy's kernels.

    Raises ValueError where it is zero.
    """

    def make() -> float:
        rows = validation_features(problem)
        return _width(mean_squared_distance(rows) if len(rows) > 1 else 0.0, len(rows))

    return once(problem, "mean squared distance", (problem.features, problem.validation), make)


def _features(problem: Problem, contributor: Contributor) -> np.ndarray:
    _, centre = _validation(problem)
    data = contributor_source(problem, contributor, contributor.targets)
    rows = np.empty((data.count, len(centre)), np.float32)
    for positions, part in feature_blocks(data, centre, ROWS, dtype=np.float32):
        rows[positions] = part
    return rows


def _validation(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """(centred features of the validation set in float32, the centre in float64)."""

    def make():
        rows, centre = validation_rows(raw_validation_features(problem), "features of the validation set: example")
        return rows.astype(np.float32), centre

    return once(problem, "validation features", (problem.features, problem.validation), make)


def _width(squared: float, rows: int) -> float:
    if not squared > 0:
        raise ValueError(
            f"the features of all {rows} validation examples are the same but for rounding, so a kernel on them has no "
            "width: give features that differ, without a large common offset, or more validation examples"
        )
    return squared
