"""Per-example gradients: one vector an example (the reference), or the pairs they are made of (the fast path)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
from jaxtyping import Array, Float

from valuation.examples import Examples


class Captured(NamedTuple):
    """What every layer saw and what it was asked for, in one backward pass over n examples.

    inputs: layer -> its input, (n, ..., k).
    gradients: layer -> gradient of each example's scalar with respect to the layer's output, (n, ..., d).
    """

    inputs: dict[str, jax.Array]
    gradients: dict[str, jax.Array]


def per_example_gradients(loss: Callable, model, examples: Examples, *, chunk: int) -> Float[Array, "n p"]:
    """Gradient of every example's loss with respect to model.params, flattened as jax.flatten_util.ravel_pytree does.

    Works for any model; needs n x p numbers of memory and a forward and backward pass an example.
    loss: (params, frozen, example) -> scalar, for one example without the leading axis.
    chunk: examples that are vmapped at a time; the last chunk may be smaller.
    """

    def gradient(example):
        return jax.flatten_util.ravel_pytree(jax.grad(loss)(model.params, model.frozen, example))[0]

    return jax.lax.map(gradient, examples, batch_size=chunk)


def capture(model, output: Callable, examples: Examples) -> Captured:
    """Layer inputs and output gradients of output(outputs, examples) -> (n,), one scalar an example.

    The gradient of the sum over the batch is every example's own, because no example of a Model depends on another.
    The gradient of a dense kernel is sum over positions of x (x) g, that of a bias sum of g (theory/README.md, 3.1).
    Raises ValueError if the model cannot be captured; per_example_gradients is the way out.
    """
    require_capture(model)
    return captured(model.tapped, model.layers, model.params, model.frozen, output, examples)


def require_capture(model) -> None:
    """Raises ValueError that names the parameters, and the types of their layers, that cannot be captured."""
    if model.tapped is None:
        raise ValueError(
            "the gradients of this model cannot be captured: it has parameters outside the layers of models/layers.py: "
            f"{', '.join(model.uncaptured) or 'unknown'}. Use per_example_gradients, which works for any model"
        )


def captured(tapped, layers: dict, params, frozen, output: Callable, examples: Examples) -> Captured:
    """`capture` with the parts of a Model one by one, for use inside jit: functions static, arrays as arguments."""
    if tapped is None:
        raise ValueError(
            "this model has parameters outside the layers of models/layers.py, so that its gradients cannot be "
            "captured: use per_example_gradients, which works for any model"
        )

    def forward(taps):
        outputs, inputs = tapped(params, frozen, taps, examples.inputs)
        return output(outputs, examples).sum(), inputs

    _, inputs = jax.eval_shape(forward, {})
    taps = {use: _zeros(layers[use.partition("#")[0]], x, params) for use, x in inputs.items()}
    gradients, inputs = jax.grad(forward, has_aux=True)(taps)
    # Without the barrier, jaxlib 0.10.2 on CPU compiles a product of two gradients that are one constant (the last
    # layer under a sum of outputs) to a wrong number: c * c, without the factor of its length.
    return Captured(inputs, jax.tree.map(jax.lax.optimization_barrier, gradients))


def at(tree, path: tuple):
    """The subtree that lies at the path."""
    for key in path:
        tree = tree[key]
    return tree


def _zeros(layer, x, params) -> jax.Array:
    """A tap: zeros like the output of the layer for the input x."""
    leaf = at(params, layer.leaves[0][1])
    if layer.kind == "dense":
        return jnp.zeros((*x.shape[:-1], leaf.shape[-1]), leaf.dtype)
    if layer.kind == "scale":
        return jnp.zeros(x.shape, leaf.dtype)
    if layer.kind == "embed" and jnp.issubdtype(x.dtype, jnp.integer):
        return jnp.zeros((*x.shape, leaf.shape[1]), leaf.dtype)
    if layer.kind == "embed":
        return jnp.zeros((*x.shape[:-1], leaf.shape[0]), leaf.dtype)
    raise ValueError(f"layer {'.'.join(map(str, layer.path))} is of kind {layer.kind!r}, known: dense, scale, embed")
