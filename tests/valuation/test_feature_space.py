"""Widths of kernels: SciPy's distances, and what is done where the validation features are the same."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from tests.problems import corners
from valuation import feature_space
from valuation.feature_space import (
    contributor_distances,
    contributor_features,
    mean_squared_validation_distance,
    median_squared_distance,
    validation_features,
)
from valuation.methods import METHODS

WIDTHS = (median_squared_distance, mean_squared_validation_distance)


def with_features(rows):
    """The problem with these features of its validation examples, and the first of them for all others."""
    problem = corners()
    rows = np.asarray(rows, np.float32)

    def features(inputs):
        return rows if inputs is problem.validation.inputs else np.tile(rows[:1], (len(inputs), 1))

    return problem._replace(features=features)


@pytest.mark.parametrize("offset", [0.0, 300.0, 1e9, 1e12])
def test_rows_are_centred_before_they_are_rounded(offset, monkeypatch):
    """Features of 1 beside an offset in float64, and a constant column that no square of float32 could hold."""
    monkeypatch.setattr(feature_space, "ROWS", 7)
    problem = corners()

    def features(inputs):
        return np.column_stack([np.float64(inputs) + offset, np.full(len(inputs), 1e30 / 3)])

    shifted, medians = problem._replace(features=features), np.median(np.float64(problem.validation.inputs), 0)
    rounding = 2 * (offset + 10) * np.finfo(np.float64).eps + 10 * np.finfo(np.float32).eps
    for found, inputs in (
        (validation_features(shifted), problem.validation.inputs),
        (contributor_features(shifted, problem.contributors[0]), problem.pool.inputs[:60]),
    ):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found[:, :5], np.float64(inputs) - medians, atol=rounding)
        np.testing.assert_array_equal(found[:, 5], 0)


@pytest.mark.parametrize("wrong", [-np.inf, np.nan, 1e30])
def test_features_that_are_no_numbers_are_named_by_set_and_example(wrong):
    problem = corners()
    for inputs, name, get in (
        (problem.validation.inputs, "the validation set", validation_features),
        (problem.pool.inputs[:60], "large", lambda problem: contributor_features(problem, problem.contributors[0])),
    ):
        row = inputs[:, 0].argmax()
        spoilt = problem._replace(features=lambda x, row=inputs[row]: np.where((x == row).all(1)[:, None], wrong, x))
        with pytest.raises(
            ValueError, match=rf"^features of {name}: example {row} holds {f'{wrong:.4g}'}, wh".replace("+", ".")
        ):
            get(spoilt)


def test_distances_of_a_contributor_are_scipys():
    problem = corners()
    x, v = problem.pool.inputs[problem.contributors[2].index], problem.validation.inputs
    found = contributor_distances(problem, problem.contributors[2])
    np.testing.assert_allclose(found.inner, cdist(x, x, "sqeuclidean"), atol=1e-4)
    np.testing.assert_allclose(found.outer, cdist(v, x, "sqeuclidean"), atol=1e-4)


def test_widths_are_scipys():
    for rows in (corners().validation.inputs, np.random.default_rng(0).normal(size=(40, 3)) + 30):
        between = pdist(np.asarray(rows, np.float32), "sqeuclidean")
        np.testing.assert_allclose(median_squared_distance(with_features(rows)), np.median(between), rtol=1e-3)
        np.testing.assert_allclose(mean_squared_validation_distance(with_features(rows)), between.mean(), rtol=1e-6)


def test_mostly_equal_rows_take_the_distances_that_are_not_zero():
    """0/1 features, most of them empty: the median of all pairs is 0."""
    rows = np.zeros((40, 4))
    rows[:6, 0], rows[6:9, 1:3] = 1, 1
    between = pdist(rows, "sqeuclidean")
    assert np.median(between) == 0
    assert median_squared_distance(with_features(rows)) == np.median(between[between > 0])
    assert np.isfinite(METHODS["rbf_utility"](with_features(rows))).all()


def test_one_far_example_does_not_make_the_others_equal():
    rows = np.random.default_rng(0).normal(size=(40, 3))
    rows[7] = 1e6
    np.testing.assert_allclose(
        median_squared_distance(with_features(rows)), np.median(pdist(rows, "sqeuclidean")), rtol=1e-3
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows", [np.zeros((40, 2)), np.full((40, 2), 0.1), np.full((40, 2), 1e9 / 3), np.ones((1, 2))])
def test_features_that_are_all_the_same_have_no_width(width, rows):
    with pytest.raises(ValueError, match=f"all {len(rows)} validation examples are the same but for rounding"):
        width(with_features(rows))
