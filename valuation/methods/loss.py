"""How well a fit with the tangent kernel explains a contributor's own targets: a term of the mixture score."""

import numpy as np
from jaxtyping import Float

from valuation.methods.score_terms import kernel_terms
from valuation.problem import Problem


def loss_only(problem: Problem, *, output: str = "target", ridge: float = 1e-3) -> Float[np.ndarray, " C"]:
    """The loss term alone; options as in score_terms.terms."""
    return -np.array([kernel_terms(problem, c, output=output, ridge=ridge).loss for c in problem.contributors])
