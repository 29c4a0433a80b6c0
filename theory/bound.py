"""Upper bound on the test loss of a predictor fitted to real and synthetic data (theory/README.md, section 2).

Proved for kernel predictors f0 + g; for a trained network it holds only as far as the network is its linearisation.
Values are checked when they are concrete; under jit and vmap only shapes are.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from theory.arguments import require
from theory.bound_terms import Bound, add_up, discrepancy_term, kernel_term, loss_term, peeled_radius, size_term
from theory.disagreement import reference_transfer

WEIGHTS = 101
PROBABILITY = ("lie in [0, 1]", lambda x: (x >= 0) & (x <= 1))
NON_NEGATIVE = ("be at least 0", lambda x: x >= 0)
RULES: dict[str, tuple[str, Callable]] = {
    "losses_real": PROBABILITY,
    "losses_synthetic": PROBABILITY,
    "discrepancy_real": NON_NEGATIVE,
    "discrepancy_synthetic": NON_NEGATIVE,
    "kernel_diagonal_real": NON_NEGATIVE,
    "kernel_diagonal_synthetic": NON_NEGATIVE,
    "norm": NON_NEGATIVE,
    "norm_unit": ("exceed 0", lambda x: x > 0),
    "outputs": ("be at least 1", lambda x: x >= 1),
    "quadratic_form": NON_NEGATIVE,
    "lipschitz": NON_NEGATIVE,
    "delta": ("lie strictly between 0 and 1", lambda x: (x > 0) & (x < 1)),
}


class BestWeight(NamedTuple):
    """The weight on real data with the smallest bound, that bound, and how much of it pays for having chosen."""

    real_weight: Float[Array, ""]
    bound: Bound
    price: Float[Array, ""]


def mixture_bound(
    *, losses_real: Float[ArrayLike, "n"], losses_synthetic: Float[ArrayLike, "m"],
    discrepancy_real: Float[ArrayLike, ""], discrepancy_synthetic: Float[ArrayLike, ""],
    kernel_diagonal_real: Float[ArrayLike, "n"], kernel_diagonal_synthetic: Float[ArrayLike, "m"],
    norm: Float[ArrayLike, ""], norm_unit: float = 1.0, outputs: int = 1, lipschitz: Float[ArrayLike, ""] = 1.0,
    real_weight: Float[ArrayLike, ""] | None = None, delta: Float[ArrayLike, ""] = 0.05,
) -> Bound:  # fmt: skip
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
    require("real_weight", v, "lie in [0, 1] and be 0 on an empty part", lambda v: _allowed(v, n, m))
    _check(losses_real=losses_real, losses_synthetic=losses_synthetic, lipschitz=lipschitz, delta=delta)
    _check(discrepancy_real=discrepancy_real, discrepancy_synthetic=discrepancy_synthetic)
    _check(kernel_diagonal_real=kernel_diagonal_real, kernel_diagonal_synthetic=kernel_diagonal_synthetic)
    _check(norm=norm, norm_unit=norm_unit, outputs=outputs)
    radius, share = peeled_radius(norm, norm_unit)
    diagonals = (kernel_diagonal_real, kernel_diagonal_synthetic)
    return add_up(
        loss_term(losses_real, losses_synthetic, v),
        discrepancy_term(discrepancy_real, discrepancy_synthetic, v),
        kernel_term(*diagonals, v, radius=radius, outputs=outputs, lipschitz=lipschitz),
        size_term(n, m, v, delta=delta * share),
    )


def reference_bound(
    bound: Callable[..., Bound], *, disagreements_real: Float[ArrayLike, "n"],
    disagreements_synthetic: Float[ArrayLike, "m"], reference_losses: Float[ArrayLike, "k"],
    discrepancy_real: Float[ArrayLike, ""], discrepancy_synthetic: Float[ArrayLike, ""],
    delta: Float[ArrayLike, ""] = 0.05,
) -> Bound:  # fmt: skip
    """The mixture bound where labels of either part may be wrong and discrepancies see inputs alone (2.15).

        L_T(f) <= v [L_r(f) + L_r(h) + d_r] + (1-v) [L_s(f) + L_s(h) + d_s] + L_T(h)

    for a reference predictor h; half of delta pays for the losses of f, a quarter for those of h in each part. All of
    d_k + L_k(h) + L_T(h) is the discrepancy of the bound that is returned.

    bound: called with discrepancy_real, discrepancy_synthetic and delta, as partial(mixture_bound, losses_real=...) is.
    disagreements: losses of h on the examples of a part, which it has not seen. reference_losses: on validation
        examples that it was not fitted to. discrepancy: d_k of inputs. Errors: as in disagreement.reference_transfer.
    """
    _check(delta=delta)
    parts = ((disagreements_real, discrepancy_real), (disagreements_synthetic, discrepancy_synthetic))
    real, synthetic = (
        reference_transfer(disagreements=losses, reference_losses=reference_losses, discrepancy=gap, delta=delta / 4)
        for losses, gap in parts
    )
    return bound(discrepancy_real=real.total, discrepancy_synthetic=synthetic.total, delta=delta / 2)


def best_real_weight(bound: Callable[..., Bound], *, delta: float = 0.05) -> BestWeight:
    """The weight 0, .01, ... 1 with the smallest bound; valid, since each of the 101 pays delta/101 (2.10).

    bound: called with real_weight and delta, such as partial(mixture_bound, losses_real=..., ...).
    price: the bound at the chosen weight less what it would be had the weight been fixed beforehand.
    """
    _check(delta=delta)
    weights = jnp.linspace(0.0, 1.0, WEIGHTS)
    totals = jax.vmap(lambda v: bound(real_weight=v, delta=delta / WEIGHTS).total)(weights)
    chosen = weights[jnp.argmin(totals)]
    best = bound(real_weight=chosen, delta=delta / WEIGHTS)
    return BestWeight(chosen, best, best.total - bound(real_weight=chosen, delta=delta).total)


def paper_bound(
    *, losses_real: Float[ArrayLike, "n"], losses_synthetic: Float[ArrayLike, "m"],
    discrepancy_real: Float[ArrayLike, ""], discrepancy_synthetic: Float[ArrayLike, ""],
    quadratic_form: Float[ArrayLike, ""], lipschitz: Float[ArrayLike, ""] = 1.0, delta: Float[ArrayLike, ""] = 0.05,
) -> Bound:  # fmt: skip
    """The form of arXiv 2511.13640, Theorem 1, our reconstruction; not valid as it stands (theory/README.md, 2.12).

        w Lhat_r + (1-w) Lhat_s + w d_r + (1-w) d_s + 2 rho sqrt(Q/(n+m)) + 3 sqrt(2 max(w, 1-w) log(8/delta) / (n+m))

    with w = n/(n+m) and quadratic_form Q = yhat' Theta0^-1 yhat. Arguments and errors otherwise as in mixture_bound.
    """
    n, m = np.size(losses_real), np.size(losses_synthetic)
    w = _plain_weight(n, m)
    _check(losses_real=losses_real, losses_synthetic=losses_synthetic, lipschitz=lipschitz, delta=delta)
    _check(discrepancy_real=discrepancy_real, discrepancy_synthetic=discrepancy_synthetic)
    _check(quadratic_form=quadratic_form)
    return add_up(
        loss_term(losses_real, losses_synthetic, w),
        discrepancy_term(discrepancy_real, discrepancy_synthetic, w),
        2 * lipschitz * jnp.sqrt(quadratic_form / (n + m)),
        3 * jnp.sqrt(2 * max(w, 1 - w) * jnp.log(8 / delta) / (n + m)),
    )


def _plain_weight(n: int, m: int) -> float:
    if n + m == 0:
        raise ValueError("both parts are empty: a bound needs at least one example")
    return n / (n + m)


def _check_lengths(part: str, losses: ArrayLike, diagonal: ArrayLike) -> None:
    if np.ndim(losses) != 1 or np.shape(losses) != np.shape(diagonal):
        raise ValueError(
            f"losses_{part} and kernel_diagonal_{part} must be vectors of one length, "
            f"found shapes {np.shape(losses)} and {np.shape(diagonal)}"
        )


def _check(**values: ArrayLike) -> None:
    for name, value in values.items():
        require(name, value, *RULES[name])


def _allowed(v, n: int, m: int):
    return (v >= 0) & (v <= 1) & ((v == 0) | (n > 0)) & ((v == 1) | (m > 0))
