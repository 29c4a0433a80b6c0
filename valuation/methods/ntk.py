"""Fits with the tangent kernel of the network centred at its initialisation (theory/README.md, 3.4).

The kernel is that of the scalar which the objective fits with, of classes the sum of logits, and its mean over the
problem's initialisations.
"""

import numpy as np
from jaxtyping import Float

from valuation.at_initialisation import fitted_kernels
from valuation.closed_form import Coefficients, flow_coefficients, predictions, ridge_coefficients, utilities
from valuation.problem import Problem


def ntk_utility(problem: Problem, *, ridge: float = 0.01) -> Float[np.ndarray, " C"]:
    """Utility on the validation set of ridge regression with the tangent kernel, lambda = ridge * mean diagonal.

    In units of the objective's utility; of classes the predicted accuracy. Uses validation targets, trains nothing.
    """
    return _values(problem, lambda kernel: ridge_coefficients(kernel, ridge))


def ntk_flow(problem: Problem, *, time: float = 30.0) -> Float[np.ndarray, " C"]:
    """The same of gradient flow on that kernel, stopped at `time` / mean diagonal: what early stopping learns."""
    return _values(problem, lambda kernel: flow_coefficients(kernel, time))


def _values(problem: Problem, coefficients: Coefficients) -> Float[np.ndarray, " C"]:
    return utilities(problem, lambda c: predictions(problem, c, fitted_kernels(problem, c), coefficients))
