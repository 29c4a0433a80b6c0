"""Widths of kernels: SciPy's distances, and what is done where the validation features are the same."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from tests.problems import corners
from valuation.feature_space import mean_squared_validation_distance, median_squared_distance
from valuation.methods import METHODS

WIDTHS = (median_squared_distance, mean_squared_validation_distance)


def with_features(rows):
    """The problem with these features of its validation examples, and the first of them for all others."""
    problem = corners()
    rows = np.asarray(rows, np.float32)

    def features(inputs):
        return rows if inputs is problem.validation.inputs else np.tile(rows[:1], (len(inputs), 1))

    return problem._replace(features=features)


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


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows", [np.zeros((40, 2)), np.full((40, 2), 0.1), np.full((40, 2), 1e9 / 3), np.ones((1, 2))])
def test_features_that_are_all_the_same_have_no_width(width, rows):
    with pytest.raises(ValueError, match=f"all {len(rows)} validation examples are the same but for rounding"):
        width(with_features(rows))
