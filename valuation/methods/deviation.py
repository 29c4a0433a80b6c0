"""Deviation (after Lin et al., "Distributionally Robust Data Valuation", ICML 2024; our identification of its terms).

Kernel ridge regression on the union, alpha = A y, A = (K + lambda I)^-1. Without the examples G the coefficients become

    alpha - u,   u = A[:, G] A[G, G]^-1 alpha[G]   (zero on G in alpha - u),   |f - f_G|^2_K = u' K u :

every removal follows from one factorisation.
"""

import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.aggregate import union_examples
from valuation.problem import Problem
from valuation.tangent import initial_residual, tangent


def removed(
    kernel: Float[np.ndarray, "n n"], y: Float[np.ndarray, "n c"], groups: list[np.ndarray], *, ridge: float
) -> list[Float[np.ndarray, "n c"]]:
    """u of every group: what removing its rows takes from the coefficients; lambda = ridge * mean diagonal > 0.

    O(n^3) once, then O(n |G|) and O(|G|^3) a group, in float64. Raises ValueError for a ridge that is not positive.
    """
    if ridge <= 0:
        raise ValueError(f"the ridge must be positive, got {ridge}: duplicates make the kernel singular")
    inverse = _inverse(kernel, ridge * np.trace(kernel) / len(kernel))
    alpha = inverse @ y
    return [inverse[:, own] @ scipy.linalg.solve(inverse[np.ix_(own, own)], alpha[own], assume_a="pos")
            for own in map(np.unique, groups)]  # fmt: skip


def deviation(problem: Problem, *, ridge: float = 1e-2, initialisations: int = 1) -> Float[np.ndarray, " C"]:
    """|f - f_G|^2 in the kernel's norm, a contributor's removal from the union; higher = it changes the predictor more.

    Change need not be improvement: the value is unsigned. K: the true-class kernel, targets 1 - f_y, mean over the
    first of the problem's initialisations, each of which costs O(n^3) for the n examples of all contributors. Looks at
    no validation example and trains nothing. An example that another contributor holds too, with the same label, is
    removed with either.
    """
    own, rows = union_examples(problem)
    totals = np.zeros(len(rows))
    for params in problem.initial[:initialisations]:
        kernel = np.asarray(tangent(problem, own, output="true_class", params=params), np.float64)
        y = initial_residual(problem, params, own, "true_class")
        totals += [np.sum(u * (kernel @ u)) for u in removed(kernel, y, rows, ridge=ridge)]
    return totals / len(problem.initial[:initialisations])


def _inverse(kernel: np.ndarray, shift: float) -> Float[np.ndarray, "n n"]:
    """(K + shift I)^-1 from one Cholesky factor: half of the multiplications of a solve with the unit matrix."""
    shifted = np.array(kernel, np.float64, order="F")
    shifted[np.diag_indices_from(shifted)] += shift
    factor = scipy.linalg.cholesky(shifted, lower=True, overwrite_a=True)
    lower, _ = scipy.linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    return np.tril(lower) + np.tril(lower, -1).T
