"""Captured gradients of many examples, a chunk at a time within a budget of memory.

A chunk has the same number of rows every time (the last is filled up), so that a step is compiled once. On a CPU every
core works on a chunk of its own, in tiles that fit into its cache: XLA runs all but large matrix products on one core.
Sequences are read at their target tokens alone: a scalar of theirs is a mean over these, as those of outputs.py are.
Inside workers.use_workers(mesh) chunks go to the devices of the mesh, and every process gets the whole result.
progress: called with the number of examples that have just been done; None asks workers.use_workers, or stays silent.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from valuation.examples import Examples
from valuation.factors import factors, products, route, shapes, squares
from valuation.gradients import captured, require_capture
from valuation.precise import jit
from valuation.target_positions import at_targets
from valuation.workers import current, map_chunks

MEMORY = 2**30  # bytes, of a process on a CPU, of every device otherwise
ALIVE = 3  # captured arrays of a chunk and as much again for the passes that make them
TILE = 2**21  # bytes of the largest captured array of a tile: the cache of a core
LARGEST = 2048  # rows of a group: more do not make it faster
GROUPS = 8  # of a chunk, one after another in the same memory: a system hands out fresh memory slowly


class Plan(NamedTuple):
    """Rows of a chunk; of a group, which divides them; of a tile, which divides a group; chunks at a time on a device.

    What is captured of a group is alive at once, of the groups of a chunk one after another.
    """

    rows: int
    group: int
    tile: int
    workers: int


def gradient_products(
    model, output: Callable, train: Examples, query: Examples, *, memory: int = MEMORY, progress: Callable | None = None
) -> Float[np.ndarray, "n m"]:
    """<grad o(train_i), grad o(query_j)> over all of model.params, exact, without n x p or m x p in memory.

    output: o, (outputs (n, ...), examples) -> (n,), one scalar an example, a module-level function.
    memory: bytes, an estimate of what is alive at once beside the model and the result. Queries whose gradients do not
        fit into half of it are taken in blocks, each of which is a pass over the training examples.
    Raises ValueError for a model that cannot be captured, an empty set, a budget too small for one example and
    gradients that are not finite, naming the example.
    """
    check(model, train, query)
    (asked, query), (model, train) = (at_targets(model, some) for some in (query, train))
    queries = plan(asked, output, query, memory / 2, whole=True, workers=1)
    parts = []
    for start in range(0, len(query.inputs), queries.rows):
        block, kept = chunk(query, queries.rows, start // queries.rows), len(query.inputs) - start
        args = {"tapped": asked.tapped, "layers": tuple(model.layers.items()), "output": output}
        routed = _routed(asked.params, asked.frozen, block, n=len(train.inputs), tile=queries.tile, **args)
        left = max(memory - _bytes(routed), memory // 2)
        parts.append(directed(model, output, train, routed, memory=left, progress=progress)[:, :kept])
    pairs = np.concatenate(parts, 1)
    finite(np.isfinite(pairs).any(1), "training")
    finite(np.isfinite(pairs).any(0), "query")
    return pairs


def directed(
    model, output: Callable, examples: Examples, directions: dict, *, memory: int = MEMORY, progress=None
) -> Float[np.ndarray, "n m"]:
    """<grad o(x_i), direction_j> of m directions in parameter space: dotted path of a parameter -> factor of m rows."""
    model, examples = at_targets(model, examples)
    chosen = plan(model, output, examples, memory, pairs=True)
    args = {"tapped": model.tapped, "layers": tuple(model.layers.items()), "output": output}
    step = partial(_products, group=chosen.group, tile=chosen.tile, **args)
    shared = (model.params, model.frozen, directions)
    return np.concatenate(list(each(step, shared, examples, chosen, progress=progress)))


def self_products(
    model, output: Callable, examples: Examples, *, memory: int = MEMORY, progress: Callable | None = None
) -> Float[np.ndarray, " n"]:
    """|grad o(x_i)|^2, the self-influence of every example; arguments and errors as in gradient_products."""
    rows = np.concatenate(list(features(model, output, examples, _squares, None, memory=memory, progress=progress)))
    return rows[:, 0]


def features(
    model,
    output: Callable,
    examples: Examples,
    feature: Callable,
    state,
    *,
    memory: int = MEMORY,
    progress: Callable | None = None,
) -> Iterator[Float[np.ndarray, "b r"]]:
    """feature(factors, shapes, state) -> (b, r) of chunk after chunk of the examples, in order.

    feature: a module-level function to (b, r), such as those of projection.py; state: its arrays.
    Arguments and errors as in gradient_products; an error comes with the chunk that it concerns.
    """
    check(model, examples)
    model, examples = at_targets(model, examples)
    chosen = plan(model, output, examples, memory, feature=feature, state=state)
    args = {"tapped": model.tapped, "layers": tuple(model.layers.items()), "output": output, "feature": feature}
    step, done = partial(_features, tile=chosen.tile, **args), 0
    for rows in each(step, (model.params, model.frozen, state), examples, chosen, progress=progress):
        finite(np.isfinite(rows).all(1), "given", done)
        yield rows
        done += len(rows)


def each(
    step: Callable, shared: tuple, examples: Examples, plan: Plan, *, progress: Callable | None = None
) -> Iterator[np.ndarray]:
    """step(*shared, chunk) -> (rows, ...) of chunk after chunk, in order, without what fills up the last one."""
    n, begin = len(examples.inputs), current().progress
    progress = begin(n) if progress is None and begin else progress
    parts = map_chunks(
        step, shared, lambda i: (chunk(examples, plan.rows, i),), -(-n // plan.rows), threads=plan.workers
    )
    for i, rows in enumerate(parts):
        count = min(plan.rows, n - i * plan.rows)
        if progress is not None:
            progress(count)
        yield rows[:count]


def chunk(examples, rows: int, i: int):
    """Rows i * rows .. of all arrays of a tree; after the end copies of the last one."""
    n = len(jax.tree.leaves(examples)[0])
    index = np.minimum(np.arange(i * rows, (i + 1) * rows), n - 1)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[index], examples)


def plan(
    model,
    output: Callable,
    examples: Examples,
    memory: int | float,
    *,
    whole=False,
    pairs=False,
    feature=None,
    state=None,
    workers=None,
) -> Plan:
    """How many examples may be captured at a time: from the shapes of what one example needs, without computing it.

    whole: room for the whole gradient of every row; pairs: for its captured arrays and one parameter's gradient;
        otherwise a row beyond the tile that is worked on only has its feature.
    """
    example = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((1, *np.shape(leaf)[1:]), jnp.asarray(leaf[:1]).dtype), examples
    )

    available, n = current(), len(examples.inputs)
    memory = available.memory or memory
    args = {"apply": model.apply, "tapped": model.tapped, "layers": tuple(model.layers.items()), "output": output}
    alive, extra = _needed.eval_shape(model.params, model.frozen, example, state, feature=feature, **args)
    sizes = [4 * math.prod(shape) for shape in shapes(model.params).values()]
    in_tile = ALIVE * _bytes(alive) + max(sizes)
    in_row = _bytes(extra) + (sum(sizes) if whole else 0) + (_bytes(alive) + max(sizes) if pairs else 0)
    if in_tile + in_row > memory:
        raise ValueError(
            f"one example needs about {(in_tile + in_row) / 1e6:.1f} MB of memory, "
            f"the budget leaves {memory / 1e6:.1f} MB: raise it"
        )
    apart = len(available.devices) or 1  # each has the whole memory
    at_once = max(min(workers or available.threads // apart, int(memory // (2 * in_tile + in_row))), 1)
    share, workers = memory / at_once, at_once if workers else at_once * apart * available.processes
    tile = max(TILE // max(map(_bytes, jax.tree.leaves(alive))), 1)
    tile = max(min(int(share // 2 // in_tile), tile, LARGEST), 1)
    tiles = max(min(int((share - tile * in_tile) // max(in_row * tile, 1)), LARGEST // tile), 1)
    if workers == 1 and tile * tiles >= n:  # everything in one group of equal tiles
        tiles = -(-n // tile)
        rows = tiles * -(-n // tiles)
        return Plan(rows, rows, -(-n // tiles), 1)
    if n <= tile * workers:  # a small set: equal parts, in eights so that sets of like size share a compilation
        tile, tiles = max(min(-(-n // (8 * workers)) * 8, tile), 1), 1
    group = tile * min(tiles, max(-(-n // (tile * workers)), 1))
    groups = -(-n // (group * workers)) if pairs else 1  # of one worker
    return Plan(group * -(-groups // -(-groups // GROUPS)), group, tile, at_once)


def check(model, *sets: Examples) -> None:
    """Raises ValueError for a model that cannot be captured and for a set without examples."""
    require_capture(model)
    for name, examples in zip(("training", "query") if len(sets) > 1 else ("given",), sets, strict=True):
        if not len(examples.inputs):
            raise ValueError(f"the {name} set is empty: there is no gradient to take")


def finite(good: np.ndarray, name: str, offset: int = 0) -> None:
    """Raises ValueError that names the first example whose gradient is not finite."""
    if not good.all():
        raise ValueError(
            f"the gradient of example {offset + int(np.argmin(good))} of the {name} set is not finite: look at its "
            "input and target, or at the parameters if it is the first"
        )


def captured_factors(params, frozen, examples, tapped, layers, output):
    """(factors of every parameter, shapes of all) of a tile, for use inside jit. layers: the items of Model.layers."""
    layers = dict(layers)
    return factors(layers, params, captured(tapped, layers, params, frozen, output, examples)), shapes(params)


def _squares(gradient_factors, table, state):
    return squares(gradient_factors, table)[:, None]


def _bytes(tree) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _tiled(function: Callable, examples: Examples, tile: int):
    """function(examples) tile by tile; every output has the examples' leading axis.

    An array that is several outputs, such as what q, k and v all read, is put together once.
    """
    rows = len(examples.inputs)
    if rows == tile:
        return function(examples)
    structure, places = None, []

    def distinct(examples):
        nonlocal structure, places
        leaves, structure = jax.tree.flatten(function(examples))
        unique = {id(leaf): leaf for leaf in leaves}
        numbers = dict(zip(unique, range(len(unique)), strict=True))
        places = [numbers[id(leaf)] for leaf in leaves]
        return list(unique.values())

    tiles = jax.tree.map(lambda leaf: leaf.reshape(-1, tile, *leaf.shape[1:]), examples)
    whole = [leaf.reshape(rows, *leaf.shape[2:]) for leaf in jax.lax.map(distinct, tiles)]
    return jax.tree.unflatten(structure, [whole[i] for i in places])


@partial(jit, static_argnames=("apply", "tapped", "layers", "output", "feature"))
def _needed(params, frozen, example, state, *, apply, tapped, layers, output, feature):
    """What is alive for one example, only ever asked for its shapes: (captured pairs and outputs, features)."""
    pairs = captured(tapped, dict(layers), params, frozen, output, example)
    extra = feature(factors(dict(layers), params, pairs), shapes(params), state) if feature else 0
    return (pairs, apply(params, frozen, example.inputs)), extra


@partial(jit, static_argnames=("tapped", "layers", "output", "n", "tile"))
def _routed(params, frozen, query, *, tapped, layers, output, n, tile):
    def routed(examples):
        gradients, table = captured_factors(params, frozen, examples, tapped, layers, output)
        return {name: route(gradients[name], shape, n=n, m=len(query.inputs)) for name, shape in table.items()}

    return _tiled(routed, query, tile)


@partial(jit, static_argnames=("tapped", "layers", "output", "group", "tile"))
def _products(params, frozen, routed, examples, *, tapped, layers, output, group, tile):
    def gradients(examples):
        return captured_factors(params, frozen, examples, tapped, layers, output)[0]

    def of_group(examples):
        return products(_tiled(gradients, examples, tile), routed, shapes(params))

    return _tiled(of_group, examples, group)


@partial(jit, static_argnames=("tapped", "layers", "output", "feature", "tile"))
def _features(params, frozen, state, examples, *, tapped, layers, output, feature, tile):
    def rows(examples):
        return feature(*captured_factors(params, frozen, examples, tapped, layers, output), state)

    return _tiled(rows, examples, tile)
