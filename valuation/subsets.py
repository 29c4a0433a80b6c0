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
from valuation.methods.ngram import output_width
from valuation.methods.surrogate import picked
from valuation.problem import Problem
from valuation.union_counts import counted
from valuation.union_fits import gaussian_exact, gaussian_inducing, of_classes, of_numbers, shared_rows, tangent_exact
from valuation.unions import Evaluate, Layout, remembered

EXACT = 12_000  # examples of all contributors together that are fitted exactly, with a Gaussian kernel
POINTS = 1024  # inducing points of more: a million rows take a minute on two cores
TANGENT = 4096  # examples of all contributors together whose tangent kernel is formed


def evaluator(
    problem: Problem,
    blocks: Layout,
    *,
    base: int = 0,
    exact: int = EXACT,
    points: int = POINTS,
    inducing: Float[np.ndarray, "m d"] | None = None,
    ridge: float | None = None,
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
    Raises ValueError, which says what to do, for a surrogate whose unions cannot be fitted.
    """
    problem = problem._replace(shared=None)  # what is made of blocks would only fill it
    pick, kind = picked(problem.learner, problem.objective.kind), problem.objective.kind
    options, examples = METHODS[pick.name].defaults(), int(blocks.counts.sum())
    options |= {"ridge": ridge} if ridge is not None else {}
    if pick.name == "ngram_utility":
        return remembered(counted(problem, blocks, output_width(problem), order=options["order"]))
    if pick.name.startswith("ntk"):
        if kind == "sequences" or examples > TANGENT:
            raise ValueError(
                f"unions of parts have no tangent kernel of {problem.learner} {kind} with {examples} examples: it is "
                f"formed for classes and numbers and up to {TANGENT} examples. Give fewer, or set Problem.learner to "
                f"{'sequences' if kind == 'sequences' else 'dense'}"
            )
        predict = tangent_exact(problem, blocks, ridge=options["ridge"])
    elif examples <= exact:
        predict = gaussian_exact(problem, blocks, ridge=options["ridge"], bandwidth=options["bandwidth"])
    else:
        chosen = shared_rows(problem, points=points, base=base) if inducing is None else inducing
        predict = gaussian_inducing(
            problem, blocks, ridge=options["ridge"], bandwidth=options["bandwidth"], chosen=chosen
        )
    if kind == "classification":
        return remembered(of_classes(problem, blocks, predict, smoothing=options["smoothing"]))
    return remembered(of_numbers(problem, blocks, predict))
