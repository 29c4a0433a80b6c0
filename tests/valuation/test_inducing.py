"""Inducing points against dense float64 solves, what must not matter to them, and their bound on memory."""

import tracemalloc
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from valuation.blocks import source
from valuation.inducing import gaussian, inducing_rows, kernel_ridge, memory_bytes

C, D, REPEATS, WIDTH = 4, 4, 6, 16.0
DRAW = np.random.default_rng(0)
CENTRES = 1.5 * DRAW.normal(size=(C, D))
DISTINCT = CENTRES[DRAW.integers(0, C, 1000)] + DRAW.normal(size=(1000, D))
X = np.tile(DISTINCT, (REPEATS, 1))[DRAW.permutation(1000 * REPEATS)]
LABELS = np.argmin(cdist(X, CENTRES), 1)
Y = np.eye(C)[LABELS] - 1 / C
V = CENTRES[DRAW.integers(0, C, 200)] + DRAW.normal(size=(200, D))


def dense_kernel(a, b):
    return np.exp(-cdist(a, b, "sqeuclidean") / (2 * WIDTH))


def dense(x, y, v, kernel=dense_kernel, ridge=0.01):
    inner = kernel(x, x)
    return kernel(v, x) @ np.linalg.solve(inner + ridge * np.trace(inner) / len(x) * np.eye(len(x)), y)


def fit(x=X, y=Y, v=V, kernel=None, **options):
    options = {"key": jax.random.key(0), "points": 128, "exact": 0, "block": 1024} | options
    return kernel_ridge(source(x, y), v, kernel or gaussian(WIDTH), **options)


@cache
def plain():
    return fit()


@pytest.fixture(scope="module")
def exact():
    """All 6,000 rows, by the 1,000 that differ: r equal rows count as one with their mean target and lambda / r."""
    rows, where = np.unique(X, axis=0, return_inverse=True)
    means = np.stack([np.bincount(where, column) for column in Y.T], 1) / REPEATS
    return dense(rows, means, V, ridge=0.01 / REPEATS)


def test_few_examples_are_solved_exactly():
    expected = dense(X[:300], Y[:300], V)
    np.testing.assert_allclose(fit(X[:300], Y[:300], exact=4096, points=16), expected, atol=1e-9)
    np.testing.assert_allclose(fit(X[:300], Y[:300], points=300), expected, atol=1e-9)
    np.testing.assert_allclose(fit(X[:300], Y[:300], points=10**6), expected, atol=1e-9)


def test_all_rows_as_inducing_points_are_the_dense_solve():
    """Ten rows, repeated: their number decides, not the size of the data; only the jitter is between."""
    x = np.tile(DISTINCT[:10], (40, 1))
    np.testing.assert_allclose(fit(x, Y[:400], points=50), dense(x, Y[:400], V), atol=1e-5)
    assert len(inducing_rows(source(x, Y[:400]), np.zeros(D), 50, jax.random.key(0))) == 10


def distance(predictions, expected):
    return np.sqrt(np.mean((predictions - expected) ** 2))


def test_more_points_come_nearer_to_the_exact_solve(exact):
    errors = [distance(fit(points=points), exact) for points in (32, 128, 512)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert errors[2] < 0.005


def regressors(chosen, gram, kernel):
    """The normal equations with a given K(Z, X) K(X, Z), solved in float64."""
    corner = dense_kernel(chosen, chosen) + 1e-6 * np.eye(len(chosen))
    return dense_kernel(V, chosen) @ np.linalg.solve(gram + 0.01 * corner, kernel.T @ Y)


def test_products_must_be_float64(exact):
    """float32 kernels serve; float32 products do not, whole or block by block with sums in float64."""
    centre = np.median(V, 0)
    chosen = inducing_rows(source(X, Y), centre, 512, jax.random.key(0)) + centre
    kernel = dense_kernel(X, chosen)
    single, expected = kernel.astype(np.float32), regressors(chosen, kernel.T @ kernel, kernel)
    gap = distance(expected, exact)
    assert distance(fit(points=512), expected) < gap / 3
    blocks = [single[i : i + 250] for i in range(0, len(X), 250)]
    for gram in (single.T @ single, sum((b.T @ b).astype(np.float64) for b in blocks)):
        assert distance(regressors(chosen, gram, kernel), expected) > 20 * gap


@pytest.mark.parametrize(("shift", "scale"), [(1e7, 1.0), (0.0, 1e-6), (3.0, 1e6)])
def test_shift_and_scale_of_the_features_do_not_matter(shift, scale):
    x, v, kernel = X * scale + shift * scale, V * scale + shift * scale, gaussian(WIDTH * scale**2)
    assert distance(fit(x, v=v, kernel=kernel), plain()) < 1e-3
    few = fit(x[:200], Y[:200], v, kernel, exact=200)
    np.testing.assert_allclose(few, fit(X[:200], Y[:200], exact=200), atol=1e-6)


def test_a_constant_column_does_not_matter():
    def wide(rows):
        return np.column_stack([rows, np.full(len(rows), 1e9 / 3)])

    assert distance(fit(wide(X), v=wide(V)), plain()) < 1e-3


def test_a_memory_map_is_read_block_by_block(tmp_path):
    """Also through an index, in an order of its own, and with features made of each block."""
    stored = np.lib.format.open_memmap(tmp_path / "rows.npy", "w+", np.float64, X.shape)
    order = DRAW.permutation(len(X))
    stored[order] = X / 2
    stored.flush()
    largest = []

    def features(rows):
        largest.append(len(rows))
        return 2 * rows

    mapped = source(
        np.load(tmp_path / "rows.npy", mmap_mode="r"),
        LABELS,
        features=features,
        encode=lambda labels: np.eye(C)[labels] - 1 / C,
        index=order,
    )
    found = kernel_ridge(mapped, V, gaussian(WIDTH), key=jax.random.key(0), points=128, exact=0, block=1024)
    np.testing.assert_allclose(found, plain(), atol=1e-12)
    assert max(largest) <= 1024


def test_ragged_blocks_leave_no_trace():
    seen = []
    found = fit(block=1700, progress=seen.append)
    assert distance(found, plain()) < 1e-3
    assert seen == [1700, 1700, 1700, 900]


def test_one_class_is_predicted_everywhere_near():
    y = np.tile(np.eye(C)[2] - 1 / C, (len(X), 1))
    found = fit(y=y)
    assert (found.argmax(1) == 2).all()
    np.testing.assert_allclose(found[:, 0] / found[:, 2], -1 / (C - 1), rtol=1e-6)
    np.testing.assert_allclose(found[:, 2], 1 - 1 / C, atol=0.05)


def polynomial(x, y):
    return (x @ y.T / 8 + 1) ** 2


def test_any_kernel_of_finite_rank_is_exact():
    """A polynomial of degree 2 in 4 features has rank 15: 128 inducing points span it."""
    x, y, v = X[:700], Y[:700], V
    centre = np.median(V, 0)
    expected = dense(x - centre, y, v - centre, lambda a, b: (a @ b.T / 8 + 1) ** 2)
    np.testing.assert_allclose(fit(x, y, kernel=polynomial), expected, atol=1e-4)


def linear(x, y):
    return x @ y.T


@pytest.mark.parametrize("exact", [0, 500])
def test_a_kernel_that_is_zero_on_all_examples_predicts_nothing(exact):
    """All examples lie at the medians of validation, but for rounding."""
    x = np.tile(np.median(V, 0), (500, 1)) * (1 + 1e-16)
    np.testing.assert_array_equal(fit(x, Y[:500], kernel=linear, exact=exact), np.zeros((200, C)))


@pytest.mark.parametrize(("count", "exact"), [(6000, 0), (500, 512)])
def test_memory_stays_below_the_bound(count, exact):
    """What NumPy allocates; XLA's buffers of a block are of the same sizes and counted in the bound."""
    fit(X[:count], Y[:count], exact=exact)
    tracemalloc.start()
    fit(X[:count], Y[:count], exact=exact)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    bound = memory_bytes(count, D, C, len(V), points=128, exact=exact, block=1024)
    assert peak < bound < 8 * peak


def test_memory_does_not_grow_with_the_examples():
    one, ten = (memory_bytes(n, 784, 10, 2000) for n in (10**6, 10**7))
    assert one == ten < 10**9


def with_value(rows, value):
    changed = rows.copy()
    changed[7, 2] = value
    return changed


def indefinite(x, y):
    return 1 + jnp.square(x[:, None] - y).sum(-1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": with_value(X, np.nan)}, "example 7 holds nan, which is not finite"),
        ({"x": with_value(X, 9.97e36)}, r"example 7 holds 9.97e\+36, whose square is no float32 number"),
        ({"v": with_value(V, 9.97e36)}, r"validation row 7 holds 9.97e\+36"),
        ({"v": with_value(V, -np.inf)}, "validation row 7 holds -inf"),
        ({"v": V[:0]}, "validation features need shape"),
        ({"v": V[:, :3]}, r"shape \(256, 4\), expected \(256, 3\)"),
        ({"y": Y[:-1]}, "6000 examples and 5999 targets"),
        ({"y": with_value(Y, np.nan)}, "the target of example 7 is not finite"),
        ({"x": X[:0], "y": Y[:0]}, "examples must be positive, got 0"),
        ({"ridge": 0.0}, "ridge must be positive, got 0"),
        ({"points": 0}, "points must be positive, got 0"),
        ({"block": -1}, "block must be positive, got -1"),
        ({"x": X[:50], "y": Y[:50], "kernel": indefinite}, "not positive semidefinite"),
        ({"kernel": lambda x, y: x @ y.T * jnp.nan}, "the kernel holds NaN|diagonal of the kernel sums to nan"),
        ({"kernel": lambda x, y: (x @ y.T).astype("float32")}, "must follow the type of its rows"),
    ],
)
def test_bad_input_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        fit(**change)


def test_a_bad_bandwidth_is_named():
    with pytest.raises(ValueError, match="bandwidth must be positive and finite, got 0"):
        gaussian(0.0)
