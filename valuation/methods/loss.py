"""What a fit with the tangent kernel leaves of a contributor's own targets: a term of the mixture score."""

import numpy as np
from jaxtyping import Float

from valuation.methods.score_terms import kernel_terms
from valuation.problem import Problem


def loss_only(problem: Problem, *, output: str = "target", ridge: float = 1e-3) -> Float[np.ndarray, " C"]:
    """Minus the residual term alone, which says nothing of other data (score_terms.py); options as in its terms."""
    return -np.array([kernel_terms(problem, c, output=output, ridge=ridge).residual for c in problem.contributors])
