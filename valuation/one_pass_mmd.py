"""The maximum mean discrepancy of any number of examples to a validation set, in one pass and with a known error."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from valuation.blocks import Source, centred, drawn, feature_blocks, validation_rows
from valuation.discrepancy import KERNELS, Estimate, multi_kernel, squared_distances
from valuation.precise import jit

BLOCK = 2048  # rows
REFERENCES = 1024


def one_pass_mmd(
    data: Source,
    validation: Any,
    *,
    bandwidth: float,
    key: jax.Array,
    labels: Any = None,
    biased: bool = False,
    references: int = REFERENCES,
    block: int = BLOCK,
    progress: Callable[[int], Any] | None = None,
) -> Estimate:
    """MMD^2 as discrepancy.mk_mmd has it, between n examples and v validation rows, and its standard error.

    With r of the examples drawn as references, h_j the mean kernel of reference j with all other examples, g_j that
    with the validation rows, xy and yy the exact means of the kernel between the sets and within the validation set,

        MMD^2 = mean_j (h_j - g_j) - xy + yy,   standard error = std_j (h_j - g_j) / sqrt(r) * sqrt(1 - r/n).

    mean_j g_j has the expectation xy, which is known, and h_j - g_j is the witness of the discrepancy itself: it is
    small where the sets are alike, so the error shrinks with what is measured. With r >= n nothing is estimated and the
    error is 0. It is the distance to the statistic of these n examples, not to that of another draw of examples.
    data: the examples; targets are read where `labels` is given. validation: (v, d) features. bandwidth: sigma^2 of
        mk_mmd, > 0. key: draws the references.
    labels: of the validation rows, (v,), for the product kernel k(x, x') 1[label = label']; data.targets are then
        labels of one column. biased: gives the V-statistic, >= 0, in place of the unbiased one, which may be negative.
    block: rows read at a time. progress: called with the number of examples just done.
    O(n (v + r) d) time, `memory_bytes` of memory. Raises ValueError for fewer than 2 rows or references, a bandwidth
    that is not positive, and rows that `blocks.centred` refuses.
    """
    if not 0 < bandwidth < np.inf:
        raise ValueError(
            f"the bandwidth must be positive and finite, got {bandwidth}: are all validation rows the same?"
        )
    rows, centre = validation_rows(validation)
    n, v = data.count, len(rows)
    if min(n, v, references) < 2 or block < 1:
        raise ValueError(
            f"at least 2 examples, validation rows and references are needed, got {n}, {v} and {references}; "
            f"and blocks of at least one row, got {block}"
        )
    positions = np.sort(drawn(key, n, references))
    chosen = centred(data.features(positions), centre, data.name, positions)
    r, points = len(positions), np.concatenate([rows, chosen]).astype(np.float32)

    def classes(where, count: int) -> np.ndarray:
        return np.zeros(count) if labels is None else np.asarray(data.targets(where)).reshape(count)

    beside = np.concatenate([np.zeros(v) if labels is None else np.asarray(labels), classes(positions, r)])
    sums = np.zeros(v + r)
    for part, features in feature_blocks(data, centre, block):
        extra = block - len(features)
        filled = np.pad(features.astype(np.float32), [(0, extra), (0, 0)])
        labels_of_part = np.pad(classes(part, len(features)), (0, extra))
        values = np.array(_kernel(filled, points, labels_of_part, beside, bandwidth))[: len(features)]
        inside = np.flatnonzero((positions >= part.start) & (positions < part.stop))
        values[positions[inside] - part.start, v + inside] = 0  # an example with itself
        sums += values.sum(0, dtype=np.float64)
        if progress is not None:
            progress(len(features))
    near = np.asarray(_kernel(points, points[:v], beside, beside[:v], bandwidth), np.float64)
    yy = (near[:v].sum() - np.trace(near[:v])) / (v * (v - 1))
    xy = sums[:v].sum() / (n * v)
    witness = sums[v:] / (n - 1) - near[v:].mean(1)
    squared = witness.mean() - xy + yy
    if biased:  # the kernel of each example with itself, KERNELS, counts too
        squared = max(squared + (KERNELS - witness.mean() - xy) / n + (KERNELS - yy) / v, 0.0)
    return Estimate(float(squared), float(witness.std(ddof=1) / np.sqrt(r) * np.sqrt(1 - r / n)))


def memory_bytes(n: int, d: int, v: int, *, references: int = REFERENCES, block: int = BLOCK) -> int:
    """Bytes that `one_pass_mmd` needs at most, beside inputs, validation features and what `features` makes.

    n examples of d features, v validation rows. n enters only by 8 bytes for each of 50 draws of the references.
    """
    points = v + min(references, n)
    stream = block * (3 * points + 5 * d)
    return 8 * (min(n, 50 * references) + 4 * points * d + max(stream, 3 * points * v))


@jit
def _kernel(x: Float[jax.Array, "n d"], y: Float[jax.Array, "m d"], x_class, y_class, bandwidth):
    return jnp.where(x_class[:, None] == y_class, multi_kernel(jnp.asarray(squared_distances(x, y)), bandwidth), 0.0)
