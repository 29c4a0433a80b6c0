import numpy as np
import pytest

from tests.reference import euclidean
from valuation.covariates.support import squared_radii, support_precision, support_recall

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(30, 3)).astype(np.float32)
OTHERS = (1.5 * RNG.normal(size=(20, 3))).astype(np.float32)


def test_balls_and_shares_are_those_of_loops():
    between, outer = euclidean(REAL, REAL), euclidean(REAL, OTHERS)
    radii = np.array([np.sort(row)[4] for row in between])  # the first is the row itself
    np.testing.assert_allclose(squared_radii(REAL, 4), radii**2, rtol=1e-4)
    inside = outer < radii[:, None]
    precise = np.mean([any(inside[i, j] for i in range(30)) for j in range(20)])
    covered = np.mean([any(inside[i, j] for j in range(20)) for i in range(30)])
    assert 0 < precise < 1
    assert 0 < covered < 1
    assert support_precision(outer**2, radii**2) == pytest.approx(precise)
    assert support_recall(outer**2, radii**2) == pytest.approx(covered)


def test_few_rows():
    np.testing.assert_allclose(squared_radii(np.array([[0.0], [3.0]]), 5), 9)
    with pytest.raises(ValueError, match="the validation set has 1"):
        squared_radii(REAL[:1], 5)
