"""Banzhaf values of contributors (Wang and Jia, "Data Banzhaf", AISTATS 2023), under the problem's surrogate."""

import numpy as np
from jaxtyping import Float

from valuation import coalitions
from valuation.methods.union_game import POINTS, all_utilities, coalition_utility
from valuation.problem import Problem
from valuation.purposes import Purpose, purpose_key


def banzhaf(problem: Problem, *, pairs: int = 500, points: int = POINTS) -> Float[np.ndarray, " C"]:
    """Mean gain from joining, over all coalitions of the others alike; higher = more useful.

    In the surrogate's own unit; exact up to 12 contributors. pairs: of a random coalition and its complement beyond, 2
    fits each; 0: exact whatever it takes. points: as in union_game.coalition_utility. Uses validation targets, trains
    nothing. Raises ValueError for exact values of more than 12 contributors, naming the way out.
    """
    count = len(problem.contributors)
    if count <= coalitions.EXACT:
        return coalitions.banzhaf_of(all_utilities(problem, points=points))
    key = purpose_key(problem.key, Purpose.BANZHAF)
    return coalitions.banzhaf(coalition_utility(problem, points=points), count, pairs=pairs, key=key).values
