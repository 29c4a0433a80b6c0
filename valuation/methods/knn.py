"""The nearest neighbours in feature space."""

import numpy as np
from jaxtyping import Float

from valuation.at_initialisation import contributor_targets
from valuation.closed_form import utilities
from valuation.feature_space import contributor_features, validation_features
from valuation.needs import NEIGHBOURS
from valuation.problem import Contributor, Problem
from valuation.scale import significant


def knn_utility(problem: Problem, *, k: int = 5) -> Float[np.ndarray, " C"]:
    """Utility on the validation set of the mean target of the k nearest examples, of classes their vote.

    k: neighbours, at least 1; all examples where there are fewer. Those that are as far as the k-th share its place.
    In units of the objective's utility; of classes the predicted accuracy. Uses validation targets, trains nothing.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    v = validation_features(problem).astype(np.float64)

    def predicted(contributor: Contributor) -> Float[np.ndarray, "m c"]:
        x = contributor_features(problem, contributor).astype(np.float64)
        targets, rows = contributor_targets(problem, contributor), max(1, NEIGHBOURS // (8 * len(x)))
        parts = (v[start : start + rows] for start in range(0, len(v), rows))
        return np.concatenate([neighbour_weights(part, x, k) @ targets for part in parts])

    return utilities(problem, predicted)


def neighbour_weights(v: Float[np.ndarray, "m d"], x: Float[np.ndarray, "n d"], k: int) -> Float[np.ndarray, "m n"]:
    """How much each row of x counts for each row of v: 1/k for its k nearest, and in all 1.

    Rows as far as the k-th, but for the rounding of features to float32, share what the nearer ones leave of the k
    places: the order of the rows of x decides nothing. v, x: float64, centred near v; n places where n < k.
    """
    k = min(k, len(x))
    lengths = np.square(v).sum(1, keepdims=True)
    squared = np.maximum(lengths + np.square(x).sum(1) - 2 * v @ x.T, 0)
    farthest = np.partition(squared, k - 1)[:, k - 1 : k]
    tied = ~significant(np.abs(squared - farthest), lengths + farthest)
    nearer = (squared < farthest) & ~tied
    return (nearer + tied * (k - nearer.sum(1, keepdims=True)) / tied.sum(1, keepdims=True)) / k
