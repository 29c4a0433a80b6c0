"""TracIn (Pruthi et al., "Estimating Training Data Influence by Tracing Gradient Descent", NeurIPS 2020)."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from valuation.aggregate import by_contributor, trained, union_examples
from valuation.outputs import log_likelihood
from valuation.problem import Examples, Problem
from valuation.stream import MEMORY, gradient_products


def scores(
    models: list[tuple], output: Callable, train: Examples, query: Examples, *, memory: int = MEMORY, progress=None
) -> Float[np.ndarray, "n m"]:
    """sum over checkpoints of eta <grad l(train_i), grad l(query_j)>, all parameters; higher = the example helps more.

    models: (model, learning rate) of each checkpoint. output: the loss l or minus it, which is the same.
    Unit: loss (nats) by which a step on example i lowers that of query j. O(n m p) at worst, one pass a checkpoint.
    """
    return sum(
        rate * gradient_products(model, output, train, query, memory=memory, progress=progress)
        for model, rate in models
    )


def tracin(problem: Problem, *, reduction: str = "mean", memory: int = MEMORY) -> Float[np.ndarray, " C"]:
    """The scores' mean over validation examples, `mean` or `sum` over a contributor's own; higher = more useful.

    Uses validation labels and checkpoints of one model trained on the union. ValueError if there are none.
    """
    models = trained(problem)
    train, rows = union_examples(problem)
    return by_contributor(scores(models, log_likelihood, train, problem.validation, memory=memory), rows, reduction)
