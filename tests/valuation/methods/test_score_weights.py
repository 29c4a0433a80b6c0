import numpy as np
import pytest

from valuation.methods.score_terms import Terms
from valuation.methods.score_weights import (
    calibrated_weights,
    kappa_weights,
    literal_weights,
    scale_free_weights,
    value,
)

TERMS = Terms(*np.random.default_rng(1).random((4, 9)) * np.array([[1.0], [0.3], [5.0], [0.1]]))


def test_value_is_minus_the_weighted_sum():
    weights = np.array([0.1, 2.0, 3.0, 0.5])
    expected = [-sum(w * t[i] for w, t in zip(weights, TERMS, strict=True)) for i in range(len(TERMS.residual))]
    np.testing.assert_allclose(value(TERMS, weights), expected)
    np.testing.assert_allclose(value(TERMS, np.tile(weights, (len(expected), 1))), expected)


def test_the_literal_fit_returns_the_weights_of_its_own_target():
    """The target is half of two of the terms, so least squares can only find (1/2, 1/2, 0, 0)."""
    np.testing.assert_allclose(literal_weights(TERMS), [0.5, 0.5, 0, 0], atol=1e-8)


def test_scale_free_weights_ignore_units_and_constants():
    scaled = TERMS._replace(kernel=1000 * TERMS.kernel)
    order = np.argsort(value(TERMS, scale_free_weights(TERMS)))
    np.testing.assert_array_equal(order, np.argsort(value(scaled, scale_free_weights(scaled))))


@pytest.mark.parametrize("constant", [np.full(9, 0.1), 0.3 + np.array([1e-8, -1e-8, 0] * 3), np.zeros(9)])
def test_a_constant_term_weighs_nothing(constant):
    """np.full(9, .1).std() is 1e-17 and not 0. What is left orders as if the term were not there."""
    terms, members = TERMS._replace(kernel=constant), np.arange(6)
    without = TERMS._replace(kernel=np.zeros(9))
    np.testing.assert_array_equal(scale_free_weights(terms) > 0, [True, True, False, True])
    assert kappa_weights(terms)[2] == 0
    for weights in (scale_free_weights, lambda costs: calibrated_weights(costs, TERMS.residual[members], members)):
        np.testing.assert_array_equal(value(terms, weights(terms)), value(without, weights(without)))


def test_kappa_makes_kernel_and_discrepancy_equal_on_average():
    weights = kappa_weights(TERMS)
    np.testing.assert_allclose((weights[2] * TERMS.kernel).mean(), np.abs(TERMS.discrepancy).mean())


def test_calibration_finds_planted_weights_and_leaves_the_member_out():
    rng = np.random.default_rng(0)
    terms = Terms(*rng.random((4, 30)))
    planted = np.array([0.0, 2.0, 0.5, 1.0])
    members = np.arange(20)
    losses = 3 - value(terms, planted)[members]
    got = calibrated_weights(terms, losses, members)
    np.testing.assert_allclose(got, np.tile(planted, (30, 1)), atol=1e-6)
    losses[4] += 100  # an outlier may change every row but its own
    changed = calibrated_weights(terms, losses, members)
    np.testing.assert_allclose(changed[4], planted, atol=1e-6)
    assert np.abs(changed[5] - planted).max() > 0.1
    assert (changed >= 0).all()
