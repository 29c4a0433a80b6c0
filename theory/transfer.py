"""How much worse the loss may be on the test distribution than on a training part (theory/README.md, 2.8 and 2.9).

Two valid choices for the discrepancies of theory/bound.py. An MK-MMD in a feature space is a heuristic in their place.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float


def total_variation(p: Float[Array, "i"], q: Float[Array, "i"]) -> Float[Array, ""]:
    """Total variation sum |p - q| / 2 of two joint distributions: a valid discrepancy for losses in [0, 1] (2.8).

    For synthetic data cut off at a rank it is 1 - H, the mass of the lost tail.
    """
    return jnp.sum(jnp.abs(p - q)) / 2


def squared_loss_scale(*, radius, kernel_bound, residual_bound) -> tuple[Array, Array]:
    """(M^2, rho): the squared loss over M^2 lies in [0, 1] and is (rho = 2/M)-Lipschitz on the ball (2.9).

    M = R sqrt(kernel_bound) + residual_bound; bounds on Theta(x, x) and |y - f0(x)| over the whole domain.
    """
    largest = jnp.asarray(radius * jnp.sqrt(kernel_bound) + residual_bound)
    return largest**2, 2 / largest


def matched_kernel(
    kernel: Float[Array, "n m"], residuals: Float[Array, "n c"], other_residuals: Float[Array, "m c"]
) -> Float[Array, "n m"]:
    """Kernel whose MMD bounds the transfer of the squared loss, (Theta(x, x') + u . u')^2 with u = y - f0(x) (2.9)."""
    return (kernel + residuals @ other_residuals.T) ** 2


def matched_discrepancy(mmd, *, norm, outputs: int = 1) -> Float[Array, ""]:
    """Bound (B^2 + C) MMD on the difference of expected squared losses, MMD under matched_kernel (2.9).

    Units of the squared loss: divide by M^2 of squared_loss_scale before it enters mixture_bound.
    """
    return jnp.asarray((norm**2 + outputs) * mmd)


def mmd_excess(n: int, m: int, *, kernel_bound, delta) -> Float[Array, ""]:
    """How far the true MMD may exceed its biased estimate from n and m points, except with probability delta (2.9).

        sqrt(K/n) + sqrt(K/m) + sqrt(2 K (n+m) log(1/delta) / (n m)),   K >= k(x, x) everywhere

    The kernel, its bandwidth included, must not depend on these points. Raises ValueError for an empty sample.
    """
    if min(n, m) < 1:
        raise ValueError(f"an MMD needs points on both sides, found {n} and {m}")
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie strictly between 0 and 1, found {delta}")
    if not 0 <= kernel_bound < math.inf:
        raise ValueError(f"kernel_bound must be finite and at least 0, found {kernel_bound}")
    mean = jnp.sqrt(kernel_bound / n) + jnp.sqrt(kernel_bound / m)
    return mean + jnp.sqrt(2 * kernel_bound * (n + m) * jnp.log(1 / delta) / (n * m))
