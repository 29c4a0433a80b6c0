import jax
import numpy as np

from tests.problems import corners
from valuation.methods import counts
from valuation.purposes import Purpose

PROBLEM = corners()


def test_counts():
    assert counts.size(PROBLEM)[[0, 5]].tolist() == [60, 1]
    assert counts.real_count(PROBLEM)[[2, 7]].tolist() == [15, 0]
    assert counts.real_share(PROBLEM)[[2, 7]].tolist() == [0.375, 0]


def test_chance_has_a_purpose_of_its_own():
    key = jax.random.fold_in(PROBLEM.key, int(Purpose.RANDOM))
    np.testing.assert_array_equal(counts.random(PROBLEM), jax.random.uniform(key, (len(PROBLEM.contributors),)))
