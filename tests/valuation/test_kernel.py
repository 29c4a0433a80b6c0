from functools import cache

import jax
import jax.flatten_util
import numpy as np
import pytest
from scipy.special import log_softmax

from models.convnet import convnet
from models.mlp import mlp
from tests.reference import jacobian
from valuation import kernel
from valuation.gradients import per_example_gradients
from valuation.outputs import class_sum, true_class
from valuation.problem import Examples

NAMES = ("mlp", "convnet")


@cache
def built(name):
    key = jax.random.key(0)
    return mlp((64, 7, 6, 4), key) if name == "mlp" else convnet((1, 4, 8), 4, key)


def images(count, seed):
    rng = np.random.default_rng(seed)
    return Examples(rng.random((count, 8, 8, 1)).astype(np.float32), rng.integers(0, 4, count).astype(np.int32))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("output", [true_class, class_sum])
def test_gram_is_the_product_of_explicit_jacobians(name, output):
    a, b = images(5, 0), images(3, 1)
    model = built(name)
    ja, jb = (jacobian(model, output, side) for side in (a, b))
    theta = kernel.gram(model, a.inputs, a.targets, output=output)
    np.testing.assert_allclose(theta, ja @ ja.T, rtol=2e-4, atol=1e-4)
    theta = kernel.gram(model, a.inputs, a.targets, output=output, inputs_b=b.inputs, labels_b=b.targets)
    np.testing.assert_allclose(theta, ja @ jb.T, rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "chunk"), [("mlp", 2), ("mlp", 8), ("convnet", 2)])
def test_vmapped_gradients_are_the_jacobian(name, chunk):
    model, examples = built(name), images(5, 0)

    def loss(params, frozen, example):
        return model.apply(params, frozen, example.inputs[None])[0, example.targets]

    got = per_example_gradients(loss, model, examples, chunk=chunk)
    np.testing.assert_allclose(got, jacobian(model, true_class, examples), rtol=1e-4, atol=1e-5)


def test_padding_rows_leave_no_trace():
    model, many = built("mlp"), images(kernel.ROWS + 3, 0)
    theta = kernel.gram(model, many.inputs, many.targets)
    few = kernel.gram(model, many.inputs[:4], many.targets[:4])
    assert theta.shape == (len(many.inputs),) * 2
    np.testing.assert_allclose(theta[:4, :4], few, rtol=1e-5)


def test_outputs_do_not_depend_on_the_number_of_rows():
    model, many = built("mlp"), images(kernel.ROWS + 3, 0)
    expected = model.apply(model.params, model.frozen, many.inputs)
    np.testing.assert_allclose(kernel.outputs(model, many.inputs), expected, atol=1e-5)
    np.testing.assert_allclose(kernel.outputs(model, many.inputs[:1]), expected[:1], atol=1e-5)


@pytest.mark.parametrize(("memory", "rows"), [(2**30, 5), (3 * 4 * 3 * 2, 2), (1, 1)])
def test_likelihoods_do_not_depend_on_the_memory(memory, rows, monkeypatch):
    """As many rows at a time as three arrays like their outputs may take."""
    model = mlp((4, 5, 3), jax.random.key(0))
    x, y = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32), np.arange(7, dtype=np.int32) % 3
    seen = []

    def apply(params, frozen, inputs):
        seen.append(len(inputs))
        return model.apply(params, frozen, inputs)

    monkeypatch.setattr(kernel, "MEMORY", memory)
    got = kernel.likelihoods(model._replace(apply=apply), Examples(x, y), rows=5)
    expected = log_softmax(np.asarray(model.apply(model.params, model.frozen, x), np.float64), axis=1)[np.arange(7), y]
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert seen[-1] == rows


def test_a_model_without_capture_is_refused():
    model, one = built("mlp"), images(1, 0)
    with pytest.raises(ValueError, match="per_example_gradients"):
        kernel.gram(model._replace(tapped=None, layers={}), one.inputs, one.targets)
