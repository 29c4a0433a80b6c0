"""Propensities against a minimiser of the logistic loss, and treatments that are none."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from theory.treatment import check_arms, propensities, with_one

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2))
W = (X[:, 0] + RNG.normal(size=200) > 0).astype(float)


def test_propensities_minimise_the_logistic_loss():
    def loss(b):
        return np.logaddexp(0, -(2 * W - 1) * (with_one(X) @ b)).sum() + 0.5 * 1e-3 * np.square(b[1:]).sum()

    best = minimize(loss, np.zeros(3), tol=1e-12).x
    np.testing.assert_allclose(propensities(X, W), np.clip(expit(with_one(X) @ best), 0.01, 0.99), atol=1e-5)
    told_apart = (X[:, 0] > 0).astype(float)
    assert set(np.round(propensities(X, told_apart, np.array([[9.0, 0], [-9, 0]])), 6)) == {0.01, 0.99}


@pytest.mark.parametrize(
    ("treatment", "words"),
    [
        (np.ones(3), "'dose' is 1 in all 3 rows, expected two arms"),
        (np.array([0.0, 2.0, 1.0]), "'dose' holds 2, expected 0 and 1"),
        (np.array([0.0, np.nan, 1.0]), "'dose' holds nan, expected 0 and 1"),
    ],
)
def test_a_treatment_without_two_arms_is_named(treatment, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        check_arms(treatment, "'dose'")
    with pytest.raises(ValueError, match=r"^the treatment (is|holds)"):
        propensities(X[:3], treatment)
