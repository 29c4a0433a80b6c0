"""Banzhaf values of contributors (Wang and Jia, "Data Banzhaf", AISTATS 2023), under the problem's surrogate."""

import numpy as np
from jaxtyping import Float

from valuation import coalitions
from valuation.coalitions import Estimate
from valuation.methods.union_game import POINTS, estimate
from valuation.problem import Problem
from valuation.purposes import Purpose
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
    exact, sampled, purpose = coalitions.banzhaf_of, coalitions.banzhaf, Purpose.BANZHAF
    return estimate(problem, exact, sampled, purpose, pairs=pairs, points=points, surrogate=surrogate)
