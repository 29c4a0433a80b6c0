"""A Flax module as pure functions and pytrees: what every other folder sees of a model."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from flax import nnx

PyTree = Any


class Layer(NamedTuple):
    """A layer whose parameter gradient is an outer product of captured arrays.

    kind: "dense" (kernel (k, d), maybe bias (d,); input x, output x @ kernel + bias) or
        "scale" (scale (d,), bias (d,); input x already normalised, output x * scale + bias).
    path: where its parameters lie in Model.params.
    """

    kind: str
    path: tuple


class Model(NamedTuple):
    """A model as functions and arrays. It holds functions, so it is closed over and never an argument of jit.

    apply: (params, frozen, inputs (n, ...)) -> outputs (n, c); no coupling between examples, no dropout.
    params: the leaves that every gradient is taken over.
    frozen: base weights and statistics; always an argument, since jit would bake a closed-over array in.
    tapped: (params, frozen, taps, inputs) -> (outputs, {layer: its input}); taps {layer: zeros like its output} are
        added to the outputs, so a gradient with respect to them is the gradient with respect to the outputs.
        A layer without a tap is only read. None for models that cannot be captured.
    layers: name -> Layer; {} for models that cannot be captured.
    """

    apply: Callable
    params: PyTree
    frozen: PyTree
    tapped: Callable | None = None
    layers: dict[str, Layer] = {}  # noqa: RUF012 (a NamedTuple's default, never changed)


def functional(module: nnx.Module, trainable=nnx.Param) -> Model:
    """The module as a Model.

    trainable: an nnx filter; the variables it selects become params, all others frozen.
    Raises ValueError if trainable parameters lie outside the layers of models/layers.py and some lie inside:
    their gradient would silently be left out of every captured quantity.
    """
    graph, params, frozen = nnx.split(module, trainable, ...)
    params, frozen = nnx.to_pure_dict(params), nnx.to_pure_dict(frozen)
    paths = {path: sub.kind for path, sub in nnx.iter_modules(module) if hasattr(sub, "kind")}
    layers = {".".join(map(str, path)): Layer(kind, path) for path, kind in paths.items() if _holds(params, path)}
    owned = sum(len(jax.tree.leaves(_at(params, layer.path))) for layer in layers.values())

    def merged(params, frozen):
        return nnx.merge(graph, nnx.State(params), nnx.State(frozen))

    def apply(params, frozen, inputs):
        return nnx.capture(merged(params, frozen))(jax.numpy.asarray(inputs))

    def tapped(params, frozen, taps, inputs):
        init = {}
        for name, tap in taps.items():
            _set(init, (*layers[name].path, "output"), nnx.Perturbation(tap))
        forward = nnx.capture(merged(params, frozen), nnx.Intermediate, init=nnx.State(init))
        outputs, seen = forward(jax.numpy.asarray(inputs))
        return outputs, {name: _at(seen, layer.path)["input"].get_value()[0] for name, layer in layers.items()}

    if owned != len(jax.tree.leaves(params)):
        return Model(apply, params, frozen)
    return Model(apply, params, frozen, tapped, layers)


def _at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def _holds(tree, path) -> bool:
    for key in path:
        if key not in tree:
            return False
        tree = tree[key]
    return True


def _set(tree, path, value):
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    tree[path[-1]] = value
