"""The mixture score: our reconstruction of the paper's retraining-free value (theory/README.md, 3.3).

v(S) = -(w1 residual + w2 discrepancy + w3 kernel + w4 size),   the costs of score_terms.py, weights of score_weights.py
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from valuation.methods.score_terms import Terms, terms
from valuation.methods.score_weights import value
from valuation.problem import Problem


def mixture_score(
    problem: Problem, *, weights: Callable[[Terms], np.ndarray], output: str = "target", scaled: bool = False,
    ridge: float = 1e-3, estimator: str = "unbiased", joint: bool = False,
) -> Float[np.ndarray, " C"]:  # fmt: skip
    """The score with weights(terms), (4,); the other options, and errors, are those of score_terms.terms.

    Higher = better, without a unit. No validation target, no training.
    """
    costs = terms(problem, output=output, scaled=scaled, ridge=ridge, estimator=estimator, joint=joint)
    return value(costs, weights(costs))
