"""How far a contributor is from the validation set, alone and beside its size: two terms of the mixture score."""

import numpy as np
from jaxtyping import Float

from valuation.methods.score_terms import discrepancy_terms, size_terms
from valuation.methods.score_weights import scale_free
from valuation.problem import Problem


def mmd_only(problem: Problem, *, estimator: str = "unbiased", joint: bool = False) -> Float[np.ndarray, " C"]:
    """The discrepancy term alone; options as in score_terms.terms."""
    return -discrepancy_terms(problem, estimator=estimator, joint=joint)


def mmd_size(problem: Problem, *, estimator: str = "unbiased", joint: bool = False) -> Float[np.ndarray, " C"]:
    """The score of its discrepancy and size terms alone, scale-free weights: neither gradients nor labels."""
    return scale_free(discrepancy_terms(problem, estimator=estimator, joint=joint), size_terms(problem))
