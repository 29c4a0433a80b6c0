"""A problem's sets in its feature space, computed once: rows, and the widths that kernels take from the validation set.

Widths come from the validation set alone, so that they are the same for all contributors.
"""

import numpy as np
from jaxtyping import Float

from valuation.discrepancy import distance_table, mean_squared_distance
from valuation.problem import Contributor, Problem, flat_features, once


def validation_features(problem: Problem) -> Float[np.ndarray, "m d"]:
    """Features of the validation set, float32."""
    depends = (problem.features, problem.validation)
    return once(problem, "validation features", depends, lambda: flat_features(problem, problem.validation.inputs))


def contributor_features(problem: Problem, contributor: Contributor) -> Float[np.ndarray, "n d"]:
    """Features of the contributor's examples, float32."""

    def make():
        return flat_features(problem, problem.pool.inputs[contributor.index])

    return once(problem, "contributor features", (problem.features, problem.pool, contributor), make)


def median_squared_distance(problem: Problem) -> float:
    """Of the distinct pairs of validation examples: the width of Gaussian kernels."""

    def make() -> float:
        rows = validation_features(problem)
        between = distance_table(rows, rows)
        return float(np.median(between[np.triu_indices(len(between), 1)]))

    return once(problem, "median squared distance", (problem.features, problem.validation), make)


def mean_squared_validation_distance(problem: Problem) -> float:
    """Of the distinct pairs of validation examples: the width of the discrepancy's kernels."""

    def make() -> float:
        return mean_squared_distance(validation_features(problem))

    return once(problem, "mean squared distance", (problem.features, problem.validation), make)
