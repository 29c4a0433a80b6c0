"""The examples of which a Fisher matrix is made: inputs that there are, targets that the model itself would say."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from valuation.examples import Examples
from valuation.precise import jit
from valuation.stream import MEMORY, chunk
from valuation.workers import current, map_chunks

LEAST = 512  # examples: a mean of squares is then known to 1/16 of itself
ROWS = 256  # of a chunk


class Fisher(NamedTuple):
    """Examples with targets that the model may say, and how probable each is; weights add up to the inputs' number.

    A sequence weighs besides as many times more than others as it has more target tokens (theory/README.md, 3.5).
    """

    examples: Examples
    weights: Float[np.ndarray, " n"]


def fisher_examples(model, outcomes: Callable, examples: Examples, key: jax.Array, *, vectors: int) -> Fisher:
    """Some of the examples, each with all targets that `outcomes` names for it.

    model: at the parameters of interest. outcomes: (outputs, uniform numbers) -> (targets (n, r, ...), weights (n, r)),
    a module-level function such as Objective.outcomes. key: draws which examples, and the uniform numbers; a token's
    depends on its place and not on how long sequences are, so that padding changes nothing.
    vectors: how many inputs a layer has in all: one a target, and of a sequence as many as it has tokens. LEAST
    examples at least, and no more than there are.
    """
    for_rows, for_targets = jax.random.split(key)
    n, shape = len(examples.inputs), np.shape(examples.targets)[1:]
    one = jax.eval_shape(model.apply, model.params, model.frozen, examples.inputs[:1])
    _, probable = jax.eval_shape(outcomes, one, jax.ShapeDtypeStruct((1, *shape), np.float32))
    count = min(max(vectors // (math.prod(shape) * probable.shape[1]), LEAST), n)
    chosen = np.arange(n) if count == n else np.sort(np.asarray(jax.random.permutation(for_rows, n)[:count]))
    some = examples.take(chosen)
    uniform = np.moveaxis(np.asarray(jax.random.uniform(for_targets, (*shape, count))), -1, 0)
    fitting = (current().memory or MEMORY) // (4 * one.size * one.dtype.itemsize)
    rows = max(min(ROWS, fitting, count), 1)
    parts = map_chunks(
        partial(_outcomes, apply=model.apply, outcomes=outcomes), (model.params, model.frozen),
        lambda i: (chunk(some.inputs, rows, i), chunk(uniform, rows, i)), -(-count // rows), threads=1,
    )  # fmt: skip
    targets, weights = (np.concatenate(side)[:count] for side in zip(*parts, strict=True))
    tokens = np.ones(some.targets.shape) if some.mask is None else np.asarray(some.mask, bool)
    tokens = tokens.reshape(count, -1).sum(1)
    weights = weights * (tokens / (tokens.mean() or 1))[:, None]
    repeated = some.take(np.repeat(np.arange(count), weights.shape[1]))
    return Fisher(repeated._replace(targets=targets.reshape(-1, *shape)), weights.reshape(-1))


@partial(jit, static_argnames=("apply", "outcomes"))
def _outcomes(params, frozen, inputs, uniform, *, apply, outcomes):
    return outcomes(apply(params, frozen, inputs), uniform)
