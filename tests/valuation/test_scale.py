import numpy as np
import pytest

from valuation.scale import significant


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_sums_in_another_order_do_not_differ_and_a_thousandth_does(dtype, unit):
    """Means of the same numbers, forwards and backwards, against a mean that is really larger."""
    numbers = np.random.default_rng(0).random(1000).astype(dtype) * dtype(unit)
    means = np.array([numbers.mean(), numbers[::-1].mean(), numbers.sum() / dtype(1000)])
    assert not significant(np.ptp(means), means.max(), dtype=dtype)
    assert significant(1e-3 * means[0], means[0], dtype=dtype)


def test_nothing_and_nan_are_not_significant():
    np.testing.assert_array_equal(significant(np.array([0.0, np.nan, 1.0]), np.array([0.0, 1.0, 0.0])), [0, 0, 1])
