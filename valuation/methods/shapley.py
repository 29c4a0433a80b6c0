"""Shapley values of contributors (Shapley 1953; of data Ghorbani and Zou, ICML 2019), under the problem's surrogate."""

import numpy as np
from jaxtyping import Float

from valuation import coalitions
from valuation.coalitions import Estimate
from valuation.methods.union_game import POINTS, all_utilities, coalition_utility, of_coalitions
from valuation.problem import Problem
from valuation.purposes import Purpose, purpose_key
from valuation.union_surrogates import OWN


def shapley(
    problem: Problem, *, pairs: int = 100, points: int = POINTS, surrogate: str = OWN
) -> Float[np.ndarray, " C"]:
    """Mean gain from joining, over all orders of arrival; higher = more useful. They add up to U(all) - U(nobody).

    In the surrogate's own unit; exact up to 12 contributors. pairs: of a random order and its reverse beyond, 2 C fits
    each; 0: exact whatever it takes. points, surrogate: as in union_game.coalition_utility. Uses validation targets,
    trains nothing. Raises ValueError for exact values of more than 12 contributors, naming the way out.
    """
    return shapley_estimate(problem, pairs=pairs, points=points, surrogate=surrogate).values


def shapley_estimate(problem: Problem, *, pairs: int = 100, points: int = POINTS, surrogate: str = OWN) -> Estimate:
    """The same values with their standard errors, (C,) each; computed once. Arguments and errors as in `shapley`."""
    count = len(problem.contributors)
    if count <= coalitions.EXACT:
        values = coalitions.shapley_of(all_utilities(problem, points=points, surrogate=surrogate))
        return Estimate(values, np.zeros(count))

    def make() -> Estimate:
        utility = coalition_utility(problem, points=points, surrogate=surrogate)
        key = purpose_key(problem.key, Purpose.SHAPLEY)
        return coalitions.shapley(utility, count, pairs=pairs, key=key)

    return of_coalitions(problem, "Shapley values", make, options=(pairs, points, surrogate))
