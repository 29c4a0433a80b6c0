"""Ranks drawn from a power law and from one that is cut off (theory/README.md, 1.1); in JAX's default float."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key
from scipy import special

from theory.arguments import Number, check
from theory.knowledge import power_law, truncated

LARGEST_RANK = 2**31 - 1
TABLE = 4096  # ranks whose sampling intervals are tabulated; beyond, the power law is inverted


def sample_real(key: Key[Array, ""], size: int, *, exponent: Number) -> Int[Array, "n"]:
    """Ranks of `size` real draws, int32. Ranks above 2^31 - 1 are returned as 2^31 - 1."""
    check(exponent=exponent)
    coarse, fine = jax.random.split(key)
    # a second draw fills the bits below float32's spacing, where the rare ranks live
    survival = jax.random.uniform(coarse, (size,)) + 2.0**-23 * jax.random.uniform(fine, (size,))
    edges = special.zeta(exponent, np.arange(2, TABLE + 2)) / special.zeta(exponent)  # Pr(rank > i)
    listed = 1 + TABLE - jnp.searchsorted(jnp.asarray(edges[::-1], survival.dtype), survival, side="right")
    scale = float((exponent - 1) * special.zeta(exponent))
    beyond = jnp.maximum(survival * scale, 1e-37) ** (-1 / (exponent - 1)) + 0.5
    beyond = jnp.clip(beyond, TABLE + 1, LARGEST_RANK - 127).astype(jnp.int32)  # the last float32 below 2^31
    beyond = jnp.where(beyond >= LARGEST_RANK - 127, LARGEST_RANK, beyond)
    return jnp.where(listed <= TABLE, listed.astype(jnp.int32), beyond)


def sample_synthetic(key: Key[Array, ""], size: int, *, exponent: Number, cutoff: int) -> Int[Array, "n"]:
    """Ranks of `size` synthetic draws, int32, none above the cutoff."""
    check(exponent=exponent, cutoff=cutoff)
    summed = np.cumsum(truncated(power_law(exponent, int(cutoff)), int(cutoff)))
    ranks = 1 + jnp.searchsorted(jnp.asarray(summed, jnp.result_type(float)), jax.random.uniform(key, (size,)))
    return jnp.minimum(ranks, int(cutoff)).astype(jnp.int32)


def sample_mixture(
    key: Key[Array, ""], n_real: int, n_synthetic: int, *, exponent: Number, cutoff: int
) -> Int[Array, "n"]:
    """Ranks of n_real real draws, then of n_synthetic synthetic ones."""
    real, synthetic = jax.random.split(key)
    parts = (
        sample_real(real, n_real, exponent=exponent),
        sample_synthetic(synthetic, n_synthetic, exponent=exponent, cutoff=cutoff),
    )
    return jnp.concatenate(parts)
