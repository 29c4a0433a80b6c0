import math
from functools import partial

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance
import scipy.stats

from tests.problems import contributor, corners, data, numbers
from tests.reference import accuracy_with_ties
from valuation.inducing import kernel_ridge
from valuation.margins import relative_margin
from valuation.methods import rbf
from valuation.methods.rbf import margin_utility, rbf_margin, rbf_predictions, rbf_relative, rbf_utility, rbf_wide
from valuation.problem import contributor_examples


def fit(problem, which, y, bandwidth, ridge):
    """What ridge regression with a Gaussian kernel adds to the centre, in float64."""
    v = problem.validation.inputs.astype(np.float64)
    x = contributor_examples(problem, problem.contributors[which]).inputs.astype(np.float64)
    s2 = bandwidth * np.median(scipy.spatial.distance.pdist(v, "sqeuclidean"))
    inner, outer = (np.exp(-scipy.spatial.distance.cdist(side, x, "sqeuclidean") / (2 * s2)) for side in (x, v))
    inner[np.diag_indices_from(inner)] += ridge * np.trace(inner) / len(x)
    return outer @ scipy.linalg.solve(inner, y, assume_a="pos", overwrite_a=True)


@pytest.mark.parametrize(("bandwidth", "ridge"), [(0.5, 0.01), (2.0, 0.1)])
def test_classes_are_brute_force(bandwidth, ridge):
    problem = corners()
    y = np.eye(3)[problem.contributors[2].targets] - 1 / 3
    expected = 1 / 3 + fit(problem, 2, y, bandwidth, ridge)
    options = {"bandwidth": bandwidth, "ridge": ridge}
    np.testing.assert_allclose(rbf_predictions(problem, problem.contributors[2], ridge, bandwidth), expected, atol=1e-4)
    expected = accuracy_with_ties(expected, problem.validation.targets)
    np.testing.assert_allclose(rbf_utility(problem, **options)[2], expected, atol=1e-4)


def test_numbers_are_brute_force():
    problem = numbers()
    for which in (0, 2, 4):
        y = problem.contributors[which].targets.astype(np.float64)
        predicted = y.mean() + fit(problem, which, y - y.mean(), 0.5, 0.01)
        expected = -np.mean((problem.validation.targets - predicted) ** 2)
        np.testing.assert_allclose(rbf_utility(problem)[which], expected, rtol=1e-4)
    np.testing.assert_array_equal(rbf_wide(problem), rbf_utility(problem, bandwidth=4.0))


def test_margins_become_accuracy_without_smoothing():
    rng = np.random.default_rng(0)
    predictions, labels = rng.random((200, 3)), rng.integers(0, 3, 200)
    accuracy = np.mean(predictions.argmax(1) == labels)
    np.testing.assert_allclose(margin_utility(predictions, np.eye(3)[labels], 1e-9), accuracy)
    by_hand = []
    for row, label in zip(predictions, labels, strict=True):
        margin = row[label] - max(p for c, p in enumerate(row) if c != label)
        by_hand.append(0.5 + 0.5 * math.erf(margin / 0.2 / math.sqrt(2)))
    np.testing.assert_allclose(margin_utility(predictions, np.eye(3)[labels], 0.2), np.mean(by_hand))


def test_margins_order_by_the_same_predictions():
    problem = corners()
    predictions = rbf_predictions(problem, problem.contributors[0], 0.01, 0.5)
    expected = margin_utility(predictions, np.eye(3)[problem.validation.targets], 0.3)
    np.testing.assert_allclose(rbf_margin(problem, smoothing=0.3)[0], expected)


def test_relative_margins_are_those_of_the_wider_kernel():
    problem = corners()
    y = np.eye(3)[problem.contributors[2].targets] - 1 / 3
    right = np.eye(3)[problem.validation.targets] > 0
    predicted = fit(problem, 2, y, 1.0, 0.01)
    margin = predicted[right] - np.where(right, -np.inf, predicted).max(1)
    expected = scipy.stats.norm.cdf(2 * margin / np.sqrt(np.mean(margin**2))).mean()
    np.testing.assert_allclose(rbf_relative(problem)[2], expected, atol=1e-4)


def of_many(problem, rows, targets):
    """The problem with one contributor of those rows of its pool."""
    return problem._replace(contributors=(contributor("many", rows, problem.pool, targets=targets),))


def test_many_examples_are_fitted_nearly_as_by_the_dense_solve(monkeypatch):
    """A third of the labels is wrong. 512 inducing points of 4,200 examples, an eighth of the default: for time."""
    monkeypatch.setattr(rbf, "kernel_ridge", partial(kernel_ridge, points=512, exact=0))
    pool = data(4200, 7)
    labels = np.where(np.arange(4200) % 3 == 0, (pool.targets + 1) % 3, pool.targets)
    problem = of_many(corners()._replace(pool=pool), np.arange(4200), labels)
    expected = 1 / 3 + fit(problem, 0, np.eye(3)[labels] - 1 / 3, 1.0, 0.01)
    found = rbf_predictions(problem, problem.contributors[0], 0.01, 1.0)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.002
    assert abs(rbf_relative(problem)[0] - relative_margin(expected, problem.validation.targets)) < 0.002


def test_many_numbers_are_fitted_as_by_the_dense_solve_of_the_few_that_differ():
    """Each of 50 rows stands there 100 times: as once with its mean target and a hundredth of the ridge."""
    problem = numbers()
    rows = np.random.default_rng(0).permutation(np.repeat(np.arange(50), 100))
    targets = problem.pool.targets[rows] + np.random.default_rng(1).normal(size=5000)
    few = of_many(problem, np.arange(50), np.bincount(rows, targets) / 100)
    y = few.contributors[0].targets.astype(np.float64)
    predicted = y.mean() + fit(few, 0, y - y.mean(), 0.5, 0.01 / 100)
    expected = -np.mean((problem.validation.targets - predicted) ** 2)
    np.testing.assert_allclose(rbf_utility(of_many(problem, rows, targets))[0], expected, rtol=1e-3)
