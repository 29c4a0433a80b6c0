"""Sums over all ranks of a power law, in closed form: the zeta function and the error on the head and on the tail.

All take arrays of one shape and floating type (theory.arguments.together), and work under jit, vmap and grad.
"""

import math
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax.scipy.special import gammainc, gammaincc, gammaln
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from theory.arguments import together

FIRST_RANKS = 8  # summed one by one; the integral takes over at rank 8.5

Values: TypeAlias = Float[Array, "..."]


class Parts(NamedTuple):
    """Error on ranks that synthetic data show (head) and on those that only real data show (tail)."""

    head: Float[Array, "..."]
    tail: Float[Array, "..."]

    @property
    def total(self) -> Float[Array, "..."]:
        """Of all ranks."""
        return self.head + self.tail


def zeta(exponent: ArrayLike, start: ArrayLike = 1.0) -> Float[Array, "..."]:
    """Hurwitz' zeta function sum_{j >= 0} (start + j)^-exponent, differentiable in both, by Euler-Maclaurin.

    jax.scipy.special.zeta has no derivative in the exponent, which fits need. Relative error 1e-13 for exponent > 1.
    """
    power, first = together(exponent, start)
    total = jnp.sum((first[None] + _places(9, first)) ** -power[None], axis=0)
    far = first + 9
    total += far ** (1 - power) / (power - 1) + far**-power / 2
    term = power * far ** (-power - 1)
    for j, bernoulli in enumerate((1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)):
        total += bernoulli * term
        term *= (power + 2 * j + 1) * (power + 2 * j + 2) / far**2
    return total


def head_mass(exponent: Float[Array, "..."], cutoff: Float[Array, "..."]) -> Float[Array, "..."]:
    """H = sum_{i <= k} p_i of theory/README.md, 1.1, as theory.knowledge.head_mass has it, for arrays."""
    whole, above = _zetas(exponent, cutoff)
    return 1 - above / whole


@jax.jit
def error_sums(
    n_real: Values, n_synthetic: Values, exponent: Values, cutoff: Values, shots: Values, decay: Values
) -> Parts:
    """E(d) of theory/README.md, 1.2, d the decay: first ranks summed, integrals beyond."""
    whole, above = _zetas(exponent, cutoff)
    constant = 1 / whole
    rates = jnp.stack([n_real + n_synthetic / (1 - above / whole), n_real])
    ranks = 1 + _places(FIRST_RANKS, n_real)
    before = jnp.clip(cutoff[None] + 1 - ranks, 0, 1)  # share of a rank that lies before a cutoff between two ranks
    frequency = constant[None] * ranks ** -exponent[None]
    kept = jnp.stack([before, 1 - before]) * (frequency * ranks ** -decay[None])[None]
    first = jnp.full_like(n_real, FIRST_RANKS + 0.5)
    edge = jnp.maximum(cutoff + 0.5, first)
    start = jnp.stack([first, edge, edge])
    near = rates[:, None] * frequency[None]
    far = jnp.stack([rates[0], *rates]) * constant[None] * start ** -exponent[None]
    draws = jnp.concatenate([near.reshape(-1, *n_real.shape), far])
    unlearned = gammaincc(jnp.broadcast_to(shots, draws.shape), _above_zero(draws))  # Q(m, u); once: it compiles long
    head, tail = jnp.sum(kept * unlearned[: -len(far)].reshape(near.shape), axis=1)
    law = [jnp.stack([x, x, x]) for x in (constant, exponent, shots, decay)]
    beyond = _beyond(far, unlearned[-len(far) :], start, *law)
    return Parts(head + beyond[0] - beyond[1], tail + beyond[2])


def _zetas(exponent, cutoff):
    """zeta(beta) and zeta(beta, k + 1), (2, ...)."""
    return zeta(exponent, jnp.stack([jnp.ones_like(cutoff), cutoff + 1]))


def _places(count, like):
    """0, ..., count - 1 along an axis before those of `like`."""
    return jnp.arange(count, dtype=like.dtype).reshape(-1, *[1] * like.ndim)


def _beyond(draws, unlearned, start, constant, exponent, shots, decay):
    """sum of f(i) = C i^(-beta-d) Q(m, r C i^-beta) over ranks i = x + 1/2, x + 3/2, ...: int_x^inf f + f'(x)/24.

    The integral is C x^(1-beta-d) / (beta+d-1) * G(e, m, U), e = (beta+d-1)/beta. draws: U = r C x^-beta;
    unlearned: Q(m, U).
    """
    total = exponent + decay - 1
    density = jnp.exp(shots * jnp.log(_above_zero(draws)) - draws - gammaln(shots))  # -U dQ/dU
    slope = exponent * density - (exponent + decay) * unlearned
    integral = start**-total / total * _mean_unlearned(total / exponent, shots, draws, unlearned)
    return constant * (integral + start ** (-total - 2) * slope / 24)


def _mean_unlearned(e, shots, draws, unlearned):
    """G(e, m, U) = e int_0^1 t^(e-1) Q(m, U t) dt = Q(m, U) + U^m/Gamma(m) int_0^1 t^(e+m-1) exp(-U t) dt."""
    power = shots * jnp.log(_above_zero(draws))
    return unlearned + jnp.exp(power - gammaln(shots) + _log_lower(e + shots, draws))


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
