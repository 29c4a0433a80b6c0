"""Linear ridge regression in one pass against the dense solve with a free intercept."""

import tracemalloc

import numpy as np
import pytest

from valuation.blocks import source
from valuation.linear_ridge import linear_ridge, memory_bytes

DRAW = np.random.default_rng(0)
X, Y, V = DRAW.normal(size=(700, 9)) * np.arange(1, 10), DRAW.normal(size=(700, 3)), DRAW.normal(size=(40, 9))


def dense(x, y, v, ridge=0.01):
    """By the kernel of centred rows, n x n."""
    z = x - x.mean(0)
    kernel = z @ z.T
    dual = np.linalg.solve(kernel + ridge * np.trace(kernel) / len(x) * np.eye(len(x)), y - y.mean(0))
    return y.mean(0) + (v - x.mean(0)) @ z.T @ dual


@pytest.mark.parametrize("count", [2, 5, 8, 9, 700])  # 9 features: up to 8 examples by their kernel
@pytest.mark.parametrize("block", [3, 256, 1000])
def test_one_pass_is_the_dense_solve(count, block):
    found = linear_ridge(source(X[:count], Y[:count]), V, block=block)
    np.testing.assert_allclose(found, dense(X[:count], Y[:count], V), atol=1e-9)


@pytest.mark.parametrize(("shift", "scale"), [(1e6, 1.0), (0.0, 1e-6), (-2.0, 1e6)])
def test_shift_and_scale_do_not_matter(shift, scale):
    x, v = (rows * scale + shift * scale for rows in (X, V))
    np.testing.assert_allclose(linear_ridge(source(x, Y), v, block=256), dense(X, Y, V), atol=1e-7)


def test_targets_shift_with_the_prediction_and_constant_columns_do_not_count():
    wide, v = (np.column_stack([rows, np.full(len(rows), 1e12 / 3)]) for rows in (X, V))
    np.testing.assert_allclose(linear_ridge(source(wide, Y + 5), v, block=256), dense(X, Y, V) + 5, atol=1e-9)


def test_examples_far_from_validation_lose_no_digits():
    found = linear_ridge(source(X + 1e7, Y), V + 1e7 * (np.arange(40) > 0)[:, None], block=256)
    np.testing.assert_allclose(found[1:], dense(X, Y, V)[1:], atol=1e-6)


def test_equal_examples_predict_their_mean():
    x = np.full((30, 9), 0.1)
    for count in (5, 30):
        found = linear_ridge(source(x[:count], Y[:count]), V, block=8)
        np.testing.assert_allclose(found, np.tile(Y[:count].mean(0), (40, 1)))
    np.testing.assert_allclose(linear_ridge(source(X[:1], Y[:1]), V), np.tile(Y[0], (40, 1)))


def test_memory_stays_below_the_bound():
    wide = np.tile(X[:60], (1, 20))
    for x, v in ((X, V), (wide, np.tile(V, (1, 20)))):
        tracemalloc.start()
        linear_ridge(source(x, Y[: len(x)]), v, block=256)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < memory_bytes(*x.shape, 3, 40, block=256) < 8 * peak


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"must be positive, got 700, 0\.0 and 2048"):
        linear_ridge(source(X, Y), V, ridge=0.0)
    with pytest.raises(ValueError, match="example 699 holds inf, which is not finite"):
        linear_ridge(source(np.where(np.arange(700)[:, None] == 699, np.inf, X), Y), V)
