"""The whole scaling curve of real + synthetic data in closed form, its two breakpoints and its slopes.

Everything takes numbers or arrays that broadcast, follows their float type, and works under jit, vmap and grad.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from theory.arguments import checked, together, within_range
from theory.knowledge import Accuracy, check_accuracy
from theory.power_sums import Parts, Values, error_sums, head_mass, zeta


class Breakpoints(NamedTuple):
    """Total numbers of draws at which the head is saturated, and at which learning of the tail begins."""

    first: Values
    second: Values


class Marginal(NamedTuple):
    """Change of the error by one more real and by one more synthetic example; negative: it helps."""

    real: Values
    synthetic: Values


def expected_error(
    n_real: ArrayLike, n_synthetic: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Expected error rate of the memoriser, L - L_inf of theory/README.md, 1.2, a probability.

    sum_{i <= k} p_i Q(m, (n_r + n_s/H) p_i) + sum_{i > k} p_i Q(m, n_r p_i)
    n_real, n_synthetic: numbers of examples >= 0, as large as you like. exponent: beta > 1, the smaller, the heavier
    the tail. cutoff: rank k >= 1 after which synthetic data show nothing; need not be whole, infinity: no cut.
    shots: examples m > 0 of an item until it is learned. Within 0.2 % of the exact sum for exponents 1.2 to 2.5.
    Raises ValueError for values outside these ranges.
    """
    return error_parts(n_real, n_synthetic, exponent=exponent, cutoff=cutoff, shots=shots).total


def error_parts(
    n_real: ArrayLike, n_synthetic: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Parts:
    """The two sums of expected_error, of the head and of the tail. Arguments and errors as there."""
    values = checked(n_real=n_real, n_synthetic=n_synthetic, exponent=exponent, cutoff=cutoff, shots=shots)
    return error_sums(*values, jnp.zeros_like(values[0]))


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
    accuracy: a, alpha, b, lambda; ValueError where check_accuracy raises it. The rest as for expected_error.
    """
    values = checked(n_real=n_real, n_synthetic=n_synthetic, exponent=exponent, cutoff=cutoff, shots=shots)
    check_accuracy(accuracy)
    *values, a, alpha, b, decay = together(*values, *accuracy)
    floor = 1 - a * zeta(values[2] + alpha) / zeta(values[2])
    return floor + a * error_sums(*values, alpha).total - b * error_sums(*values, decay).total


def breakpoints(
    real_share: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Breakpoints:
    """Total draws T1 = m zeta(beta) k^beta / s and T2 = m zeta(beta) k^beta / pi (theory/README.md, 1.3).

    real_share: pi in [0, 1]; at 0 the tail is never learned and T2 is infinite. s = pi + (1 - pi) / H.
    The rest, and what is raised, as for expected_error.
    """
    share, beta, k, m = checked(real_share=real_share, exponent=exponent, cutoff=cutoff, shots=shots)
    needed = within_range("m zeta(beta) k^beta", m * zeta(beta) * k**beta)
    return Breakpoints(needed / (share + (1 - share) / head_mass(beta, k)), needed / share)


def phase(
    n_real: ArrayLike, n_synthetic: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Int[Array, "..."]:
    """1: the head is being learned, 2: plateau, 3: the tail is being learned (theory/README.md, 1.3).

    The head ends when item k has been shown m times by both kinds of data, the plateau when real data alone did so.
    Arguments and errors as for expected_error.
    """
    values = checked(n_real=n_real, n_synthetic=n_synthetic, exponent=exponent, cutoff=cutoff, shots=shots)
    real, synthetic, beta, k, m = values
    needed = within_range("m zeta(beta) k^beta", m * zeta(beta) * k**beta)
    head, tail = real + synthetic / head_mass(beta, k) >= needed, real >= needed
    return 1 + head.astype(int) + tail.astype(int)


def marginal_error(
    n_real: ArrayLike, n_synthetic: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Marginal:
    """dL/dn_r and dL/dn_s, probability per example, <= 0 and finite also without real data (theory/README.md, 1.4).

    Arguments and errors as for expected_error.
    """
    values = checked(n_real=n_real, n_synthetic=n_synthetic, exponent=exponent, cutoff=cutoff, shots=shots)
    # every element depends on its counts alone, so the gradient of the sum holds all derivatives
    return Marginal(*jax.grad(lambda *x: jnp.sum(error_sums(*x).total), (0, 1))(*values, jnp.zeros_like(values[0])))


def local_slope(
    samples: ArrayLike, real_share: ArrayLike, *, exponent: ArrayLike, cutoff: ArrayLike, shots: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """d log(L - L_inf) / d log n at n total draws: -(1 - 1/beta) in the outer phases, near 0 on the plateau (1.3).

    samples: n >= 0 draws, of which real_share in [0, 1] are real. The rest, and what is raised, as for expected_error.
    """
    values = checked(samples=samples, real_share=real_share, exponent=exponent, cutoff=cutoff, shots=shots)
    draws, share, *law = values

    def error(n):
        return error_sums(share * n, (1 - share) * n, *law, jnp.zeros_like(n)).total

    value, slope = jax.jvp(error, (draws,), (draws,))
    return slope / value
