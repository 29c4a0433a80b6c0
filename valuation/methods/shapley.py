"""Shapley values of contributors (Shapley 1953; of data Ghorbani and Zou, ICML 2019), under the problem's surrogate."""

import numpy as np
from jaxtyping import Float

from valuation import coalitions
from valuation.methods.union_game import POINTS, all_utilities, coalition_utility
from valuation.problem import Problem
from valuation.purposes import Purpose, purpose_key


def shapley(problem: Problem, *, pairs: int = 100, points: int = POINTS) -> Float[np.ndarray, " C"]:
    """Mean gain from joining, over all orders of arrival; higher = more useful. They add up to U(all) - U(nobody).

    In the surrogate's own unit; exact up to 12 contributors. pairs: of a random order and its reverse beyond, 2 C fits
    each; coalitions.shapley of union_game.coalition_utility has their standard errors. 0: exact whatever it takes.
    points: as in union_game.coalition_utility. Uses validation targets, trains nothing.
    Raises ValueError for exact values of more than 12 contributors, naming the way out.
    """
    count = len(problem.contributors)
    if count <= coalitions.EXACT:
        return coalitions.shapley_of(all_utilities(problem, points=points))
    key = purpose_key(problem.key, Purpose.SHAPLEY)
    return coalitions.shapley(coalition_utility(problem, points=points), count, pairs=pairs, key=key).values
