"""A Flax module as pure functions and pytrees: what every other folder sees of a model."""

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array

PyTree = Any


class Layer(NamedTuple):
    """A layer whose parameter gradient is an outer product of captured arrays.

    kind: "dense" (kernel (k, d), bias (d,); input x, output x @ kernel + bias),
        "scale" (scale (d,), bias (d,); input x already normalised, output x * scale + bias) or
        "embed" (embedding (v, d); integer input: its rows; other input x: x @ embedding.T).
    path: where the module lies.
    leaves: (name, path in Model.params) of its trainable parameters; two layers that share one have the same path.
    """

    kind: str
    path: tuple
    leaves: tuple[tuple[str, tuple], ...]


class Readout(NamedTuple):
    """The last layer of a model as a linear map: outputs = states @ weights.

    states: (params, frozen, inputs (n, ...)) -> (states (n, ..., d), outputs (n, ..., v)). With places (n, k) behind
        them, of a model of sequences: at these positions of its inputs alone, (n, k, d) and (n, k, v).
    weights: (params, frozen) -> (d, v).
    tapped: as Model.tapped, with the states in place of the outputs; None for models that cannot be captured.
    """

    states: Callable[..., tuple[Array, Array]]
    weights: Callable[[PyTree, PyTree], Array]
    tapped: Callable[..., tuple[Array, dict[str, Array]]] | None = None


def _no_module(params: PyTree, frozen: PyTree) -> NoReturn:
    raise ValueError(
        "this model was not made by models.functional.functional: it has no module, it can only be applied"
    )


class Model(NamedTuple):
    """A model as functions and arrays. It holds functions, so it is closed over and never an argument of jit.

    apply: (params, frozen, inputs (n, ...)) -> outputs (n, c); no coupling between examples, no dropout. One of
        sequences with a readout takes places (n, k) behind them, and gives outputs at these positions alone; so does
        tapped.
    params: the leaves that every gradient is taken over.
    frozen: base weights and statistics; always an argument, since jit would bake a closed-over array in.
    tapped: (params, frozen, taps, inputs) -> (outputs, {layer: its input}); taps {layer: zeros like its output} are
        added to the outputs, so a gradient with respect to them is the gradient with respect to the outputs.
        A layer without a tap is only read; the uses of a layer after its first are called "layer#1", "layer#2", ...
        None for models that cannot be captured.
    layers: name -> Layer; {} for models that cannot be captured.
    uncaptured: "path (module type)" of each trainable parameter outside of such layers: why tapped is None.
    merged: (params, frozen) -> the Flax module that holds them, for `call`; ValueError where there is none.
    readout: what the last layer reads and how; None for a module that does not say which layer that is, by a property
        `readout` that gives a layer of models/layers.py without bias. One of sequences takes (inputs, places).
    words: the outputs that the softmax of the training loss is over, (w,) int, where it is not over all: that of
        gradients is over the same. Whatever is asked of the model besides is over all.
    """

    apply: Callable[..., Array]
    params: PyTree
    frozen: PyTree
    tapped: Callable[..., tuple[Array, dict[str, Array]]] | None = None
    layers: dict[str, Layer] = {}  # noqa: RUF012 (a NamedTuple's default, never changed)
    uncaptured: tuple[str, ...] = ()
    merged: Callable[[PyTree, PyTree], Any] = _no_module
    readout: Readout | None = None
    words: np.ndarray | None = None


def functional(module: nnx.Module, trainable=nnx.Param) -> Model:
    """The module as a Model.

    trainable: an nnx filter; the variables it selects become params, all others frozen.
    Where a trainable parameter lies outside the layers of models/layers.py the model cannot be captured: its gradient
    would silently be left out of every captured quantity.
    """
    graph, *states = nnx.split(module, trainable, ...)
    params, frozen = (nnx.to_pure_dict(state) for state in states)
    layers = _layers(module, params)
    owned = {path for layer in layers.values() for _, path in layer.leaves}
    outside = [path for path in _leaf_paths(params) if path not in owned]

    def merged(params, frozen):
        return nnx.merge(graph, nnx.State(params), nnx.State(frozen))

    def apply(params, frozen, inputs, *places):
        return nnx.capture(merged(params, frozen))(*map(jax.numpy.asarray, (inputs, *places)))

    def read(params, frozen, taps, inputs, *places):
        init: dict = {}
        for name, one in taps.items():
            layer, _, use = name.partition("#")
            _set(init, (*layers[layer].path, f"output{use or 0}"), nnx.Perturbation(one))
        forward = nnx.capture(merged(params, frozen), nnx.Intermediate, init=nnx.State(init))
        outputs, seen = forward(*map(jax.numpy.asarray, (inputs, *places)))
        inputs_of: dict[str, Array] = {}
        for name, layer in layers.items():
            uses = _at(seen, layer.path)["input"].get_value() if _holds(seen, layer.path) else ()
            inputs_of |= {f"{name}#{use}" if use else name: x for use, x in enumerate(uses)}
        return outputs, seen, inputs_of

    def tapped(params, frozen, taps, inputs, *places):
        outputs, _, inputs_of = read(params, frozen, taps, inputs, *places)
        return outputs, inputs_of

    last = getattr(module, "readout", None)
    readout = None if last is None else _readout(module, last, merged, read)
    if outside:
        names = (f"{'.'.join(map(str, path))} ({type(_owner(module, path)).__name__})" for path in outside)
        readout = readout and readout._replace(tapped=None)
        return Model(apply, params, frozen, uncaptured=tuple(names), merged=merged, readout=readout)
    return Model(apply, params, frozen, tapped, layers, merged=merged, readout=readout)


def call(
    merged: Callable[[PyTree, PyTree], Any], params: PyTree, frozen: PyTree, function: Callable, *arguments: Any
) -> Any:
    """function(module, *arguments), the module being Model.merged(params, frozen): what it can do beside apply."""
    return nnx.capture(function)(merged(params, frozen), *arguments)


def _readout(module: nnx.Module, last: nnx.Module, merged: Callable, read: Callable) -> Readout:
    """read: as Model.tapped, with what all layers saw in between."""
    path = next(path for path, part in nnx.iter_modules(module) if part is last)

    def of_last(seen):
        return _at(seen, path)["input"].get_value()[-1]  # a tied table is read first by the tokens

    def states(params, frozen, inputs, *places):
        outputs, seen, _ = read(params, frozen, {}, inputs, *places)
        return of_last(seen), outputs

    def weights(params, frozen):
        layer = merged(params, frozen).readout
        return layer.embedding[...].T if layer.kind == "embed" else layer.kernel[...]

    def tapped(params, frozen, taps, inputs, *places):
        _, seen, inputs_of = read(params, frozen, taps, inputs, *places)
        return of_last(seen), inputs_of

    return Readout(states, weights, tapped)


def _layers(module: nnx.Module, params: PyTree) -> dict[str, Layer]:
    """Every layer that holds a trainable parameter, its alone or shared with a layer before it."""
    trainable = set(_leaf_paths(params))
    places = {id(node): path for path, node in nnx.iter_graph(module) if isinstance(node, nnx.Variable)}
    layers = {}
    for path, part in nnx.iter_modules(module):
        if hasattr(part, "kind"):
            held = {name: places.get(id(value)) for name, value in vars(part).items()}
            leaves = tuple((name, place) for name, place in sorted(held.items()) if place in trainable)
            if leaves:
                layers[".".join(map(str, path))] = Layer(part.kind, path, leaves)
    return layers


def _leaf_paths(tree: PyTree) -> list[tuple]:
    return [tuple(key.key for key in path) for path, _ in jax.tree.leaves_with_path(tree)]


def _owner(module, path):
    for key in path[:-1]:
        module = module[key] if isinstance(key, int) else getattr(module, key)
    return module


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
