"""TracIn (Pruthi et al., "Estimating Training Data Influence by Tracing Gradient Descent", NeurIPS 2020)."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from valuation.aggregate import by_contributor, trained, union_examples
from valuation.examples import Examples
from valuation.problem import Problem
from valuation.stream import MEMORY, gradient_products


def scores(
    models: list[tuple], output: Callable, train: Examples, query: Examples, *, memory: int = MEMORY, progress=None
) -> Float[np.ndarray, "n m"]:
    """sum over checkpoints of eta <grad l(train_i), grad l(query_j)>, all parameters; higher = the example helps more.

    models: (model, learning rate) of each checkpoint. output: the loss l or minus it, which is the same, (outputs,
        examples) -> (n,), a module-level function. train, query: n and m examples.
    memory: bytes of a chunk of gradients. progress: called with the number of examples that have just been done.
    Unit: loss (nats) by which a step on example i lowers that of query j. O(n m p) at worst, one pass a checkpoint.
    """
    return sum(
        rate * gradient_products(model, output, train, query, memory=memory, progress=progress)
        for model, rate in models
    )


def tracin(problem: Problem, *, reduction: str = "mean", memory: int = MEMORY) -> Float[np.ndarray, " C"]:
    """The scores' mean over validation examples, reduced over a contributor's examples; higher = more useful.

    Uses validation targets and checkpoints of one model trained on the union. reduction: as in
    aggregate.by_contributor. memory: bytes of a chunk of gradients. ValueError if there are no checkpoints.
    """
    models = trained(problem)
    train, group_rows = union_examples(problem)
    pairs = scores(models, problem.objective.minus_loss, train, problem.validation, memory=memory)
    return by_contributor(pairs, group_rows, reduction, problem.objective.weights(problem.validation))
