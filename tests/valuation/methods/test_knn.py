import itertools

import numpy as np
import pytest
import scipy.spatial.distance

from tests.problems import corners, numbers
from valuation.methods.knn import knn_utility, neighbour_weights
from valuation.problem import contributor_examples


def nearest(problem, which, k):
    examples = contributor_examples(problem, problem.contributors[which])
    distances = scipy.spatial.distance.cdist(problem.validation.inputs, examples.inputs)
    return examples.targets[np.argsort(distances, axis=1)[:, :k]]


def test_classes_are_voted_on():
    problem = corners()
    votes = np.stack([np.bincount(labels, minlength=3) for labels in nearest(problem, 0, 5)])
    labels = problem.validation.targets
    best = votes == votes.max(1, keepdims=True)
    error = np.mean(np.sum((votes / 5 - np.eye(3)[labels]) ** 2, 1))
    expected = np.mean(best[np.arange(40), labels] / best.sum(1)) - 0.5 / 40 * error / (1 + error)
    np.testing.assert_allclose(knn_utility(problem)[0], expected, atol=1e-6)


def test_numbers_are_averaged():
    problem = numbers()
    predicted = nearest(problem, 0, 3).astype(np.float64).mean(1)
    expected = -np.mean((problem.validation.targets - predicted) ** 2)
    np.testing.assert_allclose(knn_utility(problem, k=3)[0], expected, rtol=1e-6)
    alone = -np.mean((problem.validation.targets - problem.contributors[4].targets) ** 2, dtype=np.float64)
    np.testing.assert_allclose(knn_utility(problem, k=3)[4], alone, rtol=1e-6)  # fewer examples than neighbours


@pytest.mark.parametrize("k", [1, 2, 4, 6, 9])
@pytest.mark.parametrize("unit", [1e-6, 1.0, 0.1])
def test_ties_are_the_mean_over_all_orders_of_rows(k, unit):
    """Features of 0 and 1 in a unit, less a mean that no float32 holds: six rows, of which many are equally far."""
    x = np.array([[0, 0, 1], [0, 1, 0], [1, 1, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]], float)
    v = np.array(list(itertools.product([0, 1], repeat=3)), float)
    distances = scipy.spatial.distance.cdist(v, x, "sqeuclidean").round()
    expected, orders = np.zeros((8, 6)), list(itertools.permutations(range(6)))
    for order in map(list, orders):
        ranks = np.argsort(np.argsort(distances[:, order], 1, kind="stable"), 1)
        expected[:, order] += (ranks < k) / min(k, 6) / len(orders)
    rounded = (np.float64(np.float32(unit * (side - 0.3))) for side in (v, x))
    np.testing.assert_allclose(neighbour_weights(*rounded, k), expected, atol=1e-12)


def test_no_neighbour_is_refused():
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        knn_utility(corners(), k=0)
