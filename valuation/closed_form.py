"""Fits in closed form: coefficients of kernel ridge regression and of kernel gradient flow, and what they predict.

A fit learns the surrogate targets of its objective, centred, from K(S, S), and predicts with K(validation, S).
"""

from collections.abc import Callable

import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.at_initialisation import contributor_targets, validation_targets
from valuation.examples import Examples
from valuation.margins import relative_margin
from valuation.problem import Contributor, Problem
from valuation.scale import mean_diagonal

Coefficients = Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]]  # K(S, S) -> (targets -> coefficients)


def ridge_coefficients(kernel: Float[np.ndarray, "n n"], ridge: float) -> Callable[[np.ndarray], np.ndarray]:
    """Y (n, c) -> (K + lambda I)^-1 Y with lambda = ridge * mean diagonal of K, by Cholesky in float64: O(n^3)."""
    shift = ridge * mean_diagonal(kernel)
    factor = scipy.linalg.cho_factor(kernel + shift * np.eye(len(kernel)), lower=True)
    return lambda targets: scipy.linalg.cho_solve(factor, targets)


def flow_coefficients(kernel: Float[np.ndarray, "n n"], time: float) -> Callable[[np.ndarray], np.ndarray]:
    """Y (n, c) -> K^-1 (I - exp(-K t)) Y with t = time / mean diagonal of K: kernel gradient flow at t, in float64.

    The limit t replaces (1 - exp(-s t)) / s where an eigenvalue s vanishes. O(n^3).
    """
    t = time / mean_diagonal(kernel)
    values, vectors = scipy.linalg.eigh(kernel)
    values = np.maximum(values, 0)
    small = values * t < 1e-12
    weights = np.where(small, t, -np.expm1(-values * t) / np.where(small, 1, values))
    return lambda targets: vectors @ (weights[:, None] * (vectors.T @ targets))


def predictions(
    problem: Problem, contributor: Contributor, kernels: tuple[np.ndarray, np.ndarray], coefficients: Coefficients
) -> Float[np.ndarray, "m c"]:
    """What the fit on the contributor predicts for the validation set: centre + K(validation, S) a(K(S, S)).

    kernels: (K(S, S) (n, n), K(validation, S) (m, n)). coefficients: such as ridge_coefficients with its ridge.
    """
    inner, outer = (np.asarray(kernel, np.float64) for kernel in kernels)
    targets = contributor_targets(problem, contributor)
    centre = problem.objective.centre(targets)
    return centre + outer @ coefficients(inner)(targets - centre)


def utilities(problem: Problem, predicted: Callable[[Contributor], np.ndarray]) -> Float[np.ndarray, " C"]:
    """The objective's utility of each contributor's fit. predicted: contributor -> its predictions (m, c).

    Raises ValueError that names the contributor for a sequence without target tokens, which has nothing to fit.
    """
    objective, validation = problem.objective, problem.validation
    for contributor in problem.contributors:
        _check_weights(problem, contributor)
    targets = validation_targets(problem)
    return np.array([objective.surrogate_utility(predicted(c), targets, validation) for c in problem.contributors])


def relative_margins(
    problem: Problem, predicted: Callable[[Contributor], np.ndarray], *, smoothing: float
) -> Float[np.ndarray, " C"]:
    """The relative margin (margins.relative_margin) of each contributor's fit, of classes; predicted: as above."""
    labels = validation_targets(problem).argmax(1)
    return np.array([relative_margin(predicted(c), labels, smoothing=smoothing) for c in problem.contributors])


def _check_weights(problem: Problem, contributor: Contributor) -> None:
    mask = problem.pool.mask
    examples = Examples(None, contributor.targets, None if mask is None else mask[contributor.index])
    weights = problem.objective.weights(examples)
    if not weights.all():
        raise ValueError(
            f"{contributor.name}: example {int(np.argmin(weights))} has no target token, so there are no nats per "
            "token to fit: leave it out"
        )
