"""From scores of pairs of examples to values of contributors: the one place where that is decided."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from valuation.problem import Examples, Problem

REDUCTIONS = ("mean", "sum")


def union_examples(problem: Problem) -> tuple[Examples, list[np.ndarray]]:
    """Every distinct (row of the pool, label) of the contributors once, and the rows of each contributor among them."""
    index = np.concatenate([c.index for c in problem.contributors])
    targets = np.concatenate([np.asarray(c.targets).reshape(len(c.index), -1) for c in problem.contributors])
    _, first, where = np.unique(np.column_stack([index, targets]), axis=0, return_index=True, return_inverse=True)
    own_targets = np.concatenate([np.asarray(c.targets) for c in problem.contributors])[first]
    ends = np.cumsum([len(c.index) for c in problem.contributors])[:-1]
    return problem.pool.take(index[first])._replace(targets=own_targets), np.split(where.reshape(-1), ends)


def by_contributor(scores: Float[np.ndarray, "n m"], rows: list[np.ndarray], reduction: str) -> Float[np.ndarray, " C"]:
    """Mean over the m queries, then `mean` or `sum` over a contributor's rows (with repeats); higher = more useful.

    `mean` answers how good its examples are (truth: trained on alone, at equal sizes), `sum` how much it adds to the
    union (truth: leave one contributor out).
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction {reduction!r} is unknown: expected one of {', '.join(REDUCTIONS)}")
    mean = np.asarray(scores, np.float64).mean(1)
    return np.array([getattr(mean[rows], reduction)() for rows in group_rows])


def trained(problem: Problem) -> list[tuple[Any, float]]:
    """(the model at a checkpoint, its learning rate) of every checkpoint; ValueError if the problem has none."""
    if not problem.checkpoints:
        raise ValueError(
            "this method needs checkpoints of a model trained on the union of the contributors, and "
            "Problem.checkpoints is empty"
        )
    return [(problem.model._replace(params=params), float(rate)) for params, rate in problem.checkpoints]


def purpose(problem: Problem, number: int) -> jax.Array:
    """The key of one purpose of a method."""
    return jax.random.fold_in(problem.key, number)
