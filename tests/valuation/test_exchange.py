import numpy as np
import pytest

from valuation.exchange import average_rate, equivalent_real_count, marginal_rate

COUNTS = [10, 20, 40, 80]
LOGS = np.log(COUNTS)


@pytest.mark.parametrize("count", [10, 15, 33.3, 80])
def test_a_curve_that_is_linear_in_the_logarithm_is_inverted(count):
    found = equivalent_real_count(COUNTS, LOGS, float(np.log(count)))
    assert found.censored == ""
    assert found.count == pytest.approx(count)


def test_beyond_an_end_only_the_end_is_known():
    assert equivalent_real_count(COUNTS, LOGS, 5.0) == (80, "above")
    assert equivalent_real_count(COUNTS, LOGS, 1.0) == (10, "below")


def test_a_dip_is_a_level():
    """.6 and .4 become .5 each, at the mean of their places."""
    curve = np.array([0.1, 0.6, 0.4, 0.9])
    assert equivalent_real_count(COUNTS, curve, 0.5).count == pytest.approx(np.sqrt(20 * 40))
    assert equivalent_real_count(COUNTS, curve, 0.3).count == pytest.approx(10 * np.sqrt(8) ** 0.5)
    assert equivalent_real_count(COUNTS, curve[::-1], 0.45).censored == "below"


def test_the_curve_goes_through_what_is_measured():
    """.5 of 40 examples stands: the .6 of 20 are brought down to it, and it is worth 40; what is more, more."""
    curve = np.array([0.1, 0.6, 0.5, 0.9])
    assert equivalent_real_count(COUNTS, curve, 0.5, through=40) == (pytest.approx(40), "")
    assert equivalent_real_count(COUNTS, curve, 0.7, through=40).count == pytest.approx(40 * 2**0.5)
    assert equivalent_real_count(COUNTS, LOGS, LOGS[1], through=40).count == pytest.approx(20)


def test_rates_are_those_of_the_knowledge_model():
    """u(n_r, n_s) = log(n_r + rho n_s): the average and the marginal rate are rho, harm is negative."""
    rho, real, amounts = 0.4, 20, [0, 10, 20, 60]
    mixed = np.array([np.log(real + rho * amount) for amount in amounts])
    after = equivalent_real_count(COUNTS, LOGS, mixed[2])
    assert average_rate(after, real, 20) == pytest.approx(rho)
    assert average_rate(equivalent_real_count(COUNTS, LOGS, float(np.log(15))), real, 10) == pytest.approx(-0.5)
    assert marginal_rate(COUNTS, LOGS, amounts, mixed, 10, more=10) == pytest.approx(rho)
    assert marginal_rate(COUNTS, LOGS, amounts, mixed, 20, more=1000) == pytest.approx(rho)
    assert marginal_rate(COUNTS, LOGS, amounts, mixed, 60) is None
    assert marginal_rate(COUNTS[:2], LOGS[:2], amounts, mixed, 10) is None


def test_a_curve_needs_two_counts():
    with pytest.raises(ValueError, match=r"two or more increasing counts, each with a utility, got \[10\]"):
        equivalent_real_count([10], np.array([0.5]), 0.5)
