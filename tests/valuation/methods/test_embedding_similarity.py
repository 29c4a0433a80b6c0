"""Largest cosines against SciPy's, and what lies at the centre."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tests.problems import corners
from valuation.methods import embedding_similarity as module
from valuation.methods.embedding_similarity import embedding_similarity


def test_the_mean_of_the_largest_cosines(monkeypatch):
    monkeypatch.setattr(module, "ROWS", 7)
    problem = corners()
    v = np.float64(problem.validation.inputs)
    expected = [
        (1 - cdist(problem.pool.inputs[one.index] - np.median(v, 0), v - np.median(v, 0), "cosine")).max(1).mean()
        for one in problem.contributors
    ]
    np.testing.assert_allclose(embedding_similarity(problem), expected, rtol=1e-5)


def test_a_validation_set_of_one_point_has_no_angles():
    problem = corners()
    one = problem._replace(validation=problem.validation.take(slice(0, 1)))
    with pytest.raises(ValueError, match="all 1 validation examples have the same features"):
        embedding_similarity(one)


def test_what_lies_at_the_centre_is_similar_to_nothing():
    problem = corners()
    at_centre = problem.pool.inputs * 0 + np.median(problem.validation.inputs, 0)
    problem = problem._replace(pool=problem.pool._replace(inputs=at_centre), contributors=problem.contributors[:2])
    np.testing.assert_array_equal(embedding_similarity(problem), 0)
