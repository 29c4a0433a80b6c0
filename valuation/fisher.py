"""The examples of which a Fisher matrix is made: inputs that there are, targets that the model itself would say."""

import math
from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from valuation.examples import Examples
from valuation.stream import MEMORY, chunk
from valuation.workers import current, map_chunks

LEAST = 512  # examples: a mean of squares is then known to 1/16 of itself
ROWS = 256  # of a chunk


def fisher_examples(model, sample: Callable, examples: Examples, key: jax.Array, *, vectors: int) -> Examples:
    """Some of the examples, with targets that are drawn from the model's outputs.

    model: at the parameters of interest. sample: (outputs, uniform numbers) -> targets, such as Objective.sampled.
    key: draws which examples, and their targets. vectors: how many inputs a layer has in all of them, one of an example
    and as many as targets of a sequence; LEAST examples at least, and no more than there are.
    """
    tokens = math.prod(np.shape(examples.targets)[1:])
    for_rows, for_targets = jax.random.split(key)
    n = len(examples.inputs)
    count = min(max(vectors // tokens, LEAST), n)
    chosen = np.arange(n) if count == n else np.sort(np.asarray(jax.random.permutation(for_rows, n)[:count]))
    some = examples.take(chosen)
    return some._replace(targets=sampled_targets(model, sample, some, for_targets))


def sampled_targets(model, sample: Callable, examples: Examples, key: jax.Array) -> np.ndarray:
    """Targets for all of the examples; arguments as above.

    A token's number depends on its place and not on how long sequences are, so that padding changes nothing.
    """
    n, shape = len(examples.inputs), np.shape(examples.targets)[1:]
    uniform = np.moveaxis(np.asarray(jax.random.uniform(key, (*shape, n))), -1, 0)
    one = jax.eval_shape(model.apply, model.params, model.frozen, examples.inputs[:1])
    fitting = (current().memory or MEMORY) // (4 * one.size * one.dtype.itemsize)
    rows = max(min(ROWS, fitting, n), 1)
    step = partial(_sampled, apply=model.apply, sample=sample)
    parts = map_chunks(
        step, (model.params, model.frozen), lambda i: (chunk(examples.inputs, rows, i), chunk(uniform, rows, i)),
        -(-n // rows), threads=1,
    )  # fmt: skip
    return np.concatenate(list(parts))[:n]


@partial(jax.jit, static_argnames=("apply", "sample"))
def _sampled(params, frozen, inputs, uniform, *, apply, sample):
    return sample(apply(params, frozen, inputs), uniform)
