"""Entropic optimal transport between two sets of points that all count alike, from the costs between them.

    OT(X, Y) = max over f, g of  mean f + mean g - e mean_ij [exp((f_i + g_j - C_ij) / e) - 1]

by Sinkhorn's iterations in float64, on a kernel that has the potentials taken into it, so that no entry that counts
under- or overflows whatever e is. The debiased cost OT(X, Y) - OT(X, X)/2 - OT(Y, Y)/2 is 0 for equal sets (Feydy et
al., AISTATS 2019; theory/README.md, 3.5).
"""

import numpy as np
from jaxtyping import Float

TOLERANCE = 1e-6  # mean error of a marginal
ITERATIONS = 5000
SETTLED = 0.01  # mean error of a marginal above which potentials are none
ROUND = 10  # iterations between two looks at the error, after which the scalings are taken into the potentials


def potentials(
    cost: Float[np.ndarray, "n m"], *, entropy: float, tolerance: float = TOLERANCE, iterations: int = ITERATIONS
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    """(f, g) of the best transport, in the unit of the costs; OT = mean f + mean g, to the tolerance.

    cost: C, finite. entropy: e, in the same unit, > 0. tolerance: mean |marginal - 1| at which the iterations stop, at
    the latest after so many of them, each O(n m). Raises ValueError where a marginal is then still off by SETTLED.
    """
    n, m = cost.shape
    f = cost.min(1).astype(np.float64)
    error = np.inf
    g = (cost - f[:, None]).min(0)  # every row and every column of the kernel holds a one, and nothing above it
    for _ in range(0, iterations, ROUND):
        kernel = np.exp((f[:, None] + g - cost) / entropy)
        left, right = np.ones(n), np.ones(m)
        error = np.abs(kernel.mean(1) - 1).mean() + np.abs(kernel.mean(0) - 1).mean()
        if error <= tolerance:
            break
        for _ in range(ROUND):
            left = m / (kernel @ right)
            right = n / (left @ kernel)
        f, g = f + entropy * np.log(left), g + entropy * np.log(right)
    _check(error, entropy, iterations)
    return f, g


def own_potential(
    cost: Float[np.ndarray, "n n"], *, entropy: float, tolerance: float = TOLERANCE, iterations: int = ITERATIONS
) -> Float[np.ndarray, " n"]:
    """f = g of a set with itself, OT = 2 mean f; a few symmetric iterations. cost: symmetric. Others as above."""
    f, error = np.zeros(len(cost)), np.inf
    for _ in range(iterations):
        kernel = np.exp((f[:, None] + f - cost) / entropy)
        rows = kernel.mean(1)
        error = np.abs(rows - 1).mean()
        if error <= tolerance:
            break
        f = f - entropy / 2 * np.log(rows)
    _check(error, entropy, iterations)
    return f


def _check(error: float, entropy: float, iterations: int) -> None:
    if not error <= SETTLED:
        raise ValueError(
            f"the transport has not settled after {iterations} iterations, its marginals are off by {error:.1g}: give "
            f"a larger entropy than {entropy:g}"
        )
