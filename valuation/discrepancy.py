"""How far two samples are apart: the multi-kernel maximum mean discrepancy."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

ESTIMATORS = ("unbiased", "biased", "linear")
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
    x, y = (np.asarray(side, np.float32).reshape(len(side), -1) for side in (x, y))
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator {estimator!r} is unknown: expected one of {', '.join(ESTIMATORS)}")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"the samples have {x.shape[1]} and {y.shape[1]} features")
    least = 1 if estimator == "biased" else 2
    if min(len(x), len(y)) < least:
        raise ValueError(f"the {estimator} estimator needs {least} rows a sample, got {len(x)} and {len(y)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("a sample holds NaN or infinite values")
    bandwidth = mean_squared_distance(y) if bandwidth is None else float(bandwidth)
    if bandwidth <= 0:
        raise ValueError(
            f"the bandwidth must be positive, got {bandwidth}: are all rows of the second sample the same?"
        )
    lx, ly = (np.zeros(len(x)), np.zeros(len(y))) if labels is None else map(np.asarray, labels)
    if estimator == "linear":
        squared = _linear(x, y, lx, ly, bandwidth)
    else:
        squared = _quadratic(x, y, lx, ly, bandwidth, block, unbiased=estimator == "unbiased")
    return float(np.sign(squared) * np.sqrt(abs(squared)))


def mean_squared_distance(x: np.ndarray) -> float:
    """Mean of ||x_i - x_j||^2 over i != j, from the variance: O(n d)."""
    x = np.asarray(x, np.float64)
    if len(x) < 2:
        raise ValueError("one row has no distance to another: give a bandwidth")
    return float(2 * x.var(0, ddof=1).sum())


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
    """squared_distances of host arrays, padded to a multiple of 256 rows: many sizes share a compilation."""
    padded = (np.pad(np.asarray(side, np.float32), [(0, -len(side) % 256), (0, 0)]) for side in (x, y))
    return np.asarray(_distances(*padded))[: len(x), : len(y)]


_distances = jax.jit(squared_distances)


def _quadratic(x, y, lx, ly, bandwidth, block, *, unbiased) -> float:
    n, m = len(x), len(y)
    x, y = x - y.mean(0), y - y.mean(0)  # distances stay, float32 rounding shrinks
    sums = [_kernel_sum(*_blocks(a, la, block), *_blocks(b, lb, block), bandwidth) for a, la, b, lb in
            ((x, lx, x, lx), (y, ly, y, ly), (x, lx, y, ly))]  # fmt: skip
    xx, yy, xy = (float(np.asarray(s, np.float64).sum()) for s in sums)
    if unbiased:
        return (xx - KERNELS * n) / (n * (n - 1)) + (yy - KERNELS * m) / (m * (m - 1)) - 2 * xy / (n * m)
    return max(xx / n**2 + yy / m**2 - 2 * xy / (n * m), 0.0)


@jax.jit
def _kernel_sum(x, lx, y, ly, bandwidth) -> Float[Array, "a b"]:
    """Sum of the kernel over every pair of blocks; rows of padding carry a NaN label, which equals no other."""

    def pair(a, la, b, lb):
        return jnp.where(la[:, None] == lb, multi_kernel(squared_distances(a, b), bandwidth), 0.0).sum()

    return jax.lax.map(lambda one: jax.lax.map(lambda two: pair(*one, *two), (y, ly)), (x, lx))


def _blocks(x, labels, block):
    extra = -len(x) % block
    x = np.pad(x, [(0, extra), (0, 0)]).reshape(-1, block, x.shape[1])
    return x, np.pad(np.asarray(labels, np.float32), (0, extra), constant_values=np.nan).reshape(-1, block)


@jax.jit
def _pair_kernel(a, b, la, lb, bandwidth):
    return jnp.where(la == lb, multi_kernel(jnp.square(a - b).sum(-1), bandwidth), 0.0)


def _linear(x, y, lx, ly, bandwidth) -> float:
    """Mean over disjoint pairs of k(x1, x2) + k(y1, y2) - k(x1, y2) - k(x2, y1)."""
    half = min(len(x), len(y)) // 2
    one, two = slice(0, half), slice(half, 2 * half)
    same = _pair_kernel(x[one], x[two], lx[one], lx[two], bandwidth) + _pair_kernel(
        y[one], y[two], ly[one], ly[two], bandwidth
    )
    cross = _pair_kernel(x[one], y[two], lx[one], ly[two], bandwidth) + _pair_kernel(
        x[two], y[one], lx[two], ly[one], bandwidth
    )
    return float(np.asarray(same - cross, np.float64).mean())
