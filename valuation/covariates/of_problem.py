"""The measures of a problem's contributors: each hands features, labels or inputs to a function of arrays."""

import numpy as np
from jaxtyping import Float

from valuation.covariates.concentration import class_concentration
from valuation.covariates.diversity import cluster_diversity, vendi_score
from valuation.covariates.measure import generator
from valuation.covariates.repetition import compressed_share, distinct_share
from valuation.covariates.support import squared_radii, support_precision, support_recall
from valuation.discrepancy import distance_table, distances_to
from valuation.feature_space import contributor_features, median_squared_distance, validation_features
from valuation.problem import Contributor, Problem, once

NEAREST = 5  # neighbours that a ball of a real example reaches to
TOGETHER = 0.1  # share of the pairs of validation examples that are closer than clusters are


def precision(problem: Problem) -> Float[np.ndarray, " C"]:
    """support_precision of every contributor, in the balls of the validation set."""
    radii = _radii(problem)
    return np.array([support_precision(_outer(problem, one), radii) for one in problem.contributors])


def recall(problem: Problem) -> Float[np.ndarray, " C"]:
    """support_recall of every contributor, in the balls of the validation set."""
    radii = _radii(problem)
    return np.array([support_recall(_outer(problem, one), radii) for one in problem.contributors])


def concentration(problem: Problem) -> Float[np.ndarray, " C"]:
    """class_concentration of every contributor's features and own labels.

    Features are in root mean squares of the validation set's, so that neither unit nor offset counts.
    """
    rows = validation_features(problem)
    unit = float(np.sqrt(np.square(rows, dtype=np.float64).mean())) or 1.0
    return np.array(
        [class_concentration(contributor_features(problem, one) / unit, one.targets) for one in problem.contributors]
    )


def clusters(problem: Problem) -> Float[np.ndarray, " C"]:
    """cluster_diversity of every contributor's features; the threshold is that of the closest validation pairs."""

    def make() -> float:
        rows = validation_features(problem)
        pairs = distance_table(rows, rows)[np.tri(len(rows), k=-1, dtype=bool)]
        return float(np.sqrt(np.quantile(pairs, TOGETHER))) if len(pairs) else 0.0

    threshold = once(problem, "threshold of clusters", (problem.features, problem.validation), make)
    every = (contributor_features(problem, one) for one in problem.contributors)
    return np.array([cluster_diversity(rows, threshold, generator(problem)) for rows in every])


def vendi(problem: Problem) -> Float[np.ndarray, " C"]:
    """vendi_score of every contributor under the Gaussian kernel of methods: its width is validation's median."""
    s2, out = median_squared_distance(problem), []
    for one in problem.contributors:
        rows = contributor_features(problem, one)
        squared = distance_table(rows, rows).astype(np.float64)
        np.fill_diagonal(squared, 0)
        out.append(vendi_score(np.exp(-squared / (2 * s2))))
    return np.array(out)


def compressed(problem: Problem) -> Float[np.ndarray, " C"]:
    """compressed_share of every contributor's inputs as bytes, one after another, tokens without padding."""
    return np.array([compressed_share(np.concatenate(_items(problem, one)).tobytes()) for one in problem.contributors])


def distinct(problem: Problem) -> Float[np.ndarray, " C"]:
    """distinct_share of the pairs of items that follow each other in a contributor's inputs."""
    return np.array([distinct_share(_items(problem, one)) for one in problem.contributors])


def _radii(problem: Problem) -> Float[np.ndarray, " m"]:
    def make():
        return squared_radii(validation_features(problem), NEAREST)

    return once(problem, "radii of balls", (problem.features, problem.validation), make, options=(NEAREST,))


def _outer(problem: Problem, one: Contributor) -> Float[np.ndarray, "m n"]:
    columns = np.ascontiguousarray(validation_features(problem).T)
    return distances_to(contributor_features(problem, one), columns).T


def _items(problem: Problem, one: Contributor) -> list[np.ndarray]:
    """What each example's input is a row of: tokens without the padding, which is 0, or numbers."""
    rows = np.asarray(problem.pool.inputs[one.index]).reshape(len(one.index), -1)
    if not np.issubdtype(rows.dtype, np.integer):
        return list(rows)
    tokens = rows.astype(np.uint16 if rows.max() < 2**16 else np.uint32)
    return [row[row != 0] for row in tokens]
