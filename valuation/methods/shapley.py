"""Shapley values of contributors (Shapley 1953; of data Ghorbani and Zou, ICML 2019), under the problem's surrogate."""

import numpy as np
from jaxtyping import Float

from valuation import coalitions
from valuation.coalitions import Estimate
from valuation.methods.union_game import POINTS, estimate
from valuation.problem import Problem
from valuation.purposes import Purpose
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
    exact, sampled, purpose = coalitions.shapley_of, coalitions.shapley, Purpose.SHAPLEY
    return estimate(problem, exact, sampled, purpose, pairs=pairs, points=points, surrogate=surrogate)
