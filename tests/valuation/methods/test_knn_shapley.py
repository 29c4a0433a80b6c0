"""KNN-Shapley against the definition over all coalitions, the published recursion and exact integer distances."""

import inspect
import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest

from tests.problems import corners, numbers, sequences
from valuation.methods import METHODS, knn_shapley
from valuation.methods.knn import neighbour_weights


def by_definition(x, y, v, v_y, k):
    """Mean over points of sum_S |S|! (n-1-|S|)!/n! (U(S + i) - U(S)), U = matches among the k nearest / k."""
    n = len(x)
    result = np.zeros(n)
    for point, label in zip(v, v_y, strict=True):
        order = np.argsort(((x - point) ** 2).sum(1), kind="stable")
        utility = {
            chosen: sum(y[i] == label for i in [i for i in order if i in chosen][:k]) / k
            for size in range(n + 1)
            for chosen in map(frozenset, itertools.combinations(range(n), size))
        }
        for chosen, value in utility.items():
            for i in set(range(n)) - chosen:
                weight = math.factorial(len(chosen)) * math.factorial(n - 1 - len(chosen)) / math.factorial(n)
                result[i] += weight * (utility[chosen | {i}] - value) / len(v)
    return result


def by_recursion(distances, y, v_y, k):
    """The recursion as published, one validation point at a time, ties by index."""
    m, n = distances.shape
    result = np.zeros(n)
    for row, label in zip(distances, v_y, strict=True):
        order = np.argsort(row, kind="stable")
        match = (y[order] == label).astype(float)
        s = np.zeros(n)
        s[-1] = match[-1] * min(k, n) / (k * n)
        for i in range(n - 1, 0, -1):
            s[i - 1] = s[i] + (match[i - 1] - match[i]) * min(k, i) / (k * i)
        result[order] += s / m
    return result


def example(n, m, d=3, classes=3, seed=0, dtype=np.float32):
    draw = np.random.default_rng(seed)
    x, v = (draw.normal(size=(rows, d)).astype(dtype) for rows in (n, m))
    return x, draw.integers(0, classes, n), v, draw.integers(0, classes, m)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (1, 3), (2, 1), (5, 2), (7, 3), (7, 7), (6, 10)])
def test_definition(n, k):
    x, y, v, v_y = example(n, 4, seed=n + k)
    np.testing.assert_allclose(knn_shapley.values(x, y, v, v_y, k=k), by_definition(x, y, v, v_y, k), atol=1e-12)


def over_orders(values, x, y, *args):
    """Mean of values (x, y, ...) over all orders of the rows."""
    orders = list(map(list, itertools.permutations(range(len(x)))))
    total = np.zeros(len(x))
    for order in orders:
        total[order] += values(x[order], y[order], *args) / len(orders)
    return total


def test_duplicates_and_a_missing_class():
    """By the definition, with coalitions of the one row after the other; the mean over all orders."""
    x, y, v, v_y = example(2, 3, seed=1)
    x, y, v_y = np.concatenate([x, x, v[:1]]), np.array([0, 1, 1, 0, 0]), np.array([0, 1, 9])
    expected = over_orders(by_definition, x, y, v, v_y, 2)
    np.testing.assert_allclose(knn_shapley.values(x, y, v, v_y, k=2), expected, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8])
def test_ties_are_the_mean_over_all_orders(k):
    """0/1 features in a unit that rounds: groups of one, two and three, before, at and after the k-th place."""
    x = np.array([[0, 0, 1], [0, 1, 0], [1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0]], float)
    y, v = np.array([0, 1, 1, 0, 1, 0]), np.array([[0, 0, 0], [1, 1, 1], [0, 1, 1]], float)
    v_y = np.array([0, 1, 0])

    def recursion(x, y):
        return by_recursion(((x[None] - v[:, None]) ** 2).sum(-1), y, v_y, k)

    expected = over_orders(recursion, x, y)
    for unit in (1.0, 0.1):
        got = knn_shapley.values(np.float32(unit * x), y, np.float32(unit * v), v_y, k=k)
        np.testing.assert_allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize("memory", [1, 20_000, 10**9])
def test_the_order_of_rows_does_not_matter_whatever_the_block(memory, monkeypatch):
    """Coarse pixels: a few distinct distances only; blocks of one row, ragged, and all at once."""
    monkeypatch.setattr(knn_shapley, "MEMORY", memory)
    draw = np.random.default_rng(2)
    x, v = draw.integers(0, 4, (300, 5)), draw.integers(0, 4, (17, 5))
    y, v_y = draw.integers(0, 3, 300), draw.integers(0, 3, 17)
    shares = neighbour_weights(np.float64(v), np.float64(x), 5)
    first = knn_shapley.values(np.float32(x / 256), y, np.float32(v / 256), v_y, k=5)
    assert first.sum() == pytest.approx(np.mean(np.sum(shares * (y == v_y[:, None]), 1)), rel=1e-12)
    for order in (np.arange(300)[::-1], draw.permutation(300)):
        got = knn_shapley.values(np.float32(x[order] / 256), y[order], np.float32(v / 256), v_y, k=5)
        np.testing.assert_allclose(got, first[order], atol=1e-12)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 1e5), (1e-30, 0.0), (1e30, 0.0)])
def test_order_survives_offset_and_scale(scale, offset):
    x, y, v, v_y = example(80, 9, dtype=np.float64, seed=3)
    expected = by_recursion(((x[None] - v[:, None]) ** 2).sum(-1), y, v_y, 4)
    got = knn_shapley.values(x * scale + offset, y, v * scale + offset, v_y, k=4)
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_values_add_up_to_the_utility_of_all():
    x, y, v, v_y = example(500, 40, seed=4)
    order = np.argsort(((x[None] - v[:, None]) ** 2).sum(-1), axis=1)[:, :5]
    assert knn_shapley.values(x, y, v, v_y, k=5).sum() == pytest.approx((y[order] == v_y[:, None]).mean())


def test_jax_arrays_and_their_order():
    x, y, v, v_y = example(50, 6, seed=5)
    shuffle = np.random.default_rng(0).permutation(50)
    one = knn_shapley.values(jnp.asarray(x), jnp.asarray(y), jnp.asarray(v), jnp.asarray(v_y), k=3)
    np.testing.assert_allclose(knn_shapley.values(x[shuffle], y[shuffle], v, v_y, k=3), one[shuffle], atol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"validation_features": np.zeros((4, 2), np.float32)}, r"one d, got \(9, 3\) and \(4, 2\)"),
        ({"features": np.zeros((9, 3, 1), np.float32)}, "features must be"),
        ({"labels": np.zeros(8, int)}, r"one label an example: got \(8,\) and \(4,\) for 9 and 4"),
        ({"features": np.zeros((0, 3), np.float32), "labels": np.zeros(0, int)}, "not be empty, got 0 and 4"),
        ({"validation_features": np.zeros((0, 3), np.float32), "validation_labels": np.zeros(0, int)}, "not be empty"),
        ({"k": 0}, "k must be at least 1, got 0"),
        (
            {"features": np.where(np.arange(27).reshape(9, 3) == 13, np.nan, 0.0)},
            "features must be finite, row 4 is not",
        ),
        ({"validation_features": np.full((4, 3), np.inf)}, "validation_features must be finite, row 0 is not"),
    ],
)
def test_bad_input_is_named(wrong, message):
    x, y, v, v_y = example(9, 4)
    given = {"features": x, "labels": y, "validation_features": v, "validation_labels": v_y, "k": 2}
    with pytest.raises(ValueError, match=message):
        inspect.unwrap(knn_shapley.values)(**(given | wrong))  # without the tests' shape checks, as a user has it


def test_values_of_contributors_are_means_and_sums_of_those_of_all_their_examples():
    problem = corners()
    every = {(row, label) for one in problem.contributors for row, label in zip(one.index, one.targets, strict=True)}
    keys = sorted((int(row), int(label)) for row, label in every)
    rows, labels = np.array(keys).T
    v = problem.validation
    each = knn_shapley.values(problem.pool.inputs[rows], labels, v.inputs, v.targets, k=3)
    of = dict(zip(keys, each, strict=True))
    total = [sum(of[int(row), int(label)] for row, label in zip(one.index, one.targets, strict=True))
             for one in problem.contributors]  # fmt: skip
    np.testing.assert_allclose(knn_shapley.knn_shapley(problem, k=3, reduction="sum"), total, atol=1e-9)
    counts = [len(one.index) for one in problem.contributors]
    np.testing.assert_allclose(knn_shapley.knn_shapley(problem, k=3), np.divide(total, counts), atol=1e-9)


@pytest.mark.parametrize("make", [numbers, sequences])
def test_without_labels_the_alternative_is_named(make):
    with pytest.raises(ValueError, match=r"^knn_shapley takes classification, .*: take knn_utility"):
        METHODS["knn_shapley"](make())
