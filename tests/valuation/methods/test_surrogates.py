import math

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance

from tests.problems import corners
from tests.reference import jacobian
from valuation import kernel
from valuation.methods import surrogates
from valuation.problem import contributor_examples

PROBLEM = corners()
NAMES = [c.name for c in PROBLEM.contributors]


def expected_utility(predictions):
    labels = PROBLEM.validation.targets
    accuracy = np.mean([row.argmax() == label for row, label in zip(predictions, labels, strict=True)])
    error = np.mean([np.sum((row - np.eye(3)[label]) ** 2) for row, label in zip(predictions, labels, strict=True)])
    return accuracy - 0.5 / len(labels) * error / (1 + error)


def tangent_kernels(own):
    inner = outer = 0
    for params in PROBLEM.initial:
        model = PROBLEM.model._replace(params=params)
        a, b = (jacobian(model, kernel.class_sum, side) for side in (own, PROBLEM.validation))
        inner, outer = inner + a @ a.T / 2, outer + b @ a.T / 2
    return inner, outer


@pytest.mark.parametrize("number", [0, 4, 6, 8])
def test_ntk_ridge_and_flow_are_brute_force(number):
    own = contributor_examples(PROBLEM, PROBLEM.contributors[number])
    inner, outer = tangent_kernels(own)
    y, n = np.eye(3)[own.targets] - 1 / 3, len(inner)
    ridge = 1 / 3 + outer @ np.linalg.solve(inner + 0.01 * np.trace(inner) / n * np.eye(n), y)
    one = PROBLEM._replace(contributors=(PROBLEM.contributors[number],))
    np.testing.assert_allclose(surrogates.ntk_utility(one), [expected_utility(ridge)], atol=1e-4)
    t = 30 * n / np.trace(inner)
    gentle = inner + 1e-9 * np.trace(inner) * np.eye(n)
    flow = 1 / 3 + outer @ np.linalg.solve(gentle, y - scipy.linalg.expm(-inner * t) @ y)
    np.testing.assert_allclose(surrogates.ntk_flow_utility(one), [expected_utility(flow)], atol=1e-4)


def test_rbf_and_linear_are_brute_force():
    ahead = PROBLEM.validation.inputs.astype(np.float64)
    s2 = 0.5 * np.median(scipy.spatial.distance.pdist(ahead, "sqeuclidean"))
    own = contributor_examples(PROBLEM, PROBLEM.contributors[2])
    x, y = own.inputs.astype(np.float64), np.eye(3)[own.targets] - 1 / 3
    for found, k in (
        (surrogates.rbf_utility, lambda a, b: np.exp(-scipy.spatial.distance.cdist(a, b, "sqeuclidean") / (2 * s2))),
        (surrogates.linear_utility, lambda a, b: a @ b.T + 1),
    ):
        inner = k(x, x)
        prediction = 1 / 3 + k(ahead, x) @ np.linalg.solve(inner + 0.01 * np.trace(inner) / len(x) * np.eye(len(x)), y)
        np.testing.assert_allclose(found(PROBLEM)[2], expected_utility(prediction), atol=1e-4)


def test_margins_become_accuracy_without_smoothing():
    rng = np.random.default_rng(0)
    predictions, labels = rng.random((200, 3)), rng.integers(0, 3, 200)
    accuracy = np.mean(predictions.argmax(1) == labels)
    np.testing.assert_allclose(surrogates.margin_utility(predictions, labels, 1e-9), accuracy)
    by_hand = []
    for row, label in zip(predictions, labels, strict=True):
        margin = row[label] - max(p for c, p in enumerate(row) if c != label)
        by_hand.append(0.5 + 0.5 * math.erf(margin / 0.2 / math.sqrt(2)))
    np.testing.assert_allclose(surrogates.margin_utility(predictions, labels, 0.2), np.mean(by_hand))


def test_knn_is_a_vote_of_the_nearest():
    own = contributor_examples(PROBLEM, PROBLEM.contributors[0])
    distances = scipy.spatial.distance.cdist(PROBLEM.validation.inputs, own.inputs)
    votes = np.stack([np.bincount(own.targets[np.argsort(row)[:5]], minlength=3) / 5 for row in distances])
    np.testing.assert_allclose(surrogates.knn_utility(PROBLEM)[0], expected_utility(votes), atol=1e-6)


def test_flow_ends_where_the_inverse_is():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 9))
    gram, y = root @ root.T, rng.normal(size=(6, 2))
    np.testing.assert_allclose(surrogates.flow_coefficients(gram, 1e6)(y), np.linalg.solve(gram, y), rtol=1e-6)
    start = surrogates.flow_coefficients(gram, 1e-9)(y)
    np.testing.assert_allclose(start, 1e-9 * 6 / np.trace(gram) * y, rtol=1e-6)


def test_ties_in_accuracy_are_broken_by_less_than_one_example():
    labels = np.array([0, 1, 2, 0])
    sure, unsure = np.eye(3)[labels], 0.4 * np.eye(3)[labels] + 0.2
    wrong = sure.copy()
    wrong[0] = [0, 1, 0]
    values = [surrogates.utility(p, labels) for p in (sure, unsure, wrong)]
    assert values[0] > values[1] > values[2]
    assert values[0] == 1.0


@pytest.mark.parametrize(
    "method", ["ntk_utility", "ntk_flow_utility", "rbf_utility", "linear_utility", "knn_utility", "proxy_training"]
)
def test_good_data_are_worth_more_than_bad(method):
    """The order that any sane value has: right labels above wrong ones, all classes above one of them."""
    options = {"share": 1.0} if method == "proxy_training" else {}
    value = dict(zip(NAMES, getattr(surrogates, method)(PROBLEM, **options), strict=True))
    assert value["large"] > 0.8
    assert value["large"] > value["one class"] > value["wrong labels"]


def test_proxy_training_needs_a_trainer():
    with pytest.raises(ValueError, match="train is None"):
        surrogates.proxy_training(PROBLEM._replace(train=None))
