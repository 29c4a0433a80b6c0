"""EK-FAC (George et al., NeurIPS 2018; as influence Grosse et al., 2023): influence with corrected Kronecker factors.

    influence(i, j) = sum over blocks of <(F + delta I)^-1 g_j, g_i>

F, its blocks and delta are those of kronecker.py; F comes from targets that the model itself says, the gradients g from
the true ones. A query is turned once; training examples are streamed past it.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from valuation.aggregate import by_contributor, trained, union_examples
from valuation.examples import Examples
from valuation.factors import shapes, unravelled
from valuation.fisher import Fisher, fisher_examples
from valuation.kronecker import curvatures, preconditioned, preconditioned_rows
from valuation.mean_gradients import mean_gradient
from valuation.problem import Problem
from valuation.purposes import Purpose, purpose_key
from valuation.stream import MEMORY, directed, features

VECTORS = 16_384  # layer inputs of which the Fisher matrix is made


def scores(
    model,
    output: Callable,
    train: Examples,
    query: Examples,
    fisher: Fisher,
    *,
    damping: float = 0.1,
    memory: int = MEMORY,
    progress=None,
) -> Float[np.ndarray, "n m"]:
    """The influence of every training example on every query; higher = it helps more. All parameters count.

    model: a models.functional.Model at the parameters of interest. output: minus the loss, (outputs, examples) -> (n,),
        a module-level function. train, query: n and m examples. fisher: of fisher.fisher_examples.
    damping: delta over the mean eigenvalue of a block. memory: bytes of a chunk of gradients, and of the turned queries
        that are held at a time, each such block being a pass over the training examples. progress: as in stream.
    Raises ValueError for a model that cannot be captured, an empty set and a damping that is not positive.
    """
    state, table = curvatures(model, output, fisher, damping=damping, memory=memory), shapes(model.params)
    held = max(int(memory / 2 / (4 * sum(int(np.prod(shape)) for shape in table.values()))), 1)
    parts = []
    for start in range(0, len(query.inputs), held):
        block = query.take(slice(start, start + held))
        turned = np.concatenate(list(features(model, output, block, preconditioned, state, memory=memory)))
        parts.append(directed(model, output, train, unravelled(turned, table), memory=memory, progress=progress))
    return np.concatenate(parts, 1)


def ekfac(
    problem: Problem,
    *,
    damping: float = 0.1,
    vectors: int = VECTORS,
    reduction: str = "mean",
    memory: int = MEMORY,
) -> Float[np.ndarray, " C"]:
    """Influence on the mean validation loss at the last checkpoint; higher = more useful, in no unit of use.

    Uses validation targets. damping: as in `scores`. vectors: as in fisher.fisher_examples. reduction: as in
    aggregate.by_contributor. memory: bytes of a chunk of gradients. ValueError without checkpoints.
    """
    model, _ = trained(problem)[-1]
    objective, key = problem.objective, purpose_key(problem.key, Purpose.EKFAC)
    train, group_rows = union_examples(problem)
    fisher = fisher_examples(model, objective.outcomes, train, key, vectors=vectors)
    state = curvatures(model, objective.minus_loss, fisher, damping=damping, memory=memory)
    weights = objective.weights(problem.validation)
    query = mean_gradient(model, objective.minus_loss, problem.validation, weights)
    turned = np.asarray(preconditioned_rows(model.params, state, query[None]))
    directions = unravelled(turned, shapes(model.params))
    pairs = directed(model, objective.minus_loss, train, directions, memory=memory)
    return by_contributor(pairs, group_rows, reduction, np.ones(1))
