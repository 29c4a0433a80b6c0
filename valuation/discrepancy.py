"""How far two samples are apart: the multi-kernel maximum mean discrepancy."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.sparse import csr_array

from valuation.precise import jit
from valuation.scale import medians, significant

ESTIMATORS = ("unbiased", "biased", "linear")
SHARED = 16  # pairs of blocks a core that are worth a thread
FAR = 1e4  # times the median squared length of rows, from which on float32 sums lose distances
SPARSE = 16  # a sparse product is worth it where one number in so many is not zero: it adds up at a tenth of the speed
KERNELS = 5  # widths sigma^2 / 4 ... 4 sigma^2; k(x, x) = KERNELS


def mk_mmd(x, y, *, estimator: str = "unbiased", bandwidth=None, labels=None, block: int = 512) -> float:
    """MK-MMD between the samples x (n, d) and y (m, d), a distance (theory/README.md, 3.2).

    k(x, y) = sum_{u=0..4} exp(-||x - y||^2 / s_u), s_u = bandwidth * 2^(u-2).
    estimator: "unbiased" gives sign(M) sqrt|M| for the unbiased M of MMD^2, which may be negative; "biased" the
        V-statistic, >= 0; "linear" the unbiased mean over disjoint pairs, O(n).
    bandwidth: sigma^2; by default the mean squared distance over the distinct pairs of y.
    labels: (labels of x, labels of y) for the product kernel k(x, x') 1[label = label'] on the joint distribution.
    block: rows of each kernel block; no n x m matrix is formed.
    Raises ValueError for samples that are empty, not finite, of different width, or (unbiased) of one row.
    """
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator {estimator!r} is unknown: expected one of {', '.join(ESTIMATORS)}")
    x, y, bandwidth = _checked(x, y, 1 if estimator == "biased" else 2, bandwidth)
    lx, ly = (np.zeros(len(x)), np.zeros(len(y))) if labels is None else map(np.asarray, labels)
    if estimator == "linear":
        squared = float(_pairs(x, y, lx, ly, bandwidth).mean())
    else:
        squared = _quadratic(x, y, lx, ly, bandwidth, block, unbiased=estimator == "unbiased")
    return float(np.sign(squared) * np.sqrt(abs(squared)))


def mean_squared_distance(x: np.ndarray) -> float:
    """Mean of ||x_i - x_j||^2 over i != j, from the variance: O(n d). Exactly 0 for rows that are all the same."""
    x = np.asarray(x, np.float64)
    if len(x) < 2:
        raise ValueError("one row has no distance to another: give a bandwidth")
    squared, scale = float(2 * x.var(0, ddof=1).sum()), float(np.square(x).sum(1).max())
    return squared if significant(squared, scale, dtype=np.float64) else 0.0


def multi_kernel(squared: Float[Array, "..."], bandwidth) -> Float[Array, "..."]:
    """sum_u exp(-squared / s_u): one exponential, then squarings, since each width is half of the one before."""
    term = jnp.exp(-squared / (4 * bandwidth))
    total = term
    for _ in range(KERNELS - 1):
        term = term * term
        total = total + term
    return total


def squared_distances(x: Float[Array, "n d"], y: Float[Array, "m d"]) -> Float[Array, "n m"]:
    """||x_i - y_j||^2 by one matrix product, never negative."""
    return jnp.maximum(jnp.square(x).sum(-1)[:, None] + jnp.square(y).sum(-1) - 2 * x @ y.T, 0)


def distance_table(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """squared_distances of host arrays, which are computed by the host: float32, and nothing is compiled.

    Both lose a centre of y first: where all of y is far from zero, float32 still holds how far its rows are apart.
    Where some rows are far from most of y, as fill values are, sums are float64: float32 loses how far these are apart.
    """
    centre = _centre(y)
    columns = np.asarray(y - centre, np.float32)
    rows = columns if x is y else np.asarray(x - centre, np.float32)
    lengths = squared_lengths(columns)
    if max(lengths.max(initial=0), squared_lengths(rows).max(initial=0)) > FAR * np.median(lengths):
        columns = np.asarray(y - centre, np.float64)
        rows = columns if x is y else np.asarray(x - centre, np.float64)
        return distances_to(rows, columns.T, squared_lengths(columns)).astype(np.float32)
    return distances_to(rows, columns.T, lengths)


def distances_to(
    x: Float[np.ndarray, "n d"], columns: Float[np.ndarray, "d m"], lengths: Float[np.ndarray, " m"]
) -> Float[np.ndarray, "n m"]:
    """||x_i - y_j||^2 with the y_j as columns, never negative, float32: nothing is centred.

    lengths: squared_lengths of the y_j. Of rows that are mostly zero, such as counts of words, the zeros are left out
    of the product, which is fastest with columns that are contiguous.
    """
    places = np.flatnonzero(x != 0)
    squared = (_sparse(x, places) if len(places) * SPARSE < x.size else x) @ columns
    squared *= -2
    squared += squared_lengths(x)[:, None]
    squared += lengths
    return np.maximum(squared, 0, out=squared)


def squared_lengths(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    """||x_i||^2 in the precision of the rows."""
    return np.einsum("nd,nd->n", rows, rows)


def _sparse(x, places) -> csr_array:
    """x (n, d) of zeros but for the places of its x.ravel()."""
    n, d = x.shape
    return csr_array((x.ravel()[places], places % d, np.searchsorted(places, d * np.arange(n + 1))), shape=x.shape)


def _centre(rows):
    """Medians of a hundred rows or so: near most rows wherever outliers are, and of a constant column its number."""
    return medians(rows[:: 1 + len(rows) // 100])


class Estimate(NamedTuple):
    """An unbiased estimate of MMD^2, which may be negative, and its standard error."""

    squared: float
    standard_error: float


def linear_mmd(x, y, *, bandwidth: float) -> Estimate:
    """MMD^2 from disjoint pairs of rows in the order given, O(n d); the error is that of the samples.

    bandwidth: sigma^2 of the kernel of mk_mmd. Raises ValueError as mk_mmd does, and below 4 rows: no error is known.
    """
    x, y, bandwidth = _checked(x, y, 4, bandwidth)
    pairs = _pairs(x, y, np.zeros(len(x)), np.zeros(len(y)), bandwidth)
    return Estimate(float(pairs.mean()), float(pairs.std(ddof=1) / np.sqrt(len(pairs))))


def random_feature_mmd(x, y, *, bandwidth: float, frequencies: int, key: jax.Array, block: int = 2048) -> Estimate:
    """MMD^2 of the kernel of mk_mmd from random frequencies w, O((n + m) d frequencies) and no kernel matrix.

    k(x, y) = KERNELS E cos(w'(x - y)), w ~ N(0, 2/s_u), as many for each width s_u. Every frequency gives an unbiased
    estimate of the unbiased statistic; the error is their spread: how far that statistic is, not how far the truth.
    frequencies: at least 2 * KERNELS, rounded up to a multiple of KERNELS. Raises ValueError as mk_mmd does.
    """
    x, y, bandwidth = _checked(x, y, 2, bandwidth)
    each = -(-frequencies // KERNELS)
    if each < 2:
        raise ValueError(f"at least {2 * KERNELS} frequencies are needed for an error, got {frequencies}")
    scales = np.sqrt(2 / (bandwidth * 2.0 ** np.repeat(np.arange(KERNELS) - KERNELS // 2, each)))
    w = jax.random.normal(key, (x.shape[1], KERNELS * each)) * scales.astype(np.float32)
    (n, cos_x, sin_x), (m, cos_y, sin_y) = (_waves(side, w, block) for side in (x, y))
    within = (cos_x**2 + sin_x**2 - n) / (n * (n - 1)) + (cos_y**2 + sin_y**2 - m) / (m * (m - 1))
    one = KERNELS * (within - 2 * (cos_x * cos_y + sin_x * sin_y) / (n * m))
    variance = one.reshape(KERNELS, each).var(1, ddof=1).mean() / len(one)
    return Estimate(float(one.mean()), float(np.sqrt(variance)))


def _waves(x, w, block):
    """(n, sum of cos, sum of sin) of every frequency, added up in float64."""
    sums = [np.asarray(_wave_sums(part, live, w), np.float64) for part, live in _row_blocks(x, block)]
    return len(x), *np.sum(sums, 0)


@jit
def _wave_sums(x, live, w):
    phase = x @ w
    return jnp.stack([live @ jnp.cos(phase), live @ jnp.sin(phase)])


def _row_blocks(x, block):
    for start in range(0, len(x), block):
        part = x[start : start + block]
        extra = block - len(part)
        yield np.pad(part, [(0, extra), (0, 0)]), (np.arange(block) < len(part)).astype(np.float32)


def _checked(x, y, least: int, bandwidth):
    """Both samples minus a centre of y, float32, as all distances stay, and the bandwidth as a number."""
    x, y = (np.asarray(side, np.float64).reshape(len(side), -1) for side in (x, y))
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"the samples have {x.shape[1]} and {y.shape[1]} features")
    if min(len(x), len(y)) < least:
        raise ValueError(f"at least {least} rows a sample are needed, got {len(x)} and {len(y)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("a sample holds NaN or infinite values")
    centre = _centre(y)
    x, y = ((side - centre).astype(np.float32) for side in (x, y))
    bandwidth = mean_squared_distance(y) if bandwidth is None else float(bandwidth)
    if not bandwidth > 0:
        raise ValueError(
            f"the bandwidth must be positive, got {bandwidth}: are all rows of the second sample the same?"
        )
    return x, y, bandwidth


def _quadratic(x, y, lx, ly, bandwidth, block, *, unbiased) -> float:
    n, m = len(x), len(y)
    first, second = _blocks(x, lx, block), _blocks(y, ly, block)
    yy, xy = _sum(second, None, bandwidth), _sum(first, second, bandwidth)
    xx = _sum(_blocks(x - _centre(x), lx, block), None, bandwidth)  # x may be far from zero, where y is near it
    if unbiased:
        return (xx - KERNELS * n) / (n * (n - 1)) + (yy - KERNELS * m) / (m * (m - 1)) - 2 * xy / (n * m)
    return max(xx / n**2 + yy / m**2 - 2 * xy / (n * m), 0.0)


def _sum(first, second, bandwidth) -> float:
    """Sum of the kernel over all pairs of rows; within one sample every pair of different blocks is computed once.

    Block sums are float32, at most 5 block^2 with a relative error of 1e-7 or so each, and added up in float64. On a
    CPU every core takes a share of the pairs: the exponentials of a block run on one core.
    """
    count, other = len(first[0]), len(first[0] if second is None else second[0])
    pairs = np.array([(i, j) for i in range(count) for j in range(i if second is None else 0, other)], np.int32)
    weights = np.where(pairs[:, 0] == pairs[:, 1], 1.0, 2.0) if second is None else np.ones(len(pairs))
    workers = (os.cpu_count() or 1) if jax.default_backend() == "cpu" else 1
    if len(pairs) < SHARED * workers:
        return float(np.asarray(_pair_sums(*first, *(second or first), pairs, bandwidth), np.float64) @ weights)
    share = -(-len(pairs) // workers)
    padded = np.pad(pairs, [(0, share * workers - len(pairs)), (0, 0)]).reshape(workers, share, 2)
    with ThreadPoolExecutor(workers) as pool:
        sums = pool.map(lambda part: np.asarray(_pair_sums(*first, *(second or first), part, bandwidth)), padded)
        return float(np.concatenate(list(sums)).astype(np.float64)[: len(pairs)] @ weights)


@jit
def _pair_sums(x, lx, y, ly, pairs, bandwidth) -> Float[Array, " k"]:
    """Sum of the kernel over each pair of blocks; rows of padding carry a NaN label, which equals no other."""

    def one(pair):
        i, j = pair
        kernel = multi_kernel(squared_distances(x[i], y[j]), bandwidth)
        kernel = jnp.where(lx[i][:, None] == ly[j], kernel, 0.0)
        return ones @ (kernel @ ones)  # a sum would be fused with the exponentials, and run without vectors

    ones = jnp.ones(x.shape[1])
    return jax.lax.map(one, pairs)


def _blocks(x, labels, block):
    extra = -len(x) % block
    x = np.pad(x, [(0, extra), (0, 0)]).reshape(-1, block, x.shape[1])
    return x, np.pad(np.asarray(labels, np.float32), (0, extra), constant_values=np.nan).reshape(-1, block)


@jit
def _pair_kernel(a, b, la, lb, bandwidth):
    return jnp.where(la == lb, multi_kernel(jnp.square(a - b).sum(-1), bandwidth), 0.0)


def _pairs(x, y, lx, ly, bandwidth) -> Float[np.ndarray, " n"]:
    """k(x1, x2) + k(y1, y2) - k(x1, y2) - k(x2, y1) of disjoint pairs."""
    half = min(len(x), len(y)) // 2
    one, two = slice(0, half), slice(half, 2 * half)
    same = _pair_kernel(x[one], x[two], lx[one], lx[two], bandwidth) + _pair_kernel(
        y[one], y[two], ly[one], ly[two], bandwidth
    )
    cross = _pair_kernel(x[one], y[two], lx[one], ly[two], bandwidth) + _pair_kernel(
        x[two], y[one], lx[two], ly[one], bandwidth
    )
    return np.asarray(same - cross, np.float64)
