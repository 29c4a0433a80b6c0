"""What coalitions of contributors are worth: the problem's surrogate, fitted on all examples of those that take part.

The unit is the surrogate's own, as that of methods/surrogate.py; the values of methods/leave_one_out.py, shapley.py and
banzhaf.py are differences of it.
"""

import numpy as np
from jaxtyping import Float

from valuation.coalitions import Utility, all_masks, evaluate
from valuation.methods.method import options_of
from valuation.methods.surrogate import picked
from valuation.problem import Problem, once
from valuation.union_fits import shared_rows
from valuation.union_surrogates import fitted_on_unions, utility_of_nobody
from valuation.unions import layout

POINTS = 512  # inducing rows that all coalitions share, of all contributors alike: a fit takes milliseconds


def coalition_utility(problem: Problem, *, points: int = POINTS) -> Utility:
    """mask (C,) -> the utility of a fit on all examples of those contributors; one pass over the examples, made once.

    points: inducing rows of a Gaussian kernel, O(points^3) a coalition; all different rows where there are fewer, which
    is exact. Raises ValueError, which says what to do, for a surrogate whose unions cannot be fitted.
    """
    problem = problem._replace(shared=None)  # what is made of the coalitions would only fill it
    pick = picked(problem.learner, problem.objective.kind)
    options, sizes = options_of(pick.values), [len(one.index) for one in problem.contributors]
    blocks = layout(sizes, [[size] for size in sizes], key=None)
    fit = fitted_on_unions(
        problem, blocks, pick.name, options, exact=0, inducing=lambda: shared_rows(problem, points=points, base=None)
    )
    nobody = utility_of_nobody(problem, blocks, options)
    return lambda mask: fit(mask.astype(np.float64)).utility("own") if mask.any() else nobody


def all_utilities(problem: Problem, *, points: int = POINTS) -> Float[np.ndarray, "coalitions"]:
    """The utilities of all 2^C coalitions, in the order of coalitions.all_masks, which says how many C may be."""

    def make():
        masks = all_masks(len(problem.contributors))
        return evaluate(coalition_utility(problem, points=points), masks)

    depends = (problem.model, problem.initial, problem.features, problem.pool, problem.contributors, problem.validation,
               problem.key, problem.objective)  # fmt: skip
    return once(problem, "utilities of coalitions", depends, make, options=(points, problem.learner))
