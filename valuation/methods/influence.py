"""Influence functions (Koh and Liang, ICML 2017) with the Gauss-Newton matrix, by conjugate gradients.

influence(i, j) = g_j' (H + lambda I)^-1 g_i,   H = mean over training of J' (d2 loss / d output2) J,
lambda = damping * tr(H) / p, the trace from random signs
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from valuation.aggregate import by_contributor, trained, union_examples
from valuation.examples import Examples
from valuation.factors import shapes, unravelled
from valuation.mean_gradients import mean_gradient, mean_over, rows_that_fit, weighted
from valuation.precise import jit
from valuation.problem import Problem
from valuation.purposes import Purpose, purpose_key
from valuation.solve import Solution, conjugate_gradients
from valuation.stream import MEMORY, directed


def scores(
    model,
    output: Callable,
    train: Examples,
    query: Float[np.ndarray, "m p"],
    key: jax.Array,
    *,
    damping: float = 0.1,
    tolerance: float = 1e-3,
    iterations: int = 100,
    memory: int = MEMORY,
) -> tuple[Float[np.ndarray, "n m"], Solution]:
    """(influence of every training example on each query direction, the solve that gave it); higher = it helps more.

    model: at the params of interest. output: minus the loss, (outputs, examples) -> (n,), a module-level function.
    train: n examples. query: gradients of what is to grow, flat as by ravel_pytree; one solve for each, so pass
        the mean over a validation set where only that matters.
    key: of the random signs that estimate tr(H). damping: lambda over the mean eigenvalue of H. tolerance, iterations:
        of solve.conjugate_gradients. memory: bytes of a chunk of gradients.
    O(m n) passes for each of the solver's iterations; they are reported with the residual that was reached.
    """
    product = gauss_newton(model, output, train)
    p = query.shape[1]
    probes = np.asarray(jax.random.rademacher(key, (3, p), np.float32))
    mean_eigenvalue = max(float(np.mean([probe @ product(probe) / p for probe in probes])), 0.0)
    shift = damping * mean_eigenvalue or 1.0  # without any curvature the order is that of the gradients

    def shifted(v):
        return np.stack([product(column) for column in v.T], 1) + shift * v

    solution = conjugate_gradients(shifted, query.T, tolerance=tolerance, iterations=iterations, least=shift)
    directions = unravelled(solution.x.T.astype(np.float32), shapes(model.params))
    return directed(model, output, train, directions, memory=memory), solution


def gauss_newton(model, output: Callable, train: Examples) -> Callable:
    """v (p,) -> H v, chunk by chunk: one jvp to the outputs, the loss's Hessian there, and one vjp back."""
    flat, unravel = jax.flatten_util.ravel_pytree(model.params)
    step, alike = partial(_gauss_newton, apply=model.apply, output=output), np.ones(len(train.inputs))
    fitting = max(rows_that_fit(model, output, train) // 2, 1)  # every number has a tangent too

    def product(v: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
        shared = (model.params, model.frozen, unravel(jnp.asarray(v, flat.dtype)))
        return mean_over(step, shared, train, alike, fitting)

    return product


def influence(
    problem: Problem, *, damping: float = 0.1, reduction: str = "mean", memory: int = MEMORY
) -> Float[np.ndarray, " C"]:
    """Influence on the mean validation loss at the last checkpoint; higher = more useful.

    Uses validation targets and one solve in all. damping: as in `scores`. reduction: as in aggregate.by_contributor.
    memory: bytes of a chunk of gradients. ValueError without checkpoints.
    """
    model, _ = trained(problem)[-1]
    minus_loss = problem.objective.minus_loss
    train, group_rows = union_examples(problem)
    weights, key = problem.objective.weights(problem.validation), purpose_key(problem.key, Purpose.INFLUENCE)
    query = mean_gradient(model, minus_loss, problem.validation, weights)
    pairs, _ = scores(model, minus_loss, train, query[None], key, damping=damping, memory=memory)
    return by_contributor(pairs, group_rows, reduction, np.ones(1))


@partial(jit, static_argnames=("apply", "output"))
def _gauss_newton(params, frozen, tangent, examples, weights, *, apply, output):
    def forward(params):
        return apply(params, frozen, examples.inputs)

    def loss(outputs):
        return -weighted(output(outputs, examples), weights)

    outputs, moved = jax.jvp(forward, (params,), (tangent,))
    _, curved = jax.jvp(jax.grad(loss), (outputs,), (moved,))
    return jax.flatten_util.ravel_pytree(jax.vjp(forward, params)[1](curved)[0])[0]
