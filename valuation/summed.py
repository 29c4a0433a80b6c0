"""Sums over many examples of what their captured gradients give, such as covariances: nothing is kept of an example."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from jaxtyping import Float

from valuation.examples import Examples
from valuation.precise import jit
from valuation.stream import MEMORY, captured_factors, check, chunk, plan
from valuation.workers import map_chunks, progress_over


def summed(
    model,
    output: Callable,
    examples: Examples,
    weights: Float[np.ndarray, " n"],
    add: Callable,
    start,
    state,
    *,
    memory: int = MEMORY,
    progress: Callable | None = None,
):
    """A sum over examples that needs no row an example: the tree `start` after add(...) for chunk after chunk.

    weights: of the examples; 0 counts nothing, as what fills up a chunk. add: (total, factors, weights (b,), state) ->
    the total with these examples, a module-level function. start: a tree of zeros. state: what else it reads.
    The result is float64 on the host, from float32 sums of a chunk. Arguments and errors as in gradient_products.
    """
    check(model, examples)
    chosen, n = plan(model, output, examples, memory), len(examples.inputs)
    args = {"tapped": model.tapped, "layers": tuple(model.layers.items()), "output": output, "add": add}
    step, count = partial(_summed, tile=chosen.tile, **args), -(-n // chosen.rows)
    filled = np.pad(np.asarray(weights, np.float32), (0, count * chosen.rows - n))
    progress = progress or progress_over(n)
    parts = map_chunks(
        step,
        (model.params, model.frozen, start, state),
        lambda i: (chunk(examples, chosen.rows, i), chunk(filled, chosen.rows, i)),
        count,
        threads=chosen.workers,
    )
    total = jax.tree.map(lambda leaf: np.zeros(leaf.shape), start)
    for i, part in enumerate(parts):
        total = jax.tree.map(np.add, total, part)
        if progress is not None:
            progress(min(chosen.rows, n - i * chosen.rows))
    return total


@partial(jit, static_argnames=("tapped", "layers", "output", "add", "tile"))
def _summed(params, frozen, start, state, examples, weights, *, tapped, layers, output, add, tile):
    def body(total, part):
        examples, weights = part
        gradients, _ = captured_factors(params, frozen, examples, tapped, layers, output)
        return add(total, gradients, weights, state), None

    tiles = jax.tree.map(lambda leaf: leaf.reshape(-1, tile, *leaf.shape[1:]), (examples, weights))
    return jax.lax.scan(body, start, tiles)[0]
