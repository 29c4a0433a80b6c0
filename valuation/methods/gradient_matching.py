"""Kernel mean matching in gradient space (Zeng et al., "Convex Dataset Valuation for Post-Training", ICML 2026).

One convex problem over all contributors: weights under which their mean gradients add up to that of the validation set,

    min over w of  1/2 |sum_c w_c g_c - g_V|^2 + lambda |w|_1 + gamma/2 |w|^2,

so that contributors that say the same share one weight (theory/README.md, 3.5).
"""

import numpy as np
import scipy.linalg
import scipy.optimize
from jaxtyping import Float

from valuation.mean_gradients import gradient_products_of_sets
from valuation.problem import Problem
from valuation.scale import mean_diagonal


def gradient_matching(problem: Problem, *, penalty: float = 0.01, ridge: float = 1e-3) -> Float[np.ndarray, " C"]:
    """The weight w_c of each contributor, no unit, negative where it is worth taking away; higher = more useful.

    penalty: lambda, over the smallest at which all weights are 0. ridge: gamma, over the mean of |g_c|^2; it makes the
    weights unique. g: mean gradients of minus the loss at the last checkpoint. Uses validation targets.
    Raises ValueError without checkpoints, for a penalty outside [0, 1) and for a ridge that is not positive.
    """
    if penalty >= 1:
        raise ValueError(f"a penalty of {penalty} gives every contributor 0: expected less than 1")
    products = gradient_products_of_sets(problem)
    return matched(products[:-1, :-1], products[:-1, -1], penalty=penalty, ridge=ridge)


def matched(
    kernel: Float[np.ndarray, "C C"], target: Float[np.ndarray, " C"], *, penalty: float, ridge: float
) -> Float[np.ndarray, " C"]:
    """The minimiser of w'K w / 2 - w'b + lambda |w|_1 + gamma |w|^2 / 2, to rounding.

    kernel: K, inner products of what is weighted. target: b, those with what is matched. penalty: lambda / max |b|.
    ridge: gamma over the mean diagonal of K. w = p - q with p, q >= 0 makes it a non-negative least squares problem.
    """
    if penalty < 0 or ridge <= 0:
        raise ValueError(f"expected a penalty of at least 0 and a ridge above 0, got {penalty} and {ridge}")
    count = len(kernel)
    signed = np.block([[kernel, -kernel], [-kernel, kernel]]) + ridge * mean_diagonal(kernel) * np.eye(2 * count)
    toward = np.concatenate([target, -target]) - penalty * np.abs(target).max()
    root = scipy.linalg.cholesky(signed)
    parts, _ = scipy.optimize.nnls(root, scipy.linalg.solve_triangular(root, toward, trans="T"))
    return parts[:count] - parts[count:]
