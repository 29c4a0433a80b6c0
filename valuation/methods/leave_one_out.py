"""What every contributor adds to all the others together, under the problem's surrogate."""

import numpy as np
from jaxtyping import Float

from valuation import coalitions
from valuation.methods.union_game import POINTS, coalition_utility
from valuation.problem import Problem
from valuation.union_surrogates import OWN


def leave_one_out(problem: Problem, *, points: int = POINTS, surrogate: str = OWN) -> Float[np.ndarray, " C"]:
    """U(all) - U(all but c), in the surrogate's own unit; higher = more useful beside all others, 0 = not missed.

    C + 1 fits. points, surrogate: as in union_game.coalition_utility. Uses validation targets, trains nothing.
    """
    utility = coalition_utility(problem, points=points, surrogate=surrogate)
    return coalitions.leave_one_out(utility, len(problem.contributors))
