"""Rotary positions: pairs of a head turned by an angle a position, as they are or stretched for longer contexts."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


def frequencies(width: int, base: float | int, divisors: tuple[float, ...] = ()) -> Float[np.ndarray, " half"]:
    """base^(-2i / width) / divisors[i], the angle in radians that a position turns pair i by; float32.

    width: of a head, even. divisors: one for each of the width / 2 pairs; () for all 1, positions that nothing
    stretches. theory/README.md, 5.
    """
    half = width // 2
    plain = float(base) ** (-np.arange(half) / half)
    return np.asarray(plain / (np.array(divisors) if divisors else 1), np.float32)


def linear_divisors(width: int, factor: float | int) -> tuple[float, ...]:
    """Every frequency divided by the factor: position t turns as position t / factor did in training.

    width: of a head. A factor of 1 gives (): nothing is stretched. Raises ValueError unless 0 < factor < infinity.
    """
    if not 0 < factor < math.inf:
        raise ValueError(f"the factor of rotary scaling must be a positive number, got {factor}")
    return () if factor == 1 else (float(factor),) * (width // 2)


def llama3_divisors(
    width: int, base: float | int, *, factor: float | int, low: float | int, high: float | int, original: float | int
) -> tuple[float, ...]:
    """Llama 3.1's scaling: slow pairs are divided by the factor, fast ones stay, those between are blended.

    With c = original * frequency / (2 pi), the turns of a pair in the original context, and s = (c - low) /
    (high - low) cut to [0, 1], the frequency is multiplied by s + (1 - s) / factor. theory/README.md, 5.
    width, base: as in `frequencies`. factor: at least 1. low, high: turns, low < high. original: tokens of the context
    before it was stretched. Raises ValueError for numbers that cannot be.
    """
    if not (1 <= factor < math.inf and 0 < low < high < math.inf and 0 < original < math.inf):
        raise ValueError(
            f"llama3 rotary scaling needs factor >= 1, 0 < low_freq_factor < high_freq_factor and a positive "
            f"original_max_position_embeddings, got {factor}, {low}, {high} and {original}"
        )
    half = width // 2
    turns = original * float(base) ** (-np.arange(half) / half) / (2 * math.pi)
    kept = np.clip((turns - low) / (high - low), 0, 1)
    return tuple((1 / (kept + (1 - kept) / factor)).tolist())


def rotated(
    x: Float[Array, "n s h e"],
    positions: Int[Array, "b s"],
    frequency: Float[np.ndarray, " half"],
    *,
    interleaved: bool,
) -> Float[Array, "n s h e"]:
    """Every pair (a, b) of a head, turned by angle position * frequency: (a cos - b sin, b cos + a sin).

    positions: of the tokens, for every row or one row for all. frequency: of `frequencies`. interleaved: pairs are
    (2i, 2i + 1), else (i, i + e / 2).
    """
    half = x.shape[-1] // 2
    angle = positions[..., None, None] * jnp.asarray(frequency)
    cos, sin = jnp.cos(angle).astype(x.dtype), jnp.sin(angle).astype(x.dtype)
    a, b = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])
    pair = a * cos - b * sin, b * cos + a * sin
    return jnp.stack(pair, -1).reshape(x.shape) if interleaved else jnp.concatenate(pair, -1)
