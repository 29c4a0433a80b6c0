"""Examples that stay where they are, on disk or in memory, and are read a block of rows at a time."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from valuation.scale import check_rows, medians, real_numbers

CACHED = 2**16  # numbers that are centred at a time, so that each step finds them in the cache
ROUNDING = 4  # units of the last place below which a centred feature counts as zero


class Source(NamedTuple):
    """n examples, to be read a few at a time. Positions are a slice or an array (k,) int of 0 ... n - 1.

    count: n.
    features: positions -> (k, d), the features of those examples, in any type of number.
    targets: positions -> (k, c), what a fit learns of them, such as onehot - 1/C.
    name: how a message calls an example, before its position.
    """

    count: int  # type: ignore[assignment]  # tuple.count, which nobody needs of a Source
    features: Callable[[Any], Any]
    targets: Callable[[Any], Any]
    name: str = "example"


def source(
    inputs: Any,
    targets: Any,
    *,
    features: Callable = np.asarray,
    encode: Callable = np.asarray,
    index=None,
    name: str = "example",
) -> Source:
    """A Source of arrays: nothing is read before it is asked for, and nothing is kept.

    inputs: (N, ...) an array or a numpy memory map. targets: (n, ...), one entry for each example.
    features: inputs (k, ...) -> (k, ...), flattened to one row an example. encode: targets (k, ...) -> (k, c) or (k,).
    index: the rows of the inputs that are the examples, (n,) int, a row may stand there twice; by default all of them.
    name: how a message calls an example, before its position.
    Raises ValueError for lengths that differ and an index outside the inputs.
    """
    count = len(inputs) if index is None else len(index)
    if len(targets) != count:
        raise ValueError(f"there are {count} examples and {len(targets)} targets: each needs one")
    if index is not None and count and (np.min(index) < 0 or np.max(index) >= len(inputs)):
        raise ValueError(f"the index runs from {np.min(index)} to {np.max(index)}, the inputs have {len(inputs)} rows")

    def rows(positions):
        return features(inputs[positions if index is None else index[positions]])

    return Source(count, rows, lambda positions: encode(targets[positions]), name)


def feature_blocks(
    data: Source, centre: Float[np.ndarray, " d"], block: int, *, dtype: Any = np.float64
) -> Iterator[tuple[slice, Float[np.ndarray, "b d"]]]:
    """(positions, `centred` features) of block after block; the last may have fewer rows."""
    for start in range(0, data.count, block):
        positions = slice(start, min(start + block, data.count))
        numbers = range(start, positions.stop)
        yield positions, centred(data.features(positions), centre, data.name, numbers, dtype=dtype)


def centred(
    values: Any, centre: Float[np.ndarray, " d"], name: str, numbers: Any, *, dtype: Any = np.float64
) -> Float[np.ndarray, "k d"]:
    """Features minus the centre, in float64; a difference that is no more than rounding is 0, and so has no direction.

    values: (k, ...) features. name, numbers: how a message calls the row, such as "example" and its position.
    dtype: to which the differences are rounded in the end.
    Raises ValueError that names the first row that is not finite, or whose square is no float32 number, and for a
    number of rows or features that was not expected.
    """
    values = real_numbers(values, "features")
    if values.ndim < 1 or len(values) != len(numbers) or values.size != len(numbers) * len(centre):
        raise ValueError(
            f"features of {len(numbers)} rows have shape {values.shape}, expected ({len(numbers)}, {len(centre)})"
        )
    values = values.reshape(len(values), -1)
    rows, least = np.empty(values.shape, dtype), ROUNDING * np.finfo(np.float64).eps * np.abs(centre)
    size = max(1, CACHED // max(len(centre), 1))
    moved = np.any(centre)
    for start in range(0, len(rows), size):
        part = np.asarray(values[start : start + size], np.float64)
        if moved:
            part = part - centre
            part[np.abs(part) <= least] = 0
        check_rows(part, name, numbers[start : start + size])
        rows[start : start + size] = part
    return rows


def targets_of(data: Source, positions: Any, count: int) -> Float[np.ndarray, "k c"]:
    """Targets of `count` examples in float64, one column at least. Raises ValueError for a wrong shape or NaN."""
    values = np.asarray(data.targets(positions), np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != count:
        raise ValueError(f"targets of {count} examples have shape {values.shape}, expected ({count}, c)")
    if not np.isfinite(values).all():
        first = (positions.start or 0) + int(np.argmin(np.isfinite(values).all(1)))
        raise ValueError(f"the target of example {first} is not finite")
    return values


def drawn(key: jax.Array, count: int, size: int) -> np.ndarray:
    """`size` of the positions 0 ... count - 1 without replacement, in random order (size,)."""
    generator = np.random.default_rng(np.asarray(jax.random.bits(key, (4,), "uint32")))
    return generator.choice(count, min(size, count), replace=False)


def validation_rows(
    validation: Any, name: str = "validation row"
) -> tuple[Float[np.ndarray, "v d"], Float[np.ndarray, " d"]]:
    """(features minus their medians, the medians), float64: one centre for all sets, which no outlier moves.

    The median of a column of a constant is exactly that, and of zeros and ones another whole number or one half.
    name: how a message calls a row, before its number. Raises ValueError as `centred` does, and for no row.
    """
    values = real_numbers(validation, "validation features").astype(np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"validation features need shape (rows >= 1, features >= 1), got {values.shape}")
    finite = np.isfinite(values)
    centre = medians(values if finite.all() else np.where(finite, values, 0))  # what is not finite is named below
    return centred(values, centre, name, range(len(values))), centre
