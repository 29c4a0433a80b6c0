"""Effects of a treatment: four learners in closed form, and what a hidden cause does to them (README.md, section 6).

Rows have covariates x (n, p), a treatment w, 0 or 1, and an outcome y, all float64. Every learner gives an effect that
is linear in the covariates, its mean over the rows, and the standard error of that mean.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import norm

from theory.treatment import Column, Rows, check_arms, propensities, with_one


class Effect(NamedTuple):
    """coefficients: (p + 1,), the constant first, in units of the outcome. mean: over the rows. error: its standard
    error.
    """

    coefficients: np.ndarray
    mean: float
    error: float

    def at(self, x: Rows) -> Column:
        """The effect for each row."""
        return with_one(x) @ self.coefficients


class Fit(NamedTuple):
    """Least squares: coefficients (p + 1,) and their covariance (p + 1, p + 1)."""

    coefficients: np.ndarray
    covariance: np.ndarray


def least_squares(design: Float[np.ndarray, "n q"], y: Column) -> Fit:
    """The fit of least norm; its covariance is that of independent noise of one variance."""
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    coefficients = inverse @ design.T @ y
    left = max(len(y) - design.shape[1], 1)
    return Fit(coefficients, np.square(y - design @ coefficients).sum() / left * inverse)


def t_learner(x: Rows, w: Column, y: Column) -> Effect:
    """The difference of a fit of each arm."""
    treated, control = _arms(x, w, y)
    coefficients = treated.coefficients - control.coefficients
    centre = with_one(x).mean(0)
    variance = centre @ (treated.covariance + control.covariance) @ centre
    return _effect(x, coefficients, float(centre @ coefficients), float(variance))


def s_learner(x: Rows, w: Column, y: Column) -> Effect:
    """One fit in which the treatment is a column: the same effect for all."""
    check_arms(w)
    fit = least_squares(np.column_stack([with_one(x), w]), y)
    coefficients = np.concatenate([fit.coefficients[-1:], np.zeros(x.shape[1])])
    return Effect(coefficients, float(fit.coefficients[-1]), float(np.sqrt(fit.covariance[-1, -1])))


def dr_learner(x: Rows, w: Column, y: Column) -> Effect:
    """A fit of the doubly robust scores mu1 - mu0 + w (y - mu1)/e - (1 - w)(y - mu0)/(1 - e)."""
    treated, control = _arms(x, w, y)
    design, e = with_one(x), propensities(x, w)
    mu1, mu0 = design @ treated.coefficients, design @ control.coefficients
    scores = mu1 - mu0 + w * (y - mu1) / e - (1 - w) * (y - mu0) / (1 - e)
    coefficients = least_squares(design, scores).coefficients
    return Effect(coefficients, float(scores.mean()), float(scores.std(ddof=1) / np.sqrt(len(y))))


def ra_learner(x: Rows, w: Column, y: Column) -> Effect:
    """A fit of y - mu0 of the treated and mu1 - y of the others, each arm's outcome being predicted by the other's."""
    treated, control = _arms(x, w, y)
    design = with_one(x)
    scores = np.where(w > 0, y - design @ control.coefficients, design @ treated.coefficients - y)
    fit = least_squares(design, scores)
    centre = design.mean(0)  # the mean of the scores is that of the T-learner: residuals of an arm add to 0
    variance = centre @ (treated.covariance + control.covariance) @ centre
    return _effect(x, fit.coefficients, float(scores.mean()), float(variance))


LEARNERS: dict[str, Callable[[Rows, Column, Column], Effect]] = {
    "T": t_learner, "S": s_learner, "DR": dr_learner, "RA": ra_learner,
}  # fmt: skip


def effect_errors(first: dict[str, Effect], second: dict[str, Effect], x: Rows) -> dict[str, float]:
    """By learner, the root mean squared difference of two effects over the rows (PEHE), in units of the outcome."""
    return {name: float(np.sqrt(np.square(first[name].at(x) - second[name].at(x)).mean())) for name in first}


def hidden_bias(probit: Float[np.ndarray, " n"], correlation: float, spread: float) -> float:
    """rho sigma E[phi(z) / (pi (1 - pi))]: what a hidden cause adds to the mean effect, in the outcome's unit.

    probit: z = Phi^-1(pi) of every row, pi the propensity given its covariates of a probit treatment; it may be so far
    from 0 that pi is 0 or 1 in floating point. correlation: rho of the noise of the treatment with that of the outcome.
    spread: sigma of the latter.
    """
    ratio = np.exp(norm.logpdf(probit) - norm.logcdf(probit) - norm.logcdf(-probit))
    return float(correlation * spread * ratio.mean())


def _arms(x: Rows, w: Column, y: Column) -> tuple[Fit, Fit]:
    """(the fit of the treated, of the others). Raises ValueError for an arm with as few rows as a fit has numbers."""
    check_arms(w)
    for arm, name in ((1, "treated"), (0, "others")):
        if (rows := int((w == arm).sum())) <= x.shape[1] + 1:
            raise ValueError(
                f"{rows} of {len(w)} rows are {name}, expected more than {x.shape[1] + 1}: a fit of {x.shape[1]} "
                "covariates and a constant on them leaves nothing to tell its error from"
            )
    return tuple(least_squares(with_one(x[w == arm]), y[w == arm]) for arm in (1, 0))  # type: ignore[return-value]


def _effect(x: Rows, coefficients: np.ndarray, mean: float, variance: float) -> Effect:
    """With the variance of the mean, to which that of the effect over the rows adds."""
    over_rows = (with_one(x) @ coefficients).var() / len(x)
    return Effect(coefficients, mean, float(np.sqrt(variance + over_rows)))
