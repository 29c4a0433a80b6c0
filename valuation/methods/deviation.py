"""Deviation (after Lin et al., "Distributionally Robust Data Valuation", ICML 2024; our identification of its terms).

Kernel ridge regression on the union, alpha = A y, A = (K + lambda I)^-1. Without the examples G the coefficients become

    alpha - u,   u = A[:, G] A[G, G]^-1 alpha[G]   (zero on G in alpha - u),   |f - f_G|^2_K = u' K u :

every removal follows from one factorisation.
"""

import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.aggregate import union_examples
from valuation.at_initialisation import union_kernel, union_residual
from valuation.problem import Problem
from valuation.scale import mean_diagonal


def removed(
    kernel: Float[np.ndarray, "n n"], y: Float[np.ndarray, "n c"], group_rows: list[np.ndarray], *, ridge: float
) -> list[Float[np.ndarray, "n c"]]:
    """u of every group: what removing its rows takes from the coefficients.

    kernel: K of all examples. y: what they are fitted to. group_rows: the rows of every group, repeats allowed.
    ridge: lambda over the mean diagonal of K. O(n^3) once, then O(n |G|) and O(|G|^3) a group, in float64.
    Raises ValueError for a ridge that is not positive.
    """
    if ridge <= 0:
        raise ValueError(f"the ridge must be positive, got {ridge}: duplicates make the kernel singular")
    inverse = _inverse(kernel, ridge * mean_diagonal(kernel))
    alpha = inverse @ y
    return [inverse[:, rows] @ scipy.linalg.solve(inverse[np.ix_(rows, rows)], alpha[rows], assume_a="pos")
            for rows in map(np.unique, group_rows)]  # fmt: skip


def deviation(problem: Problem, *, ridge: float = 1e-2, initialisations: int = 1) -> Float[np.ndarray, " C"]:
    """|f - f_G|^2 in the kernel's norm, a contributor's removal from the union; higher = it changes the predictor more.

    Change need not be improvement: the value is unsigned. K: the kernel of the target's output, targets the residuals
    at initialisation (of classes 1 - f_y), mean over initialisations. Looks at no validation example and trains
    nothing. An example that another contributor holds too, with the same label, is removed with either.
    ridge: lambda over the mean diagonal of K.
    initialisations: how many of the problem's, from the first on; each costs O(n^3) for the n examples of all
        contributors.
    """
    examples, group_rows = union_examples(problem)
    totals, count = np.zeros(len(group_rows)), min(initialisations, len(problem.initial))
    for initial in range(count):
        kernel = np.asarray(union_kernel(problem, examples, initial, "target"), np.float64)
        y = union_residual(problem, examples, initial, "target")
        totals += [np.sum(u * (kernel @ u)) for u in removed(kernel, y, group_rows, ridge=ridge)]
    return totals / count


def _inverse(kernel: np.ndarray, shift: float) -> Float[np.ndarray, "n n"]:
    """(K + shift I)^-1 from one Cholesky factor: half of the multiplications of a solve with the unit matrix."""
    shifted = np.array(kernel, np.float64, order="F")
    shifted[np.diag_indices_from(shifted)] += shift
    factor = scipy.linalg.cholesky(shifted, lower=True, overwrite_a=True)
    lower, _ = scipy.linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    return np.tril(lower) + np.tril(lower, -1).T
