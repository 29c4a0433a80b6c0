"""What sampling does to a distribution, and the rank at which the result is cut off. Pure; float64 NumPy."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from configs.common import one_of


class Cutoff(NamedTuple):
    """What synthetic data keep of the real distribution, and where the law puts its breakpoints.

    cutoff: effective number of items kept. head_mass: their real probability together, H.
    frequency: real probability of the last one kept. first, second: T1 and T2, total draws.
    """

    cutoff: float
    head_mass: float
    frequency: float
    first: float
    second: float


def top_p(probabilities: Float[np.ndarray, "i"], mass: float, rng) -> Float[np.ndarray, "i"]:
    """The fewest items that hold at least this mass, renormalised."""
    order = np.argsort(-probabilities, kind="stable")
    kept = order[: 1 + np.searchsorted(np.cumsum(probabilities[order]), mass * probabilities.sum() - 1e-12)]
    return _only(probabilities, kept)


def temperature(probabilities: Float[np.ndarray, "i"], value: float, rng) -> Float[np.ndarray, "i"]:
    """p^(1/T), renormalised: below 1 a power law becomes a steeper one."""
    sharpened = (probabilities / probabilities.max()) ** (1 / value)
    return sharpened / sharpened.sum()


def finite(probabilities: Float[np.ndarray, "i"], size: float, rng) -> Float[np.ndarray, "i"]:
    """Frequencies in a pool of that many draws: all later synthetic data repeat the pool."""
    return rng.multinomial(int(size), probabilities / probabilities.sum()) / int(size)


def truncation(probabilities: Float[np.ndarray, "i"], kept: float, rng) -> Float[np.ndarray, "i"]:
    """The first items only, renormalised: a cut that is imposed."""
    return _only(probabilities, np.arange(int(kept)))


MECHANISMS = {"top_p": top_p, "temperature": temperature, "finite": finite, "truncation": truncation}
UNITS = {
    "top_p": (lambda x: 0 < x <= 1, "a mass in (0, 1]"),
    "temperature": (lambda x: x > 0, "a positive number"),
    "finite": (lambda x: x >= 1, "a number of draws, at least 1"),
    "truncation": (lambda x: x >= 1, "a number of items, at least 1"),
}


def check_strength(mechanism: str, strength: float) -> None:
    """Raises ValueError for an unknown mechanism or a strength it cannot have."""
    holds, wanted = UNITS[one_of("mechanism", mechanism, tuple(MECHANISMS))]
    if not holds(strength):
        raise ValueError(f"the strength of {mechanism} is {wanted}, got {strength}")


def sampled(probabilities: Float[np.ndarray, "i"], mechanism: str, strength: float, rng) -> Float[np.ndarray, "i"]:
    """The distribution of synthetic data: that of a generator, sampled in this way. rng: used by "finite" only."""
    check_strength(mechanism, strength)
    return MECHANISMS[mechanism](probabilities, strength, rng)


def kept(real: Float[np.ndarray, "i"], synthetic: Float[np.ndarray, "i"], share: float) -> np.ndarray:
    """Items of the head: the generator names them at least pi times as often as reality does, p' >= pi p, p' > 0.

    With few real data that is where synthetic draws show an item at least as often as real ones do.
    """
    return (synthetic >= share * real) & (synthetic > 0)


def measured_cutoff(real: Float[np.ndarray, "i"], synthetic: Float[np.ndarray, "i"], share: float) -> Cutoff:
    """The cutoff of the law that keeps as much real mass as these synthetic data do.

    H = sum of p_i over {i: p'_i >= pi p_i, p'_i > 0}, the cutoff k with sum_{j <= k} p_j = H (straight between
    ranks; at least 1), T1 = 1/(s p_k), T2 = 1/(pi p_k), s = pi + (1-pi)/H (theory/README.md, 1.3: zeta(beta) k^beta is
    1/p_k). A sharp cut gives back its own rank, whatever the share. real: sorted, most frequent first; share > 0.
    """
    mass = float(real[kept(real, synthetic, share)].sum())
    ranks = np.arange(len(real) + 1)
    cutoff = max(1.0, float(np.interp(mass, np.concatenate([[0.0], np.cumsum(real)]), ranks)))
    mass = max(mass, float(real[0]))
    frequency = float(np.exp(np.interp(np.log(cutoff), np.log(ranks[1:]), np.log(real))))
    rate = share + (1 - share) / mass
    return Cutoff(cutoff, mass, frequency, 1 / (rate * frequency), 1 / (share * frequency))


def _only(probabilities, items):
    chosen = np.zeros_like(probabilities)
    chosen[items] = probabilities[items]
    return chosen / chosen.sum()
