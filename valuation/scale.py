"""Which numbers are too small to mean anything, and which too large to compute with: one rule for each.

Every division of this folder by a spread, a median, a diagonal or a norm that comes from data is by what `significant`
let pass, or by `mean_diagonal`.
"""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

UNITS = 8  # of the last place of the scale
SQUARE = float(np.finfo(np.float32).max) / 8  # a squared norm that leaves room for the distance between two rows
FILLED = "do features hold fill values, or numbers far beyond all others?"  # why a solve fails


def significant(spread, scale, *, dtype=np.float32):
    """Whether a spread is more than the rounding of numbers as large as `scale`; what is not counts as zero.

    spread, scale: numbers or arrays >= 0 in one unit. dtype: the least precise type in which the numbers that
    spread were computed, float32 for all that comes from kernels and distances. A bool, or one for each; False for NaN.
    """
    return spread > UNITS * np.finfo(dtype).eps * scale


def mean_diagonal(kernel: Any) -> float:
    """tr(K) / n, the unit of a ridge lambda and of a flow's time; 1 where K is zero.

    A positive semidefinite K (n, n) with a diagonal of zeros is zero, and so is every kernel with its examples: a fit
    predicts 0, in whatever unit. Nothing is rounding beside it, as n diagonal entries >= 0 do not cancel.
    """
    return float(np.trace(kernel)) / len(kernel) or 1.0


def real_numbers(values: Any, name: str) -> np.ndarray:
    """The values as an array. Raises ValueError that begins with the name for complex numbers, texts and objects."""
    values = np.asarray(values)
    if not any(jnp.issubdtype(values.dtype, kind) for kind in (jnp.floating, jnp.integer, jnp.bool_)):
        raise ValueError(f"{name} are of type {values.dtype}, expected real numbers")
    return values


def medians(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    """Medians of the columns, in the type of the rows; quick where most columns are mostly zero, as counts of words."""
    found = np.zeros(rows.shape[1], rows.dtype)
    varied = 2 * np.count_nonzero(rows, 0) >= len(rows)  # of more zeros the median is 0
    found[varied] = np.median(rows[:, varied], 0)
    return found


def check_rows(rows: Any, name: str, numbers: Sequence[int] | np.ndarray | None = None) -> None:
    """Raises ValueError that names the first row that is not finite, or whose squared norm float32 cannot hold.

    rows: (n, ...) numbers of any type. name: how the message calls a row, before its number, such as "example".
    numbers: of the rows, (n,); by default 0, 1, ...
    """
    rows = np.asarray(rows).reshape(len(rows), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        good = np.einsum("nd,nd->n", rows, rows, dtype=np.float64) <= SQUARE  # False for NaN
    if not good.all():
        first = int(np.argmin(good))
        row = rows[first]
        worst = row[np.argmax(np.where(np.isfinite(row), np.abs(row), np.inf))]
        cause = "whose square is no float32 number: is it a fill value" if np.isfinite(worst) else "which is not finite"
        raise ValueError(f"{name} {first if numbers is None else numbers[first]} holds {worst:.4g}, {cause}")


def check_float32(rows: Any, name: str) -> None:
    """Raises ValueError that names the first column of which float32 keeps less than two digits of what it varies by.

    rows: (n, ...) finite numbers of any type, such as a time in seconds, 1.7e9 with a standard deviation of 600.
    """
    rows = np.asarray(rows, np.float64).reshape(len(rows), -1)
    spread, lost = rows.std(0), (rows - rows.astype(np.float32)).std(0)
    coarse = significant(spread, np.abs(rows).max(0), dtype=np.float64) & (lost > spread / 100)
    if coarse.any():
        first = int(np.argmax(coarse))
        raise ValueError(
            f"{name}: column {first} varies by {spread[first]:.3g} beside {np.abs(rows[:, first]).max():.3g}, which "
            "float32 cannot hold: take a constant off that column in all sets"
        )
