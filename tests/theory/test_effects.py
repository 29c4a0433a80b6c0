"""Learners against closed forms and simulated rows with known effects."""

import numpy as np
import pytest
from scipy.stats import linregress, norm, truncnorm

from theory.effects import (
    LEARNERS,
    Effect,
    dr_learner,
    effect_errors,
    hidden_bias,
    least_squares,
    ra_learner,
    s_learner,
    t_learner,
)
from theory.treatment import propensities, with_one

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2))
W = (X[:, 0] + RNG.normal(size=200) > 0).astype(float)
Y = 1 + X @ [1.0, -1.0] + W * (2 + X[:, 0]) + 0.5 * RNG.normal(size=200)


def test_least_squares_are_scipys():
    expected = linregress(X[:, 0], Y)
    fit = least_squares(with_one(X[:, :1]), Y)
    np.testing.assert_allclose(fit.coefficients, [expected.intercept, expected.slope])
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), [expected.intercept_stderr, expected.stderr])


def test_with_one_covariate_of_two_values_effects_are_differences_of_cell_means():
    x = (X[:, :1] > 0).astype(float)
    cells = [Y[(x[:, 0] == v) & (W == 1)].mean() - Y[(x[:, 0] == v) & (W == 0)].mean() for v in (0, 1)]
    np.testing.assert_allclose(t_learner(x, W, Y).at(np.array([[0.0], [1.0]])), cells)
    np.testing.assert_allclose(t_learner(x, W, Y).mean, np.mean([cells[int(v)] for v in x[:, 0]]))


def test_their_errors_are_those_of_cell_means_and_of_effects_that_differ_between_rows():
    """Var = sum_v share_v^2 (s_1^2/n_1v + s_0^2/n_0v) + the variance of the cells' effects over the rows / n."""
    x = (X[:, :1] > 0).astype(float)
    cells = {(v, arm): Y[(x[:, 0] == v) & (arm == W)] for v in (0, 1) for arm in (0, 1)}
    share = {v: (x[:, 0] == v).mean() for v in (0, 1)}
    low, high = (cells[v, 1].mean() - cells[v, 0].mean() for v in (0, 1))
    variance = share[0] * share[1] * (high - low) ** 2 / 200
    for arm in (0, 1):
        both = [cells[v, arm] for v in (0, 1)]
        noise = sum(np.square(cell - cell.mean()).sum() for cell in both) / (sum(map(len, both)) - 2)
        variance += sum(share[v] ** 2 * noise / len(cells[v, arm]) for v in (0, 1))
    for learner in (t_learner, ra_learner):
        np.testing.assert_allclose(learner(x, W, Y).error, np.sqrt(variance))


def test_without_noise_only_the_effects_that_differ_between_rows_are_uncertain():
    """y = x_0 + w (2 + x_0 - 3 x_1): the effect's spread over sqrt(n), which a new draw of rows would move."""
    effect = 2 + X @ [1.0, -3.0]
    for name in ("T", "RA"):
        found = LEARNERS[name](X, W, X[:, 0] + W * effect)
        np.testing.assert_allclose((found.mean, found.error), (effect.mean(), effect.std() / np.sqrt(200)))


def test_one_fit_for_all_is_scipys_regression_of_what_the_covariates_leave():
    """Frisch, Waugh and Lovell: the slope of outcome on treatment, both less their fits on the covariates, whose
    two numbers its error has to know of too.
    """
    left = [some - with_one(X) @ np.linalg.lstsq(with_one(X), some, rcond=None)[0] for some in (W, Y)]
    expected, found = linregress(*left), s_learner(X, W, Y)
    error = expected.stderr * np.sqrt((200 - 2) / (200 - 4))
    np.testing.assert_allclose((found.mean, found.error), (expected.slope, error))
    np.testing.assert_allclose(found.coefficients, [expected.slope, 0, 0])


def test_scores_of_the_doubly_robust_and_of_regression_adjustment():
    fits = {arm: np.linalg.lstsq(with_one(X[arm == W]), Y[arm == W], rcond=None)[0] for arm in (0, 1)}
    e = propensities(X, W)
    scores, adjusted = [], []
    for x, w, y, p in zip(X, W, Y, e, strict=True):
        mu = {arm: fits[arm] @ [1, *x] for arm in (0, 1)}
        scores.append(mu[1] - mu[0] + ((y - mu[1]) / p if w else -(y - mu[0]) / (1 - p)))
        adjusted.append(y - mu[0] if w else mu[1] - y)
    for learner, every in ((dr_learner, scores), (ra_learner, adjusted)):
        found = learner(X, W, Y)
        np.testing.assert_allclose(found.mean, np.mean(every))
        np.testing.assert_allclose(found.coefficients, np.linalg.lstsq(with_one(X), every, rcond=None)[0])
    np.testing.assert_allclose(dr_learner(X, W, Y).error, np.std(scores, ddof=1) / np.sqrt(200))
    np.testing.assert_allclose(ra_learner(X, W, Y).mean, t_learner(X, W, Y).mean)


def test_errors_are_those_of_effects():
    flat, steep = Effect(np.array([2.0, 0, 0]), 2, 0), Effect(np.array([2.0, 3, 0]), 2, 0)
    np.testing.assert_allclose(effect_errors({"T": flat}, {"T": steep}, X)["T"], 3 * np.sqrt(np.square(X[:, 0]).mean()))


@pytest.mark.parametrize("pi", [0.2, 0.5, 0.9])
def test_hidden_bias_is_that_of_truncated_normals(pi):
    """The noise of the outcome is rho times that of the treatment and something apart: its means in both arms."""
    cut = truncnorm.ppf(1 - pi, -40, 40)
    treated, others = truncnorm.mean(cut, np.inf), truncnorm.mean(-np.inf, cut)
    np.testing.assert_allclose(hidden_bias(np.full(3, norm.ppf(pi)), 0.6, 2.0), 0.6 * 2 * (treated - others), rtol=1e-6)


def test_hidden_bias_of_sure_treatments_is_that_of_mills():
    """phi(z) / Phi(-z) is near z + 1/z; propensities of 1 in floating point among the others."""
    assert hidden_bias(np.array([20.0, -20.0]), 1.0, 1.0) == pytest.approx(20 + 1 / 20, rel=1e-3)
    assert hidden_bias(np.array([0.0, 50.0]), 0.0, 1.0) == 0


def test_an_arm_needs_more_rows_than_a_fit_has_numbers():
    few = np.arange(200) < X.shape[1] + 1
    for name in ("T", "DR", "RA"):
        with pytest.raises(ValueError, match=f"{X.shape[1] + 1} of 200 rows are treated, expected more than"):
            LEARNERS[name](X, few.astype(float), Y)
        with pytest.raises(ValueError, match=f"{X.shape[1] + 1} of 200 rows are others"):
            LEARNERS[name](X, (~few).astype(float), Y)


def test_a_treatment_needs_two_arms():
    for learner in LEARNERS.values():
        with pytest.raises(ValueError, match="is 1 in all 200 rows, expected two arms"):
            learner(X, np.ones(200), Y)
