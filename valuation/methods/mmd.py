"""How far a contributor is from the validation set, alone and beside its size: two terms of the mixture score."""

import numpy as np
from jaxtyping import Float

from valuation.methods.score_terms import Terms, discrepancy_terms, size_terms
from valuation.methods.score_weights import scale_free_weights, value
from valuation.problem import Problem


def mmd_only(problem: Problem, *, estimator: str = "unbiased", joint: bool = False) -> Float[np.ndarray, " C"]:
    """The discrepancy term alone; options as in score_terms.terms."""
    return -discrepancy_terms(problem, estimator=estimator, joint=joint)


def mmd_size(problem: Problem, *, estimator: str = "unbiased", joint: bool = False) -> Float[np.ndarray, " C"]:
    """The score of its discrepancy and size terms alone, scale-free weights: neither gradients nor labels."""
    distances = discrepancy_terms(problem, estimator=estimator, joint=joint)
    nothing = np.zeros(len(distances))
    costs = Terms(nothing, distances, nothing, size_terms(problem))
    return value(costs, scale_free_weights(costs))
