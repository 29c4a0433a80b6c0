"""Projections against dense matrices with the same entries, and what they preserve as a statistic."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.convnet import convnet
from models.mlp import mlp
from models.transformer import transformer
from tests.reference import jacobian
from valuation.factors import Formed, shapes
from valuation.problem import Examples
from valuation.projection import hashes, sides, sketch, two_sided, widths
from valuation.stream import features


def first_output(outputs, examples):
    return outputs.reshape(len(outputs), -1)[:, 0] ** 2


def case(name):
    draw = np.random.default_rng(0)
    key = jax.random.key(0)
    if name == "transformer":
        tokens = draw.integers(0, 9, (5, 4)).astype(np.int32)
        return transformer(9, 4, 6, layers=1, heads=2, hidden=5, key=key), Examples(tokens, tokens)
    images = draw.normal(size=(5, 4, 4, 2)).astype(np.float32)
    model = mlp((32, 7, 3), key) if name == "mlp" else convnet((2, 4), 3, key)
    return model, Examples(images, np.zeros(5, np.int32))


def rows(model, examples, feature, state):
    return np.concatenate(list(features(model, first_output, examples, feature, state)))


@pytest.mark.parametrize("name", ["mlp", "convnet", "transformer"])
def test_two_sided_is_the_kronecker_matrix_times_the_jacobian(name):
    model, examples = case(name)
    table = shapes(model.params)
    state = sides(table, jax.random.key(1), rank=3)
    full, start, expected = jacobian(model, first_output, examples), 0, []
    for path, shape in table.items():
        size = int(np.prod(shape))
        if path in state:
            one = np.kron(np.asarray(state[path].left), np.asarray(state[path].right))
            expected.append(full[:, start : start + size] @ one)
        start += size
    got = rows(model, examples, two_sided, state)
    assert got.shape[1] == sum(widths(state))
    np.testing.assert_allclose(got, np.concatenate(expected, 1), rtol=1e-3, atol=1e-5 * np.abs(got).max())


def test_a_rank_that_covers_the_widths_loses_nothing():
    model, examples = case("mlp")
    got = rows(model, examples, two_sided, sides(shapes(model.params), jax.random.key(1), rank=32))
    full, kernels = jacobian(model, first_output, examples), []
    start = 0
    for path, shape in shapes(model.params).items():
        size = int(np.prod(shape))
        kernels += [full[:, start : start + size]] if path.endswith("kernel") else []
        start += size
    np.testing.assert_allclose(got @ got.T, np.hstack(kernels) @ np.hstack(kernels).T, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("dimensions", [5, 64, 1000])
def test_sketch_is_the_sparse_matrix_times_the_jacobian(dimensions):
    """Runs that do not divide the parameters, and fewer parameters than dimensions."""
    model, examples = case("transformer")
    state = hashes(shapes(model.params), jax.random.key(2), dimensions=dimensions)
    full = jacobian(model, first_output, examples)
    matrix, start = np.zeros((full.shape[1], dimensions)), 0
    for path, signs in state.signs.items():
        index = np.arange(len(signs))
        buckets = (index + np.asarray(state.shifts[path])[index // dimensions]) % dimensions
        matrix[start + index, buckets] = np.asarray(signs)
        start += len(signs)
    got = rows(model, examples, sketch, state)
    np.testing.assert_allclose(got, full @ matrix, rtol=1e-3, atol=1e-5 * np.abs(got).max())


@pytest.mark.parametrize("vectors", ["dense", "one column", "neighbours"])
def test_sketch_keeps_inner_products(vectors):
    """Unbiased, with the variance of a count sketch, also for gradients that live in a few columns of a kernel."""
    shape, r, draws = (40, 16), 64, 400
    value = np.random.default_rng(0).normal(size=(2, *shape))
    if vectors == "one column":
        value *= np.arange(shape[1]) == 3
    elif vectors == "neighbours":
        value *= (np.arange(shape[0]) < 2)[:, None]
    value = value.reshape(2, -1) / np.linalg.norm(value.reshape(2, -1), axis=1, keepdims=True)
    got = {"kernel": Formed(jnp.asarray(value, jnp.float32))}

    @jax.jit
    def products(key):
        rows = sketch(got, {"kernel": shape}, hashes({"kernel": shape}, key, dimensions=r))
        return rows @ rows.T

    got = np.stack([products(key) for key in jax.random.split(jax.random.key(3), draws)])
    truth = value @ value.T
    bound = np.sqrt((1 + truth**2) / r)
    assert (np.abs(got.mean(0) - truth) <= 4 * bound / np.sqrt(draws)).all()
    assert (got.std(0) <= 1.15 * bound).all()


def test_two_sided_keeps_inner_products():
    value = np.random.default_rng(0).normal(size=(2, 12 * 10)).astype(np.float32)
    got, table = {"a.kernel": Formed(jnp.asarray(value))}, {"a.kernel": (12, 10)}

    @jax.jit
    def products(key):
        rows = two_sided(got, table, sides(table, key, rank=4))
        return rows @ rows.T

    got = np.stack([products(key) for key in jax.random.split(jax.random.key(4), 500)])
    assert (np.abs(got.mean(0) - value @ value.T) <= 4 * got.std(0) / np.sqrt(500)).all()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="rank must be at least 1, got 0"):
        sides({"a.kernel": (3, 2)}, jax.random.key(0), rank=0)
    with pytest.raises(ValueError, match=r"dense layer, and there is none among a\.bias"):
        sides({"a.bias": (3,)}, jax.random.key(0), rank=2)
    with pytest.raises(ValueError, match="at least 1 dimension, got 0"):
        hashes({"a.kernel": (3, 2)}, jax.random.key(0), dimensions=0)
