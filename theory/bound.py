"""Upper bound on the test loss of a predictor fitted to real and synthetic data (theory/README.md, section 2).

Proved for kernel predictors f0 + g; for a trained network it holds only as far as the network is its linearisation.
Values are checked when they are concrete; under jit and vmap only shapes are.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

WEIGHTS = 101


class Bound(NamedTuple):
    """Terms of an upper bound on the expected test loss, in units of the loss; `total` is the sum of the others."""

    loss: Float[Array, ""]
    discrepancy: Float[Array, ""]
    kernel: Float[Array, ""]
    size: Float[Array, ""]
    total: Float[Array, ""]


class BestWeight(NamedTuple):
    """The weight on real data with the smallest bound, that bound, and how much of it pays for having chosen."""

    real_weight: Float[Array, ""]
    bound: Bound
    price: Float[Array, ""]


def mixture_bound(
    *,
    losses_real: Float[ArrayLike, "n"],
    losses_synthetic: Float[ArrayLike, "m"],
    discrepancy_real: Float[ArrayLike, ""],
    discrepancy_synthetic: Float[ArrayLike, ""],
    kernel_diagonal_real: Float[ArrayLike, "n"],
    kernel_diagonal_synthetic: Float[ArrayLike, "m"],
    norm: Float[ArrayLike, ""],
    norm_unit: float = 1.0,
    outputs: int = 1,
    lipschitz: Float[ArrayLike, ""] = 1.0,
    real_weight: Float[ArrayLike, ""] | None = None,
    delta: Float[ArrayLike, ""] = 0.05,
) -> Bound:
    """Bound on the expected test loss that fails with probability at most delta (theory/README.md, 2.7).

        L_T <= v Lhat_r + (1-v) Lhat_s + v d_r + (1-v) d_s
               + 2 rho R sqrt(sum_i c_i^2 Theta_ii) + 3 sqrt(sum_i c_i^2 log(2 (j+1)(j+2) / delta) / 2)
        c_i = v/n (real), (1-v)/m (synthetic);  R = b0 2^j >= B with the smallest j >= 0;  outputs > 1: sqrt(2) rho

    losses: of a loss that is lipschitz (rho, in the l2 norm of the output) and in [0, 1] everywhere, not only here.
    discrepancy: upper bounds on L_T - L_r and L_T - L_s (2.8, 2.9); where estimated, their risk comes on top of delta.
    kernel_diagonal: tr Theta(x, x), example by example.   norm: B = ||g||_Theta; may depend on the sample.
    norm_unit, real_weight: b0 and v, chosen without the sample; None means v = n/(n+m), the plain mean.
    An empty part adds exactly 0. Raises ValueError for numbers outside their range or not finite, for parts of unequal
    length and for a weight on an empty part.
    """
    n, m = np.size(losses_real), np.size(losses_synthetic)
    _check_lengths("real", losses_real, kernel_diagonal_real)
    _check_lengths("synthetic", losses_synthetic, kernel_diagonal_synthetic)
    v = _plain_weight(n, m) if real_weight is None else real_weight
    _require("real_weight", v, "lie in [0, 1] and be 0 on an empty part", lambda v: _allowed(v, n, m))
    _require("losses_real", losses_real, "lie in [0, 1]", _probability)
    _require("losses_synthetic", losses_synthetic, "lie in [0, 1]", _probability)
    _require("discrepancy_real", discrepancy_real, "be at least 0", _non_negative)
    _require("discrepancy_synthetic", discrepancy_synthetic, "be at least 0", _non_negative)
    _require("kernel_diagonal_real", kernel_diagonal_real, "be at least 0", _non_negative)
    _require("kernel_diagonal_synthetic", kernel_diagonal_synthetic, "be at least 0", _non_negative)
    _require("norm", norm, "be at least 0", _non_negative)
    _require("norm_unit", norm_unit, "exceed 0", _positive)
    _require("outputs", outputs, "be at least 1", lambda x: x >= 1)
    _require("lipschitz", lipschitz, "be at least 0", _non_negative)
    _require("delta", delta, "lie strictly between 0 and 1", _risk)
    radius, share = peeled_radius(norm, norm_unit)
    diagonals = (kernel_diagonal_real, kernel_diagonal_synthetic)
    return add_up(
        loss_term(losses_real, losses_synthetic, v),
        discrepancy_term(discrepancy_real, discrepancy_synthetic, v),
        kernel_term(*diagonals, v, radius=radius, outputs=outputs, lipschitz=lipschitz),
        size_term(n, m, v, delta=delta * share),
    )


def best_real_weight(bound: Callable[..., Bound], *, delta: float = 0.05) -> BestWeight:
    """The weight 0, .01, ... 1 with the smallest bound; valid, since each of the 101 pays delta/101 (2.10).

    bound: called with real_weight and delta, such as partial(mixture_bound, losses_real=..., ...).
    price: the bound at the chosen weight less what it would be had the weight been fixed beforehand.
    """
    _require("delta", delta, "lie strictly between 0 and 1", _risk)
    weights = jnp.linspace(0.0, 1.0, WEIGHTS)
    totals = jax.vmap(lambda v: bound(real_weight=v, delta=delta / WEIGHTS).total)(weights)
    chosen = weights[jnp.argmin(totals)]
    best = bound(real_weight=chosen, delta=delta / WEIGHTS)
    return BestWeight(chosen, best, best.total - bound(real_weight=chosen, delta=delta).total)


def paper_bound(
    *,
    losses_real: Float[ArrayLike, "n"],
    losses_synthetic: Float[ArrayLike, "m"],
    discrepancy_real: Float[ArrayLike, ""],
    discrepancy_synthetic: Float[ArrayLike, ""],
    quadratic_form: Float[ArrayLike, ""],
    lipschitz: Float[ArrayLike, ""] = 1.0,
    delta: Float[ArrayLike, ""] = 0.05,
) -> Bound:
    """The form of arXiv 2511.13640, Theorem 1, our reconstruction; not valid as it stands (theory/README.md, 2.12).

        w Lhat_r + (1-w) Lhat_s + w d_r + (1-w) d_s + 2 rho sqrt(Q/(n+m)) + 3 sqrt(2 max(w, 1-w) log(8/delta) / (n+m))

    with w = n/(n+m) and quadratic_form Q = yhat' Theta0^-1 yhat. Arguments and errors otherwise as in mixture_bound.
    """
    n, m = np.size(losses_real), np.size(losses_synthetic)
    w = _plain_weight(n, m)
    _require("losses_real", losses_real, "lie in [0, 1]", _probability)
    _require("losses_synthetic", losses_synthetic, "lie in [0, 1]", _probability)
    _require("discrepancy_real", discrepancy_real, "be at least 0", _non_negative)
    _require("discrepancy_synthetic", discrepancy_synthetic, "be at least 0", _non_negative)
    _require("quadratic_form", quadratic_form, "be at least 0", _non_negative)
    _require("lipschitz", lipschitz, "be at least 0", _non_negative)
    _require("delta", delta, "lie strictly between 0 and 1", _risk)
    return add_up(
        loss_term(losses_real, losses_synthetic, w),
        discrepancy_term(discrepancy_real, discrepancy_synthetic, w),
        2 * lipschitz * jnp.sqrt(quadratic_form / (n + m)),
        3 * jnp.sqrt(2 * max(w, 1 - w) * jnp.log(8 / delta) / (n + m)),
    )


def add_up(loss, discrepancy, kernel, size) -> Bound:
    """The four terms and their sum."""
    return Bound(loss, discrepancy, kernel, size, loss + discrepancy + kernel + size)


def loss_term(real: Float[ArrayLike, "n"], synthetic: Float[ArrayLike, "m"], real_weight) -> Float[Array, ""]:
    """Weighted empirical loss, v Lhat_r + (1-v) Lhat_s."""
    return real_weight * _mean(real) + (1 - real_weight) * _mean(synthetic)


def discrepancy_term(real, synthetic, real_weight) -> Float[Array, ""]:
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
) -> Float[Array, ""]:
    """Twice the Rademacher complexity of the loss over the ball, 2 rho R sqrt(sum_i c_i^2 Theta_ii) (2.4).

    The diagonals hold tr Theta(x, x). With several outputs rho is multiplied by sqrt(2) (vector contraction).
    """
    real = real_weight**2 * _mean(diagonal_real) / max(np.size(diagonal_real), 1)
    synthetic = (1 - real_weight) ** 2 * _mean(diagonal_synthetic) / max(np.size(diagonal_synthetic), 1)
    contraction = lipschitz if outputs == 1 else math.sqrt(2) * lipschitz
    return 2 * contraction * radius * jnp.sqrt(real + synthetic)


def size_term(n_real: int, n_synthetic: int, real_weight, *, delta) -> Float[Array, ""]:
    """Chance deviation of the sample, 3 sqrt(sum_i c_i^2 log(2/delta) / 2) (2.3); infinite if an empty part weighs."""
    return 3 * jnp.sqrt(_squared_weights(n_real, n_synthetic, real_weight) * jnp.log(2 / delta) / 2)


def sharper_size_term(n_real: int, n_synthetic: int, real_weight, *, delta) -> Float[Array, ""]:
    """What size_term may be replaced by: 2 sqrt(sum_i c_i^2 log(1/delta) / 2), from one bounded difference (2.11)."""
    return 2 * jnp.sqrt(_squared_weights(n_real, n_synthetic, real_weight) * jnp.log(1 / delta) / 2)


def peeled_radius(norm, norm_unit: float = 1.0) -> tuple[Array, Array]:
    """Radius R = b0 2^j >= B with the smallest j >= 0, and its share 1/((j+1)(j+2)) of delta (2.5)."""
    mantissa, exponent = jnp.frexp(jnp.asarray(norm) / norm_unit)
    j = jnp.maximum(exponent - (mantissa == 0.5).astype(exponent.dtype), 0)
    level = j.astype(mantissa.dtype)
    return norm_unit * jnp.ldexp(jnp.ones_like(mantissa), j), 1 / ((level + 1) * (level + 2))


def ridge_norm(kernel: Float[Array, "n n"], coefficients: Float[Array, "n *outputs"]) -> Float[Array, ""]:
    """Norm B of g = sum_i alpha_i Theta(x_i, .), summed over outputs: B^2 = tr(alpha' Theta alpha) (2.5).

    For ridge, alpha = (Theta + lambda I)^-1 yhat, it is at most sqrt(yhat' (Theta + lambda I)^-1 yhat).
    """
    return jnp.sqrt(jnp.maximum(jnp.sum(coefficients * (kernel @ coefficients)), 0))


def _plain_weight(n: int, m: int) -> float:
    if n + m == 0:
        raise ValueError("both parts are empty: a bound needs at least one example")
    return n / (n + m)


def _squared_weights(n: int, m: int, v) -> Array:
    """sum_i c_i^2; an empty part counts as infinitely uncertain unless its weight is 0."""
    parts = [w**2 / size if size else jnp.where(w > 0, jnp.inf, 0.0) for size, w in ((n, v), (m, 1 - v))]
    return jnp.asarray(parts[0] + parts[1])


def _mean(values) -> Array:
    return jnp.sum(jnp.asarray(values)) / max(np.size(values), 1)


def _check_lengths(part: str, losses, diagonal) -> None:
    if np.ndim(losses) != 1 or np.shape(losses) != np.shape(diagonal):
        raise ValueError(
            f"losses_{part} and kernel_diagonal_{part} must be vectors of one length, "
            f"found shapes {np.shape(losses)} and {np.shape(diagonal)}"
        )


def _require(name: str, value, rule: str, holds: Callable) -> None:
    if isinstance(value, jax.core.Tracer):
        return
    value = np.asarray(value)
    wrong = ~(np.isfinite(value) & holds(value))
    if wrong.any():
        raise ValueError(f"{name} must be finite and {rule}, found {value[wrong].flat[0]}")


def _probability(x):
    return (x >= 0) & (x <= 1)


def _non_negative(x):
    return x >= 0


def _positive(x):
    return x > 0


def _risk(x):
    return (x > 0) & (x < 1)


def _allowed(v, n: int, m: int):
    return _probability(v) & ((v == 0) | (n > 0)) & ((v == 1) | (m > 0))
