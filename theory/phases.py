"""The whole scaling curve of real + synthetic data in closed form, its two breakpoints and its slopes.

Everything takes numbers or arrays that broadcast, follows their float type, and works under jit, vmap and grad.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammainc, gammaincc, gammaln
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from theory.knowledge import Accuracy, check_accuracy

FIRST_RANKS = 8  # summed one by one; the integral takes over at rank 8.5


class Parts(NamedTuple):
    """Error on ranks that synthetic data show (head) and on those that only real data show (tail)."""

    head: Float[Array, "..."]
    tail: Float[Array, "..."]


class Breakpoints(NamedTuple):
    """Total numbers of draws at which the head is saturated, and at which learning of the tail begins."""

    first: Float[Array, "..."]
    second: Float[Array, "..."]


class Marginal(NamedTuple):
    """Change of the error by one more real and by one more synthetic example; negative: it helps."""

    real: Float[Array, "..."]
    synthetic: Float[Array, "..."]


def expected_error(
    n_real: ArrayLike, n_synthetic: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Expected error rate of the memoriser, L - L_inf of theory/README.md, 1.2, a probability.

    sum_{i <= k} p_i Q(m, (n_r + n_s/H) p_i) + sum_{i > k} p_i Q(m, n_r p_i)
    n_real, n_synthetic: numbers of examples >= 0, as large as you like. exponent: beta > 1, the smaller, the heavier
    the tail. cutoff: rank k >= 1 behind which synthetic data show nothing; need not be whole, infinity: no cut.
    shots: examples m > 0 of an item until it is learned. Within 0.2 % of the exact sum for exponents 1.2 to 2.5.
    Raises ValueError for values outside these ranges.
    """
    return sum(error_parts(n_real, n_synthetic, exponent=exponent, cutoff=cutoff, shots=shots))


def error_parts(
    n_real: ArrayLike, n_synthetic: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Parts:
    """expected_error, head and tail apart."""
    check(exponent=exponent, cutoff=cutoff, shots=shots, n_real=n_real, n_synthetic=n_synthetic)
    return _parts(*_together(n_real, n_synthetic, exponent, cutoff, shots, 0.0))


def error_with_accuracies(
    n_real: ArrayLike,
    n_synthetic: ArrayLike,
    *,
    exponent: ArrayLike,
    cutoff: ArrayLike,
    accuracy: Accuracy,
    shots: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Expected error rate, L_inf included, if seen and unseen items are answered with rank-dependent accuracy.

    L_inf + a E(alpha) - b E(lambda), E(d) = sum_i p_i i^-d Q(m, n q_i) (theory/README.md, 1.2).
    """
    check(exponent=exponent, cutoff=cutoff, shots=shots, n_real=n_real, n_synthetic=n_synthetic)
    check_accuracy(accuracy)
    n_real, n_synthetic, exponent, cutoff, shots, a, alpha, b, decay = _together(
        n_real, n_synthetic, exponent, cutoff, shots, *accuracy
    )
    floor = 1 - a * zeta(exponent + alpha) / zeta(exponent)
    seen = sum(_parts(n_real, n_synthetic, exponent, cutoff, shots, alpha))
    unseen = sum(_parts(n_real, n_synthetic, exponent, cutoff, shots, decay))
    return floor + a * seen - b * unseen


def breakpoints(
    real_share: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Breakpoints:
    """Total draws T1 = m zeta(beta) k^beta / s and T2 = m zeta(beta) k^beta / pi (theory/README.md, 1.3).

    real_share: pi in [0, 1]; at 0 the tail is never learned and T2 is infinite. s = pi + (1 - pi) / H.
    """
    check(exponent=exponent, cutoff=cutoff, shots=shots, real_share=real_share)
    real_share, exponent, cutoff, shots = _together(real_share, exponent, cutoff, shots)
    needed = shots * zeta(exponent) * cutoff**exponent
    return Breakpoints(needed / (real_share + (1 - real_share) / _head_mass(exponent, cutoff)), needed / real_share)


def phase(
    n_real: ArrayLike, n_synthetic: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Int[Array, "..."]:
    """1: the head is being learned, 2: plateau, 3: the tail is being learned (theory/README.md, 1.3).

    The head ends when item k has been shown m times by both kinds of data, the plateau when real data alone did so.
    """
    check(exponent=exponent, cutoff=cutoff, shots=shots, n_real=n_real, n_synthetic=n_synthetic)
    n_real, n_synthetic, exponent, cutoff, shots = _together(n_real, n_synthetic, exponent, cutoff, shots)
    needed = shots * zeta(exponent) * cutoff**exponent
    head, tail = n_real + n_synthetic / _head_mass(exponent, cutoff) >= needed, n_real >= needed
    return 1 + head.astype(int) + tail.astype(int)


def marginal_error(
    n_real: ArrayLike, n_synthetic: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Marginal:
    """dL/dn_r and dL/dn_s, probability per example, <= 0 and finite also without real data (theory/README.md, 1.4)."""
    check(exponent=exponent, cutoff=cutoff, shots=shots, n_real=n_real, n_synthetic=n_synthetic)
    arguments = _together(n_real, n_synthetic, exponent, cutoff, shots, 0.0)
    # every element depends on its own counts only, so the gradient of the sum holds all derivatives
    return Marginal(*jax.grad(lambda *x: jnp.sum(sum(_parts(*x))), (0, 1))(*arguments))


def local_slope(
    samples: ArrayLike,
    real_share: ArrayLike,
    *,
    exponent: ArrayLike,
    cutoff: ArrayLike,
    shots: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """d log(L - L_inf) / d log n at n total draws: -(1 - 1/beta) in the outer phases, near 0 on the plateau (1.3)."""
    check(exponent=exponent, cutoff=cutoff, shots=shots, real_share=real_share, samples=samples)
    samples, share, exponent, cutoff, shots, zero = _together(samples, real_share, exponent, cutoff, shots, 0.0)

    def error(n):
        return sum(_parts(share * n, (1 - share) * n, exponent, cutoff, shots, zero))

    value, slope = jax.jvp(error, (samples,), (samples,))
    return slope / value


def zeta(exponent: ArrayLike, start: ArrayLike = 1.0) -> Float[Array, "..."]:
    """Hurwitz' zeta function sum_{j >= 0} (start + j)^-exponent, differentiable in both, by Euler-Maclaurin.

    jax.scipy.special.zeta has no derivative in the exponent, which fits need. Relative error 1e-13 for exponent > 1.
    """
    exponent, start = _together(exponent, start)
    total = sum((start + j) ** -exponent for j in range(9))
    far = start + 9
    total += far ** (1 - exponent) / (exponent - 1) + far**-exponent / 2
    term = exponent * far ** (-exponent - 1)
    for j, bernoulli in enumerate((1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)):
        total += bernoulli * term
        term *= (exponent + 2 * j + 1) * (exponent + 2 * j + 2) / far**2
    return total


@jax.jit
def _parts(n_real, n_synthetic, exponent, cutoff, shots, decay):
    """E(d) of theory/README.md, 1.2, for arrays of one shape and type: first ranks summed, integrals beyond."""
    constant = 1 / zeta(exponent)
    rate_head, rate_tail = n_real + n_synthetic / _head_mass(exponent, cutoff), n_real
    ranks = jnp.arange(1, FIRST_RANKS + 1, dtype=n_real.dtype).reshape(-1, *[1] * n_real.ndim)
    before = jnp.clip(cutoff[None] + 1 - ranks, 0, 1)  # share of a rank that lies before a cutoff between two ranks
    frequency = constant[None] * ranks ** -exponent[None]
    kept = jnp.stack([before, 1 - before]) * (frequency * ranks ** -decay[None])[None]
    draws = jnp.stack([rate_head, rate_tail])[:, None] * frequency[None]
    head, tail = jnp.sum(kept * _unlearned(shots[None, None], draws), axis=1)
    first = jnp.full_like(n_real, FIRST_RANKS + 0.5)
    edge = jnp.maximum(cutoff + 0.5, first)
    law = [jnp.stack([x, x, x]) for x in (constant, exponent, shots, decay)]
    beyond = _beyond(jnp.stack([rate_head, rate_head, rate_tail]), jnp.stack([first, edge, edge]), *law)
    return Parts(head + beyond[0] - beyond[1], tail + beyond[2])


def _beyond(rate, start, constant, exponent, shots, decay):
    """sum of f(i) = C i^(-beta-d) Q(m, r C i^-beta) over ranks i = x + 1/2, x + 3/2, ...: int_x^inf f + f'(x)/24.

    The integral is C x^(1-beta-d) / (beta+d-1) * G(e, m, U), e = (beta+d-1)/beta, U = r C x^-beta.
    """
    total, draws = exponent + decay - 1, rate * constant * start**-exponent
    density = jnp.exp(shots * jnp.log(_above_zero(draws)) - draws - gammaln(shots))  # -U dQ/dU
    slope = exponent * density - (exponent + decay) * _unlearned(shots, draws)
    integral = start**-total / total * _mean_unlearned(total / exponent, shots, draws)
    return constant * (integral + start ** (-total - 2) * slope / 24)


def _unlearned(shots, draws):
    """Q(m, u)."""
    return gammaincc(shots, _above_zero(draws))


def _mean_unlearned(e, shots, draws):
    """G(e, m, U) = e int_0^1 t^(e-1) Q(m, U t) dt = Q(m, U) + U^m/Gamma(m) int_0^1 t^(e+m-1) exp(-U t) dt."""
    power = shots * jnp.log(_above_zero(draws))
    return _unlearned(shots, draws) + jnp.exp(power - gammaln(shots) + _log_lower(e + shots, draws))


def _log_lower(a, draws):
    """log int_0^1 t^(a-1) exp(-u t) dt = log(Gamma(a) P(a, u) u^-a), by its series for small u."""
    small = draws < 0.02
    u = jnp.where(small, draws, 0.0)
    series = sum((-u) ** j / (math.factorial(j) * (a + j)) for j in range(6))
    u = jnp.where(small, 1.0, draws)
    return jnp.where(small, jnp.log(series), gammaln(a) - a * jnp.log(u) + jnp.log(gammainc(a, u)))


def _above_zero(draws):
    """u + a number too small to matter: at u = 0 automatic derivatives become right, -1 of Q for m = 1, 0 for m > 1."""
    return draws + math.sqrt(jnp.finfo(draws.dtype).tiny)


def _head_mass(exponent, cutoff):
    return 1 - zeta(exponent, cutoff + 1) / zeta(exponent)


def _together(*values):
    """The values as arrays of their common shape and floating type."""
    dtype = jnp.result_type(*values, 1.0)
    arrays = [jnp.asarray(value, dtype) for value in values]
    shape = jnp.broadcast_shapes(*(array.shape for array in arrays))
    return [jnp.broadcast_to(array, shape) for array in arrays]


def check(**values) -> None:
    """Raises ValueError for a value outside its range; values that jit or vmap are tracing are let through."""
    for name, value in values.items():
        if isinstance(value, jax.core.Tracer):
            continue
        holds, wanted = RANGES[name]
        if not np.all(holds(np.asarray(value, float))):
            raise ValueError(f"{name} {wanted}, got {value}")


RANGES = {
    "exponent": (lambda x: (x > 1) & (x < np.inf), "must exceed 1 for a normalisable tail"),
    "cutoff": (lambda x: x >= 1, "is a rank and is at least 1"),
    "shots": (lambda x: (x > 0) & (x < np.inf), "must be positive"),
    "n_real": (lambda x: (x >= 0) & (x < np.inf), "counts examples and cannot be negative or infinite"),
    "n_synthetic": (lambda x: (x >= 0) & (x < np.inf), "counts examples and cannot be negative or infinite"),
    "samples": (lambda x: (x >= 0) & (x < np.inf), "counts examples and cannot be negative or infinite"),
    "real_share": (lambda x: (x >= 0) & (x <= 1), "lies between 0 and 1"),
}
