"""The terms of the bound on the test loss, one by one (theory/README.md, 2.3 to 2.5); theory/bound.py adds them up.

Nothing is checked here: theory.bound checks what it is given. real_weight, the weight v on the real part, is a number
or a traced one, as are radius and lipschitz.
"""

import math
from typing import NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Scalar: TypeAlias = Float[Array, ""]


class Bound(NamedTuple):
    """Terms of an upper bound on the expected test loss, in units of the loss; `total` is the sum of the others."""

    loss: Scalar
    discrepancy: Scalar
    kernel: Scalar
    size: Scalar
    total: Scalar


def add_up(loss, discrepancy, kernel, size) -> Bound:
    """The four terms and their sum."""
    return Bound(loss, discrepancy, kernel, size, loss + discrepancy + kernel + size)


def loss_term(real: Float[ArrayLike, "n"], synthetic: Float[ArrayLike, "m"], real_weight) -> Scalar:
    """Weighted empirical loss, v Lhat_r + (1-v) Lhat_s."""
    return real_weight * _mean(real) + (1 - real_weight) * _mean(synthetic)


def discrepancy_term(real, synthetic, real_weight) -> Scalar:
    """Weighted transfer to the test distribution, v d_r + (1-v) d_s (theory/README.md, 2.7)."""
    return jnp.asarray(real_weight * real + (1 - real_weight) * synthetic)


def kernel_term(
    diagonal_real: Float[ArrayLike, "n"],
    diagonal_synthetic: Float[ArrayLike, "m"],
    real_weight,
    *,
    radius,
    outputs: int = 1,
    lipschitz=1.0,
) -> Scalar:
    """Twice the Rademacher complexity of the loss over the ball, 2 rho R sqrt(sum_i c_i^2 Theta_ii) (2.4).

    The diagonals hold tr Theta(x, x). With several outputs rho is multiplied by sqrt(2) (vector contraction).
    """
    real = real_weight**2 * _mean(diagonal_real) / max(np.size(diagonal_real), 1)
    synthetic = (1 - real_weight) ** 2 * _mean(diagonal_synthetic) / max(np.size(diagonal_synthetic), 1)
    contraction = lipschitz if outputs == 1 else math.sqrt(2) * lipschitz
    return 2 * contraction * radius * jnp.sqrt(real + synthetic)


def size_term(n_real: int, n_synthetic: int, real_weight, *, delta) -> Scalar:
    """Chance deviation of the sample, 3 sqrt(sum_i c_i^2 log(2/delta) / 2) (2.3); infinite if an empty part weighs."""
    return 3 * jnp.sqrt(_squared_weights(n_real, n_synthetic, real_weight) * jnp.log(2 / delta) / 2)


def sharper_size_term(n_real: int, n_synthetic: int, real_weight, *, delta) -> Scalar:
    """What size_term may be replaced by: 2 sqrt(sum_i c_i^2 log(1/delta) / 2), from one bounded difference (2.11)."""
    return 2 * jnp.sqrt(_squared_weights(n_real, n_synthetic, real_weight) * jnp.log(1 / delta) / 2)


def peeled_radius(norm, norm_unit: float = 1.0) -> tuple[Array, Array]:
    """Radius R = b0 2^j >= B with the smallest j >= 0, and its share 1/((j+1)(j+2)) of delta (2.5)."""
    mantissa, exponent = jnp.frexp(jnp.asarray(norm) / norm_unit)
    j = jnp.maximum(exponent - (mantissa == 0.5).astype(exponent.dtype), 0)
    level = j.astype(mantissa.dtype)
    return norm_unit * jnp.ldexp(jnp.ones_like(mantissa), j), 1 / ((level + 1) * (level + 2))


def ridge_norm(kernel: Float[Array, "n n"], coefficients: Float[Array, "n *outputs"]) -> Scalar:
    """Norm B of g = sum_i alpha_i Theta(x_i, .), summed over outputs: B^2 = tr(alpha' Theta alpha) (2.5).

    For ridge, alpha = (Theta + lambda I)^-1 yhat, it is at most sqrt(yhat' (Theta + lambda I)^-1 yhat).
    """
    return jnp.sqrt(jnp.maximum(jnp.sum(coefficients * (kernel @ coefficients)), 0))


def _squared_weights(n: int, m: int, v) -> Array:
    """sum_i c_i^2; an empty part counts as infinitely uncertain unless its weight is 0."""
    parts = [w**2 / size if size else jnp.where(w > 0, jnp.inf, 0.0) for size, w in ((n, v), (m, 1 - v))]
    return jnp.asarray(parts[0] + parts[1])


def _mean(values) -> Array:
    return jnp.sum(jnp.asarray(values)) / max(np.size(values), 1)
