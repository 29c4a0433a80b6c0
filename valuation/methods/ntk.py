"""Fits with the tangent kernel of the network centred at its initialisation (theory/README.md, 3.4).

The kernel is that of the scalar which the objective fits with, of classes the sum of logits, and its mean over the
problem's initialisations.
"""

import numpy as np
from jaxtyping import Float

from valuation.at_initialisation import fitted_kernels
from valuation.closed_form import (
    Coefficients,
    flow_coefficients,
    predictions,
    relative_margins,
    ridge_coefficients,
    utilities,
)
from valuation.problem import Contributor, Problem, once


def ntk_utility(problem: Problem, *, ridge: float = 0.01) -> Float[np.ndarray, " C"]:
    """Utility on the validation set of ridge regression with the tangent kernel, lambda = ridge * mean diagonal.

    In units of the objective's utility; of classes the predicted accuracy. Uses validation targets, trains nothing.
    """
    return utilities(problem, lambda c: ntk_predictions(problem, c, ridge))


def ntk_relative(problem: Problem, *, ridge: float = 0.01, smoothing: float = 0.5) -> Float[np.ndarray, " C"]:
    """Margins relative to their own root mean square (margins.relative_margin), of the predictions of ntk_utility.

    An order, not a predicted accuracy; smoothing: as in margins.relative_margin.
    """
    return relative_margins(problem, lambda c: ntk_predictions(problem, c, ridge), smoothing=smoothing)


def ntk_flow(problem: Problem, *, time: float = 30.0) -> Float[np.ndarray, " C"]:
    """The same of gradient flow on that kernel, stopped at `time` / mean diagonal: what early stopping learns."""
    return utilities(problem, lambda c: _fit(problem, c, lambda kernel: flow_coefficients(kernel, time)))


def ntk_predictions(problem: Problem, contributor: Contributor, ridge: float) -> Float[np.ndarray, "m c"]:
    """What ridge regression on the contributor predicts for the validation set; computed once a problem."""
    depends = (problem.model, problem.initial, problem.pool, contributor, problem.validation, problem.objective,
               problem.key)  # fmt: skip

    def make():
        return _fit(problem, contributor, lambda kernel: ridge_coefficients(kernel, ridge))

    return once(problem, "tangent predictions", depends, make, options=(ridge,))


def _fit(problem: Problem, contributor: Contributor, coefficients: Coefficients) -> Float[np.ndarray, "m c"]:
    return predictions(problem, contributor, fitted_kernels(problem, contributor), coefficients)
