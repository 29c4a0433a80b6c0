"""Banzhaf values of contributors (Wang and Jia, "Data Banzhaf", AISTATS 2023), under the problem's surrogate."""

import numpy as np
from jaxtyping import Float

from valuation import coalitions
from valuation.coalitions import Estimate
from valuation.methods.union_game import POINTS, all_utilities, coalition_utility, of_coalitions
from valuation.problem import Problem
from valuation.purposes import Purpose, purpose_key
from valuation.union_surrogates import OWN


def banzhaf(
    problem: Problem, *, pairs: int = 500, points: int = POINTS, surrogate: str = OWN
) -> Float[np.ndarray, " C"]:
    """Mean gain from joining, over all coalitions of the others alike; higher = more useful.

    In the surrogate's own unit; exact up to 12 contributors. pairs: of a random coalition and its complement beyond, 2
    fits each; 0: exact whatever it takes. points, surrogate: as in union_game.coalition_utility. Uses validation
    targets, trains nothing. Raises ValueError for exact values of more than 12 contributors, naming the way out.
    """
    return banzhaf_estimate(problem, pairs=pairs, points=points, surrogate=surrogate).values


def banzhaf_estimate(problem: Problem, *, pairs: int = 500, points: int = POINTS, surrogate: str = OWN) -> Estimate:
    """The same values with their standard errors, (C,) each; computed once. Arguments and errors as in `banzhaf`."""
    count = len(problem.contributors)
    if count <= coalitions.EXACT:
        values = coalitions.banzhaf_of(all_utilities(problem, points=points, surrogate=surrogate))
        return Estimate(values, np.zeros(count))

    def make() -> Estimate:
        utility = coalition_utility(problem, points=points, surrogate=surrogate)
        key = purpose_key(problem.key, Purpose.BANZHAF)
        return coalitions.banzhaf(utility, count, pairs=pairs, key=key)

    return of_coalitions(problem, "Banzhaf values", make, options=(pairs, points, surrogate))
