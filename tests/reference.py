"""Slow, obvious versions of what the library computes: explicit Jacobians, double loops, float64."""

from functools import cache

import jax
import numpy as np


def jacobian(model, output, examples) -> np.ndarray:
    """d output_i / d params, (n, p), one vjp an example on a batch of one."""
    gradient, rows = _gradient_of_one(model.apply, output), []
    for i in range(len(examples.inputs)):
        one = jax.tree.map(lambda leaf, i=i: np.asarray(leaf)[i], examples)
        leaves = jax.tree.leaves(gradient(model.params, model.frozen, one))
        rows.append(np.concatenate([np.ravel(leaf) for leaf in leaves], dtype=np.float64))
    return np.stack(rows)


@cache
def _gradient_of_one(apply, output):
    """Compiled once for all sets of examples and all parameters of a model."""

    def one(params, frozen, example):
        batch = jax.tree.map(lambda leaf: leaf[None], example)
        return output(apply(params, frozen, batch.inputs), batch)[0]

    return jax.jit(jax.grad(one))


def multi_kernel(x, y, bandwidth) -> float:
    """sum_{u=0..4} exp(-||x - y||^2 / (bandwidth 2^(u-2)))."""
    distance = float(np.sum((np.asarray(x, np.float64) - np.asarray(y, np.float64)) ** 2))
    return sum(np.exp(-distance / (bandwidth * 2.0 ** (u - 2))) for u in range(5))


def mmd_squared(x, y, bandwidth, labels_x=None, labels_y=None, *, unbiased: bool) -> float:
    """MMD^2 by three double loops."""
    labels_x = np.zeros(len(x)) if labels_x is None else labels_x
    labels_y = np.zeros(len(y)) if labels_y is None else labels_y

    def mean(a, la, b, lb, skip):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (skip and i == j)]
        return np.mean([(la[i] == lb[j]) * multi_kernel(a[i], b[j], bandwidth) for i, j in pairs])

    within = mean(x, labels_x, x, labels_x, unbiased) + mean(y, labels_y, y, labels_y, unbiased)
    return float(within - 2 * mean(x, labels_x, y, labels_y, False))


def accuracy_with_ties(predictions, labels) -> float:
    """Share of the rows whose largest entry is that of the label, less 1/(2m) of e/(1+e), e their squared error."""
    pairs = list(zip(np.asarray(predictions), labels, strict=True))
    accuracy = np.mean([row.argmax() == label for row, label in pairs])
    error = np.mean([np.sum((row - np.eye(len(row))[label]) ** 2) for row, label in pairs])
    return float(accuracy - 0.5 / len(pairs) * error / (1 + error))


def euclidean(x, y) -> np.ndarray:
    """||x_i - y_j|| of rows, from their differences, float64, (n, m)."""
    return np.linalg.norm(np.asarray(x, np.float64)[:, None] - np.asarray(y, np.float64), axis=-1)
