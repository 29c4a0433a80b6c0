"""The surrogate of a problem on any weighted unions of its contributors' parts, made once for all of them.

    blocks = layout([len(c.index) for c in problem.contributors], ends, key=key)
    evaluate = evaluator(problem, blocks)
    evaluate(taken(blocks, {0: 500, 1: 250}, {1: 0.1})).utility("metric")

gives what the surrogate of methods/surrogate.py predicts for 500 examples of contributor 0 and 250 of contributor 1,
each of which counts as a tenth of one.
"""

import numpy as np
from jaxtyping import Float

from valuation.methods import METHODS
from valuation.methods.surrogate import picked
from valuation.problem import Problem
from valuation.union_fits import shared_rows
from valuation.union_surrogates import OWN, fitted_on_unions
from valuation.unions import Evaluate, Layout

EXACT = 12_000  # examples of all contributors together that are fitted exactly, with a Gaussian kernel
POINTS = 1024  # inducing points of more: a million rows take a minute on two cores


def evaluator(
    problem: Problem,
    blocks: Layout,
    *,
    base: int = 0,
    exact: int = EXACT,
    points: int = POINTS,
    inducing: Float[np.ndarray, "m d"] | None = None,
    ridge: float | None = None,
    surrogate: str = OWN,
) -> Evaluate:
    """What the problem's surrogate (methods.surrogate.picked) does when fitted on a union of blocks, row by row.

    With weights of 0 and 1 the utility in the surrogate's own unit is, to rounding, the value that the method itself
    gives to a contributor of those examples, where the method is exact too (inducing.EXACT). The metric is that of the
    same fit. A union is fitted once, however often it is asked for.

    blocks: of the problem's contributors, by their numbers. base: the contributor that most unions hold, such as the
    real data. exact: up to so many examples of all blocks together each union is fitted exactly, in 20 bytes times
    their square; above, all unions share `points` inducing rows, of which half and more are of the base, in some
    4 points^2 bytes a block. inducing: these rows, where several evaluators are to share them
    (union_fits.shared_rows); None: chosen here. ridge: of kernel fits, in mean diagonals; None: the method's own.
    surrogate: a name of union_surrogates.SURROGATES for the objective; "": that of the learner.
    Raises ValueError, which says what to do, for a surrogate whose unions cannot be fitted.
    """
    problem = problem._replace(shared=None)  # what is made of blocks would only fill it
    name = surrogate or picked(problem.learner, problem.objective.kind).name
    options = METHODS[name].defaults() | ({"ridge": ridge} if ridge is not None else {})

    def rows() -> Float[np.ndarray, "m d"]:
        return shared_rows(problem, points=points, base=base) if inducing is None else inducing

    return fitted_on_unions(problem, blocks, name, options, exact=exact, inducing=rows)
