"""A problem's sets in its feature space, computed once: rows, and the widths that kernels take from the validation set.

Widths come from the validation set alone, so that they are the same for all contributors. A width of zero is refused:
no kernel has one.
"""

import numpy as np
from jaxtyping import Float

from valuation.discrepancy import distance_table, mean_squared_distance
from valuation.problem import Contributor, Problem, flat_features, once
from valuation.scale import significant


def validation_features(problem: Problem) -> Float[np.ndarray, "m d"]:
    """Features of the validation set, float32. Errors are those of problem.flat_features."""

    def make():
        return flat_features(problem, problem.validation.inputs, "the validation set")

    return once(problem, "validation features", (problem.features, problem.validation), make)


def contributor_features(problem: Problem, contributor: Contributor) -> Float[np.ndarray, "n d"]:
    """Features of the contributor's examples, float32. Errors are those of problem.flat_features."""

    def make():
        return flat_features(problem, problem.pool.inputs[contributor.index], contributor.name)

    return once(problem, "contributor features", (problem.features, problem.pool, contributor), make)


def median_squared_distance(problem: Problem) -> float:
    """Of the distinct pairs of validation examples: the width of Gaussian kernels.

    Where that is zero, as among features that are mostly the same, it is the median of the distances that are not.
    Raises ValueError where there is none.
    """

    def make() -> float:
        rows = validation_features(problem)
        between = distance_table(rows, rows)[np.triu_indices(len(rows), 1)]
        scale = 2 * float(np.square(rows, dtype=np.float64).sum(1).max())  # of what a distance is the difference of
        if len(between) and significant(middle := float(np.median(between)), scale):
            return middle
        apart = between[significant(between, scale)]
        return _width(float(np.median(apart)) if len(apart) else 0.0, len(rows))

    return once(problem, "median squared distance", (problem.features, problem.validation), make)


def mean_squared_validation_distance(problem: Problem) -> float:
    """Of the distinct pairs of validation examples: the width of the discrepancy's kernels.

    Raises ValueError where it is zero.
    """

    def make() -> float:
        rows = validation_features(problem)
        return _width(mean_squared_distance(rows) if len(rows) > 1 else 0.0, len(rows))

    return once(problem, "mean squared distance", (problem.features, problem.validation), make)


def _width(squared: float, rows: int) -> float:
    if not squared > 0:
        raise ValueError(
            f"the features of all {rows} validation examples are the same but for rounding, so a kernel on them has no "
            "width: give features that differ, without a large common offset, or more validation examples"
        )
    return squared
