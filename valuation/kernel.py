"""The neural tangent kernel at given parameters, from captured pairs instead of Jacobians (theory/README.md, 3.1)."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from jaxtyping import Array, Float

from valuation.examples import Examples
from valuation.factors import factors, products, route, shapes
from valuation.gradients import Captured, captured, require_capture
from valuation.outputs import log_likelihood, true_class
from valuation.precise import jit
from valuation.stream import MEMORY, chunk, gradient_products
from valuation.workers import current, map_chunks, on_host

ROWS = 256  # rows are padded to a multiple of this, so that sets of many sizes share a few compilations


def gram(
    model, inputs, labels, *, output: Callable = true_class, inputs_b=None, labels_b=None
) -> Float[np.ndarray, "n m"]:
    """Theta(a, b) = <grad o(a), grad o(b)> over model.params, float32, for the scalar output o of each example.

    model: a models.functional.Model at the params of interest.
    inputs (n, ...), labels (n,); inputs_b (m, ...), labels_b (m,) default to the same, which saves a pass. Labels may
        be None where o does not use them.
    output: o, (outputs (n, c), examples) -> (n,), a module-level function such as those of outputs.py; by default
        that of DAVINZ's authors.
    O(n m sum_l (k_l + d_l)) for dense layers without positions; no n x p matrix is formed for them, and none of more
    than MEMORY bytes for any.
    """
    require_capture(model)
    m = len(inputs) if inputs_b is None else len(inputs_b)
    if 4 * (len(inputs) + m) * sum(leaf.size for leaf in jax.tree.leaves(model.params)) > MEMORY:
        sides = [Examples(*_labelled(x, y)) for x, y in ((inputs, labels), (inputs_b, labels_b)) if x is not None]
        return gradient_products(model, output, sides[0], sides[-1], memory=MEMORY)
    layers = tuple(model.layers.items())
    first = _padded(inputs, labels)
    second = None if inputs_b is None else _padded(inputs_b, labels_b)
    step = partial(_gram, tapped=model.tapped, layers=layers, output=output)
    workers = current()
    share = -(-len(first.inputs) // (workers.processes * (len(workers.devices) or 1)))
    if share == len(first.inputs):
        theta = on_host(step(model.params, model.frozen, first, second))
    else:  # rows of the kernel
        shared = (model.params, model.frozen, first if second is None else second)
        count = -(-len(first.inputs) // share)
        parts = map_chunks(partial(_gram_rows, step), shared, lambda i: (chunk(first, share, i),), count, threads=1)
        theta = np.concatenate(list(parts))
    return theta[: len(inputs), :m]  # sliced on the host: on the device every size is a compilation


def outputs(model, inputs) -> Float[np.ndarray, "n ..."]:
    """The model's outputs, computed a few rows at a time: one compilation whatever n is."""
    padded = _padded(inputs, None).inputs
    step, shared = partial(_outputs, apply=model.apply), (model.params, model.frozen)
    parts = map_chunks(step, shared, lambda i: (chunk(padded, ROWS, i),), len(padded) // ROWS, threads=1)
    return np.concatenate(list(parts))[: len(inputs)]


def likelihoods(
    model, examples: Examples, *, output: Callable = log_likelihood, rows: int = ROWS
) -> Float[np.ndarray, " n"]:
    """The scalar output of every example, by default log p of its targets, the mean over target tokens, in nats.

    model: a models.functional.Model. output: (outputs (n, ...), examples) -> (n,), a module-level function such as
        those of outputs.py.
    `rows` at a time, or as many as the memory of current() and MEMORY hold the outputs of, and two arrays like these.
    """
    one = jax.eval_shape(model.apply, model.params, model.frozen, examples.inputs[:1])
    rows = max(min(rows, (current().memory or MEMORY) // (3 * one.size * one.dtype.itemsize)), 1)
    padded = filled(examples, rows)
    parts = (
        _scalars(model.params, model.frozen, padded.take(slice(i, i + rows)), apply=model.apply, output=output)
        for i in range(0, len(padded.inputs), rows)
    )
    return np.concatenate([on_host(part) for part in parts])[: len(examples.inputs)]


def filled(examples: Examples, rows: int = ROWS) -> Examples:
    """The examples, filled up with zeros to a multiple of `rows`; those have no target tokens where there is a mask."""
    extra = -len(examples.inputs) % rows
    return jax.tree.map(lambda leaf: np.pad(leaf, [(0, extra)] + [(0, 0)] * (np.ndim(leaf) - 1)), examples)


@partial(jit, static_argnames=("apply", "output"))
def _scalars(params, frozen, examples, *, apply, output):
    return output(apply(params, frozen, examples.inputs), examples)


@partial(jit, static_argnames=("apply",))
def _outputs(params, frozen, inputs, *, apply):
    return apply(params, frozen, inputs)


def _gram_rows(step, params, frozen, second, first):
    return step(params, frozen, first, second)


@partial(jit, static_argnames=("tapped", "layers", "output"))
def _gram(params, frozen, first, second, *, tapped, layers, output):
    layers = dict(layers)
    a = captured(tapped, layers, params, frozen, output, first)
    b = a if second is None else captured(tapped, layers, params, frozen, output, second)
    return captured_gram(layers, params, a, b)


def captured_gram(layers: dict, params, a: Captured, b: Captured) -> Float[Array, "n m"]:
    """Inner products of the parameter gradients that two captures stand for, summed over the parameters."""
    table = shapes(params)
    first, second = (factors(layers, params, side) for side in (a, b))
    n, m = (len(next(iter(side.gradients.values()))) for side in (a, b))
    return products(first, {name: route(second[name], shape, n=n, m=m) for name, shape in table.items()}, table)


def _labelled(inputs, labels):
    return np.asarray(inputs), np.zeros(len(inputs), np.int32) if labels is None else np.asarray(labels)


def _padded(inputs, labels) -> Examples:
    return filled(Examples(*_labelled(inputs, labels)))
