"""What the functions of this folder take as a number, the range of each, and the error outside of it."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Number: TypeAlias = float | int | np.floating | np.integer

COUNT = (lambda x: (x >= 0) & (x < np.inf), "counts examples and cannot be negative or infinite")
RANGES = {
    "exponent": (lambda x: (x > 1) & (x < np.inf), "must exceed 1 for a normalisable tail"),
    "cutoff": (lambda x: x >= 1, "is a rank and is at least 1"),
    "shots": (lambda x: (x > 0) & (x < np.inf), "must be positive"),
    "n_real": COUNT,
    "n_synthetic": COUNT,
    "samples": COUNT,
    "real_share": (lambda x: (x >= 0) & (x <= 1), "lies between 0 and 1"),
}


def check(**values: ArrayLike) -> None:
    """Raises ValueError for a value outside its range in RANGES; what jit or vmap are tracing is let through."""
    for name, value in values.items():
        if isinstance(value, jax.core.Tracer):
            continue
        holds, wanted = RANGES[name]
        numbers = np.asarray(value, float)
        if not np.all(holds(numbers)):
            raise ValueError(f"{name} {wanted}, got {value}")
        if not np.all(holds(numbers.astype(used := jnp.result_type(float)))):
            raise ValueError(f"{name} {wanted}, got {value}, which is not so in {used.name}: use jax.enable_x64")


def checked(**values: ArrayLike) -> list[Float[Array, "..."]]:
    """The values, checked, as arrays of their common shape and floating type, in the order in which they were given."""
    check(**values)
    return together(*values.values())


def within_range(name: str, value: Float[Array, "..."]) -> Float[Array, "..."]:
    """The value. Raises ValueError where it is beyond its floating type; what jit or vmap trace is let through."""
    if not isinstance(value, jax.core.Tracer) and not np.isfinite(np.asarray(value)).all():
        raise ValueError(f"{name} is beyond the numbers of {value.dtype.name}: use jax.enable_x64")
    return value


def require(name: str, value: ArrayLike, rule: str, holds: Callable[[np.ndarray], np.ndarray]) -> None:
    """Raises ValueError that names the first number of the value that is not finite or does not obey the rule.

    rule: in words that fit after "must be finite and". What jit or vmap are tracing is let through.
    """
    if isinstance(value, jax.core.Tracer):
        return
    numbers = np.asarray(value)
    wrong = ~(np.isfinite(numbers) & holds(numbers))
    if wrong.any():
        raise ValueError(f"{name} must be finite and {rule}, found {numbers[wrong].flat[0]}")


def together(*values: ArrayLike) -> list[Float[Array, "..."]]:
    """The values as arrays of their common shape and floating type."""
    dtype = jnp.result_type(*values, 1.0)
    arrays = [jnp.asarray(value, dtype) for value in values]
    shape = jnp.broadcast_shapes(*(array.shape for array in arrays))
    return [jnp.broadcast_to(array, shape) for array in arrays]
