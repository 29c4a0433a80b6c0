"""Mean gradients of whole sets of examples: one backward pass a chunk, whatever layers the model has.

Sets that differ in size share a few compilations: their last chunk is filled up with examples that weigh nothing.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from valuation.aggregate import trained
from valuation.examples import Examples
from valuation.precise import jit
from valuation.problem import Problem, contributor_examples, once
from valuation.stream import MEMORY, chunk
from valuation.target_positions import at_targets
from valuation.workers import current, map_chunks

ROWS = 256  # of a chunk, where they fit
STEP = 32  # to a multiple of which the rows of a smaller set are filled up


def gradient_products_of_sets(problem: Problem) -> Float[np.ndarray, "C_1 C_1"]:
    """Inner products of the mean gradients of all contributors and, last, of the validation set; float64.

    Gradients are those of minus the loss over all parameters at the last checkpoint. A contributor's examples count
    alike, those of the validation set by Objective.weights. Raises ValueError without checkpoints.
    """
    model, _ = trained(problem)[-1]
    output, validation = problem.objective.minus_loss, problem.validation

    def make():
        sets = [contributor_examples(problem, one) for one in problem.contributors]
        means = [mean_gradient(model, output, one, np.ones(len(one.inputs))) for one in sets]
        means.append(mean_gradient(model, output, validation, problem.objective.weights(validation)))
        rows = np.stack(means).astype(np.float64)
        return rows @ rows.T

    depends = (problem.model, problem.checkpoints, problem.pool, problem.contributors, validation, problem.objective)
    return once(problem, "products of mean gradients", depends, make)


def mean_gradient(
    model, output: Callable, examples: Examples, weights: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " p"]:
    """The weighted mean over examples of the gradient of output(outputs, examples), flat as by ravel_pytree; float32.

    model: at the parameters of interest. output: (outputs, examples) -> (n,), a module-level function.
    weights: >= 0, not all 0. One forward and backward pass over the examples, in chunks of what fits into the memory of
    use_workers, or into stream.MEMORY.
    """
    model, examples = at_targets(model, examples)
    step, fitting = partial(_summed_gradient, apply=model.apply, output=output), rows_that_fit(model, output, examples)
    return mean_over(step, (model.params, model.frozen), examples, weights, fitting).astype(np.float32)


def mean_over(
    step: Callable, shared: tuple, examples: Examples, weights: Float[np.ndarray, " n"], fitting: int
) -> Float[np.ndarray, " p"]:
    """Sum over the examples of what step(*shared, chunk, weights of its rows) sums, over that of weights; float64.

    fitting: rows of a chunk at most.
    """
    n = len(examples.inputs)
    rows = min(ROWS, -(-n // STEP) * STEP, fitting)
    filled = np.pad(weights.astype(np.float32), (0, -n % rows))
    parts = map_chunks(
        step, shared, lambda i: (chunk(examples, rows, i), chunk(filled, rows, i)), -(-n // rows), threads=1
    )
    return sum((part.astype(np.float64) for part in parts), np.zeros(())) / weights.sum()


def rows_that_fit(model, output: Callable, examples: Examples) -> int:
    """How many rows of a gradient's chunk fit into the memory of use_workers, or into stream.MEMORY; at least 1.

    Nothing is computed, and the model may have any layers. A row takes twice what it leaves for the way back, once for
    the gradients that meet it there: the residuals of two examples less those of one.
    """

    def kept(count: int) -> int:
        some = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape[1:]), leaf.dtype), examples)
        residuals = jax.eval_shape(
            partial(_residuals, apply=model.apply, output=output), model.params, model.frozen, some
        )
        return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(residuals))

    return max((current().memory or MEMORY) // max(2 * (kept(2) - kept(1)), 1), 1)


def weighted(values: Float[Array, " n"], weights: Float[Array, " n"]) -> Float[Array, ""]:
    """The sum; what has no weight, as rows that fill up a chunk, may be anything."""
    return jnp.where(weights > 0, weights * values, 0).sum()


def _residuals(params, frozen, examples, *, apply, output):
    return jax.vjp(lambda p: output(apply(p, frozen, examples.inputs), examples), params)[1]


@partial(jit, static_argnames=("apply", "output"))
def _summed_gradient(params, frozen, examples, weights, *, apply, output):
    gradient = jax.grad(lambda p: weighted(output(apply(p, frozen, examples.inputs), examples), weights))
    return jax.flatten_util.ravel_pytree(gradient(params))[0]
