"""Exact Shapley values of examples for a K-nearest-neighbour classifier (Jia et al., VLDB 2019)."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Array, Float, Int

from valuation.aggregate import by_contributor, union_examples
from valuation.feature_space import union_features, validation_features
from valuation.problem import Problem
from valuation.scale import significant

MEMORY = 32 * 2**20  # bytes of inner products alive at once, all threads together
NOISE = 4e-13  # squared distances below this part of the squared length are rounding errors of the matmul


def knn_shapley(problem: Problem, *, k: int = 5, reduction: str = "mean") -> Float[np.ndarray, " C"]:
    """The values of the examples of all contributors together, reduced over those of each; higher = more useful.

    In units of accuracy. Distances are those of the problem's features. k: neighbours, at least 1. reduction: as in
    aggregate.by_contributor; sums add up to the accuracy of all examples together where no two contributors share one.
    Uses validation labels, trains nothing.
    """
    examples, group_rows = union_examples(problem)
    v_y = problem.validation.targets
    each = values(union_features(problem), examples.targets, validation_features(problem), v_y, k=k)
    return by_contributor(each[:, None], group_rows, reduction, np.ones(1))


def values(
    features: Float[np.ndarray | Array, "n d"],
    labels: Int[np.ndarray | Array, "n"],
    validation_features: Float[np.ndarray | Array, "m d"],
    validation_labels: Int[np.ndarray | Array, "m"],
    *,
    k: int,
) -> Float[np.ndarray, "n"]:
    """Shapley value of every example for K-nearest-neighbour accuracy on the validation set; higher = more useful.

    For one validation point (x, y), examples sorted by Euclidean distance, s_(i) is the value of the i-th nearest:

        s_(n) = 1[y_(n) = y] min(K, n)/(K n),   s_(i) = s_(i+1) + (1[y_(i) = y] - 1[y_(i+1) = y]) min(K, i)/(K i);

    the mean over validation points is returned. The utility of a set is the share of its K nearest that have label y,
    out of K even if there are fewer, in [0, 1]; the values add up to that of all examples. O(m n (d + log n)) on the
    host. Squared distances are computed in float64 and sorted in float32; examples whose distances differ by no more
    than rounding get the mean of their values over all orders among them, so that the order of rows decides nothing.
    Raises ValueError for an empty set, k < 1, shapes that do not match and features that are not finite.
    """
    x, v, y, v_y = (np.asarray(a) for a in (features, validation_features, labels, validation_labels))
    _check(x, y, v, v_y, k)
    n = len(x)
    # Centred and scaled, so that the matmul keeps small distances between points far from the origin, or far apart.
    centre = x.mean(0, dtype=np.float64)
    x, v = x - centre, v - centre
    largest = max(np.abs(x).max(initial=0), np.abs(v).max(initial=0)) or 1.0
    x, v = x / largest, v / largest
    lengths, floors = (x**2).sum(1), NOISE * (v**2).sum(1) + np.finfo(np.float32).tiny
    ranks = np.arange(1, n + 1)
    weights = np.minimum(k, ranks) / (k * ranks)
    threads = os.cpu_count() or 1
    rows = max(1, MEMORY // (8 * n * threads))

    def block_sum(start: int) -> np.ndarray:
        block = slice(start, start + rows)
        total = np.zeros(n)
        for row, point, floor, label in zip(v[block] @ x.T, v[block], floors[block], v_y[block], strict=True):
            length = point @ point
            squared = np.maximum(lengths - 2 * row + length, floor).astype(np.float32)
            order = _order(squared)
            squared = squared[order]
            starts = np.flatnonzero(np.append(True, significant(np.diff(squared), length + squared[1:])))
            total[order] += _sorted_values(y[order] == label, weights, starts)
        return total

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(block_sum, range(0, len(v), rows)), np.zeros(n)) / len(v)


def _sorted_values(match: np.ndarray, weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The recursion summed by parts, s_(i) = m_i w_i + sum_{j>i} m_j (w_j - w_(j-1)), in the mean over orders of ties.

    match: m_i = 1[y_(i) = y]. weights: w_i, w_0 = 0. starts: where the groups of tied examples begin. An example is at
    every place p of its group a ... b equally often, and each other one at each place after p, b - p places, so that

        s = m mean(w) + (M - m)/(size - 1) (w_b - mean(w)) + sum over later groups of M/size (w_b - w_(a-1)),

    M the sum of m in a group.
    """
    sizes = np.diff(np.append(starts, len(match)))
    matches, middles = np.add.reduceat(match, starts, dtype=np.float64), np.add.reduceat(weights, starts) / sizes
    ends = weights[starts + sizes - 1]
    steps = matches / sizes * np.diff(ends, prepend=0)
    later = steps.sum() - np.cumsum(steps)
    others = (ends - middles) / np.maximum(sizes - 1, 1)
    spread = np.repeat(np.stack([matches * others + later, middles - others]), sizes, 1)
    return spread[0] + match * spread[1]


def _order(squared: np.ndarray) -> np.ndarray:
    """Indices by positive squared distance, float32, then index: one sort of integers with the index in the low bits.

    15 times faster than NumPy's stable argsort. The bits of positive floats sort like the floats.
    """
    keys = squared.view(np.uint32).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= np.arange(len(keys), dtype=np.uint64)
    keys.sort()
    keys &= np.uint64(2**32 - 1)
    return keys.view(np.int64)


def _check(x: np.ndarray, y: np.ndarray, v: np.ndarray, v_y: np.ndarray, k: int) -> None:
    if x.ndim != 2 or v.ndim != 2 or x.shape[1] != v.shape[1]:
        raise ValueError(f"features must be (n, d) and (m, d) with one d, got {x.shape} and {v.shape}")
    if y.shape != x.shape[:1] or v_y.shape != v.shape[:1]:
        raise ValueError(f"one label an example: got {y.shape} and {v_y.shape} for {len(x)} and {len(v)} examples")
    if not len(x) or not len(v):
        raise ValueError(f"training and validation set must not be empty, got {len(x)} and {len(v)} examples")
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    for name, rows in (("features", x), ("validation_features", v)):
        wrong = np.flatnonzero(~np.isfinite(rows).all(1))
        if len(wrong):
            raise ValueError(f"{name} must be finite, row {wrong[0]} is not")
