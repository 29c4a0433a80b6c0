"""The measures of a problem's contributors: each hands features, labels or inputs to a function of arrays."""

import numpy as np
from jaxtyping import Float

from valuation.covariates.concentration import class_concentration
from valuation.covariates.diversity import cluster_diversity, vendi_score
from valuation.covariates.measure import generator
from valuation.covariates.repetition import compressed_share, distinct_share
from valuation.covariates.support import squared_radii, support_precision, support_recall
from valuation.discrepancy import distance_table
from valuation.feature_space import (
    contributor_features,
    distances_to_validation,
    median_squared_distance,
    validation_features,
)
from valuation.problem import Contributor, Problem, once

NEAREST = 5  # neighbours that a ball of a real example reaches to
ITEMS = 2**20  # of a contributor's inputs, the first, whose repetition is looked at
TOGETHER = 0.1  # share of the pairs of validation examples that are closer than clusters are


def precision(problem: Problem) -> Float[np.ndarray, " C"]:
    """support_precision of every contributor, in the balls of the validation set."""
    return np.array([_support(problem, one)[0] for one in problem.contributors])


def recall(problem: Problem) -> Float[np.ndarray, " C"]:
    """support_recall of every contributor, in the balls of the validation set."""
    return np.array([_support(problem, one)[1] for one in problem.contributors])


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
    """compressed_share of every contributor's tokens as bytes, one example after another, without padding."""
    return np.array([compressed_share(np.concatenate(_items(problem, one)).tobytes()) for one in problem.contributors])


def distinct(problem: Problem) -> Float[np.ndarray, " C"]:
    """distinct_share of the pairs of tokens that follow each other in a contributor's examples."""
    return np.array([distinct_share(_items(problem, one)) for one in problem.contributors])


def _support(problem: Problem, one: Contributor) -> Float[np.ndarray, " 2"]:
    """(precision, recall)."""

    def balls():
        return squared_radii(validation_features(problem), NEAREST)

    def make():
        radii = once(problem, "radii of balls", (problem.features, problem.validation), balls, options=(NEAREST,))
        distances = distances_to_validation(problem, one)
        return np.array([support_precision(distances, radii), support_recall(distances, radii)])

    depends = (problem.features, problem.pool, one, problem.validation)
    return once(problem, "support", depends, make, options=(NEAREST,))


def _items(problem: Problem, one: Contributor) -> list[np.ndarray]:
    """The tokens of each example, without the padding, which is 0; of ITEMS at most."""
    width = max(int(np.prod(problem.pool.inputs.shape[1:])), 1)
    index = one.index[: max(ITEMS // width, 1)]
    rows = np.asarray(problem.pool.inputs[index]).reshape(len(index), width)
    tokens = rows.astype(np.uint16 if rows.max() < 2**16 else np.uint32)
    return [row[row != 0] for row in tokens]
