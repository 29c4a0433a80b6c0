"""From scores of pairs of examples to values of contributors: the one place where that is decided."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from valuation.examples import Examples
from valuation.objective import pooled
from valuation.problem import Contributor, Problem, contributor_examples

REDUCTIONS = ("mean", "sum")


def union_examples(problem: Problem) -> tuple[Examples, list[Int[np.ndarray, " n"]]]:
    """Every distinct (row of the pool, target) of the contributors once, and the rows of each contributor among them.

    A contributor's rows are in the order of its examples, with repeats.
    """
    union, group_rows = union_contributor(problem)
    return contributor_examples(problem, union), group_rows


def union_contributor(problem: Problem) -> tuple[Contributor, list[Int[np.ndarray, " n"]]]:
    """The same as one contributor, "all contributors"; what two hold is real where the first of them says so."""
    parts = [one[1:] for one in problem.contributors]
    every = Contributor("all contributors", *jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts))
    table = np.column_stack([every.index, every.targets.reshape(len(every.index), -1)])
    _, first, where = np.unique(table, axis=0, return_index=True, return_inverse=True)
    ends = np.cumsum([len(c.index) for c in problem.contributors])[:-1]
    union = Contributor(every.name, *jax.tree.map(lambda leaf: leaf[first], tuple(every[1:])))
    return union, np.split(where.reshape(-1), ends)


def by_contributor(
    scores: Float[np.ndarray, "n m"],
    group_rows: list[np.ndarray],
    reduction: str,
    weights: Float[np.ndarray, " m"],
) -> Float[np.ndarray, " C"]:
    """Values of contributors from scores of pairs: the mean over m queries, then over or of a contributor's rows.

    scores: of n examples for m queries, higher = the example helps the query more.
    group_rows: each contributor's rows among the n, with repeats, as union_examples gives them.
    reduction: "mean" answers how good its examples are (truth: trained on alone, at equal sizes), "sum" how much it
        adds to the union (truth: leave one contributor out).
    weights: of the queries in that mean, such as Objective.weights of the validation set.
    Raises ValueError for another reduction.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction {reduction!r} is unknown: expected one of {', '.join(REDUCTIONS)}")
    mean = pooled(scores, weights)
    return np.array([getattr(mean[rows], reduction)() for rows in group_rows])


def trained(problem: Problem) -> list[tuple[Any, float]]:
    """(the model at a checkpoint, its learning rate) of every checkpoint; ValueError if the problem has none."""
    if not problem.checkpoints:
        raise ValueError(
            "this method needs checkpoints of a model trained on the union of the contributors, and "
            "Problem.checkpoints is empty"
        )
    return [(problem.model._replace(params=params), float(rate)) for params, rate in problem.checkpoints]
