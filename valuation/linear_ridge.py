"""Linear ridge regression with a free intercept on any number of examples: exact, one pass, sums in float64.

With x and y the means of n examples, Z their features minus x and Y their targets minus y, a row v is predicted as

    y + (v - x)' (Z'Z + lambda I)^-1 Z'Y = y + (v - x)' Z' (Z Z' + lambda I)^-1 Y,   lambda = ridge * tr(Z Z') / n :

a shift of all features, or a constant column, moves nothing, and a scale of all features moves nothing either. The
first form is taken from d examples on, and reads them in blocks; the second below.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.blocks import Source, centred, feature_blocks, targets_of, validation_rows
from valuation.scale import significant

BLOCK = 2048  # rows


def linear_ridge(
    data: Source,
    validation: Any,
    *,
    ridge: float = 0.01,
    block: int = BLOCK,
    progress: Callable[[int], Any] | None = None,
) -> Float[np.ndarray, "v c"]:
    """Predictions of the targets of validation rows, float64.

    data: the contributor's examples. validation: (v, d) features. ridge: > 0. block: rows read at a time.
    progress: called with the number of examples just done. O(n d min(n, d)) time, `memory_bytes` of memory.
    Where all examples are the same but for rounding the prediction is the mean of their targets. Raises ValueError for
    sizes below 1, a ridge that is not positive, and rows that `blocks.centred` refuses.
    """
    if not data.count > 0 or not 0 < ridge < np.inf or not block > 0:
        raise ValueError(f"examples, ridge and block must be positive, got {data.count}, {ridge} and {block}")
    queries, middle = validation_rows(validation)
    start = slice(0, min(block, data.count))
    pivot = middle + centred(data.features(start), middle, data.name, range(start.stop)).mean(0)
    fit = _dual if data.count < len(middle) else _primal  # the pivot is near the mean, so that little is cancelled
    return fit(data, queries - (pivot - middle), pivot, ridge, block, progress or (lambda count: None))


def memory_bytes(n: int, d: int, c: int, v: int, *, block: int = BLOCK) -> int:
    """Bytes that `linear_ridge` needs at most, beside inputs, validation features and what `features` makes.

    n examples of d features and c targets, v validation rows. From d examples on, n does not enter.
    """
    rest = 4 * n * (n + d + c) if n < d else 2 * d * d + 4 * min(block, n) * d + 5 * block * c + 5 * d * c
    return 8 * (rest + v * (4 * d + 2 * c + min(n, d)))


def _primal(data, queries, pivot, ridge, block, progress):
    d, n = len(pivot), data.count
    gram, sums, cross, total = np.zeros((d, d), order="F"), np.zeros(d), 0.0, 0.0
    for positions, rows in feature_blocks(data, pivot, block):
        targets = targets_of(data, positions, len(rows))
        gram = scipy.linalg.blas.dsyrk(1.0, rows.T, beta=1.0, c=gram, overwrite_c=True)
        sums += rows.sum(0)
        cross, total = cross + rows.T @ targets, total + targets.sum(0)
        progress(len(rows))
    mean, level, squares = sums / n, total / n, np.trace(gram)
    gram = scipy.linalg.blas.dsyr(-n, mean, a=gram, overwrite_a=True)
    variance = np.trace(gram)
    if not significant(variance, squares, dtype=np.float64):
        return np.tile(level, (len(queries), 1))
    gram[np.diag_indices(d)] += ridge * variance / n
    factor = scipy.linalg.cho_factor(gram, overwrite_a=True)
    return level + (queries - mean) @ scipy.linalg.cho_solve(factor, cross - n * np.outer(mean, level))


def _dual(data, queries, pivot, ridge, block, progress):
    blocks = []
    for _, rows in feature_blocks(data, pivot, block):
        blocks.append(rows)
        progress(len(rows))
    rows, targets = np.concatenate(blocks), targets_of(data, slice(0, data.count), data.count)
    mean, level, squares = rows.mean(0), targets.mean(0), np.sum(rows**2)
    rows -= mean
    kernel = rows @ rows.T
    variance = np.trace(kernel)
    if not significant(variance, squares, dtype=np.float64):
        return np.tile(level, (len(queries), 1))
    kernel[np.diag_indices(data.count)] += ridge * variance / data.count
    factor = scipy.linalg.cho_factor(kernel, overwrite_a=True)
    return level + (queries - mean) @ (rows.T @ scipy.linalg.cho_solve(factor, targets - level))
