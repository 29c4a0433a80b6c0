"""Linear ridge regression with a free intercept on any number of examples: exact, one pass, d x d sums in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.blocks import Source, centred, feature_blocks, targets_of, validation_rows

BLOCK = 2048  # rows
CANCELLED = 64 * np.finfo(np.float64).eps  # share of the squares up to which a variance is rounding, and counts as 0


def linear_ridge(
    data: Source,
    validation: Any,
    *,
    ridge: float = 0.01,
    block: int = BLOCK,
    progress: Callable[[int], Any] | None = None,
) -> Float[np.ndarray, "v c"]:
    """Predictions y + (v - x) (Z'Z + lambda I)^-1 Z'Y of the targets of validation rows, float64.

    x, y: the means of the examples; Z: their features minus x; lambda = ridge * |Z|^2 / n, as a kernel method takes it
    from K = Z Z'. A shift of all features, or of all targets, moves nothing else.
    data: the contributor's examples. validation: (v, d) features. ridge: > 0. block: rows read at a time.
    progress: called with the number of examples just done. O(n d (d + c)) time, `memory_bytes` of memory.
    Where all examples are the same the prediction is y. Raises ValueError for sizes below 1, a ridge that is not
    positive, and rows that `blocks.centred` refuses.
    """
    if not data.count > 0 or not 0 < ridge < np.inf or not block > 0:
        raise ValueError(f"examples, ridge and block must be positive, got {data.count}, {ridge} and {block}")
    _, middle = validation_rows(validation)
    start = slice(0, min(block, data.count))
    head = centred(data.features(start), middle, "example", range(start.stop)) + middle
    pivot = head.mean(0)  # near the examples' own mean, so that little is cancelled below
    d, n = len(pivot), data.count
    gram, sums, cross, total = np.zeros((d, d), order="F"), np.zeros(d), 0.0, 0.0
    for positions, rows in feature_blocks(data, pivot, block):
        targets = targets_of(data, positions, len(rows))
        gram = scipy.linalg.blas.dsyrk(1.0, rows.T, beta=1.0, c=gram, overwrite_c=True)
        sums += rows.sum(0)
        cross, total = cross + rows.T @ targets, total + targets.sum(0)
        if progress is not None:
            progress(len(rows))
    mean, level, squares = sums / n, total / n, np.trace(gram)
    gram = scipy.linalg.blas.dsyr(-n, mean, a=gram, overwrite_a=True)
    variance = np.trace(gram)
    if variance <= CANCELLED * squares:
        return np.tile(level, (len(validation), 1))
    gram[np.diag_indices(d)] += ridge * variance / n
    factor = scipy.linalg.cho_factor(gram, overwrite_a=True)
    return level + (np.asarray(validation, np.float64) - pivot - mean) @ scipy.linalg.cho_solve(
        factor, cross - n * np.outer(mean, level)
    )


def memory_bytes(d: int, c: int, v: int, *, block: int = BLOCK) -> int:
    """Bytes that `linear_ridge` needs at most, beside inputs, validation features and what `features` makes.

    d features, c targets, v validation rows. The number of examples does not enter.
    """
    return 8 * (2 * d * d + 6 * block * d + 3 * block * c + 5 * d * c + v * (5 * d + 2 * c))
