"""What coalitions of contributors are worth: the problem's surrogate, fitted on all examples of those that take part.

The unit is the surrogate's own, as that of methods/surrogate.py; the values of methods/leave_one_out.py, shapley.py and
banzhaf.py are differences of it. Of sequences it is the n-gram whatever the learner, since tangent kernels of sequences
are not fitted on unions; the option `surrogate` names another one.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from valuation.coalitions import EXACT, Estimate, Utility, all_masks, evaluate
from valuation.methods.method import options_of
from valuation.methods.ngram import ngram_utility
from valuation.methods.ntk import ntk_relative, ntk_utility
from valuation.methods.rbf import rbf_relative, rbf_utility, rbf_wide
from valuation.methods.surrogate import picked
from valuation.problem import Problem, once
from valuation.purposes import Purpose, purpose_key
from valuation.union_fits import shared_rows
from valuation.union_surrogates import OWN, SURROGATES, fitted_on_unions, no_unions, utility_of_nobody
from valuation.unions import layout

POINTS = 512  # inducing rows that all coalitions share, of all contributors alike: a fit takes milliseconds
T = TypeVar("T")
FITTED = {one.__name__: one for one in (rbf_relative, rbf_utility, rbf_wide, ntk_relative, ntk_utility, ngram_utility)}


def surrogate_of(problem: Problem, surrogate: str = OWN) -> str:
    """The name of the method that is fitted on coalitions; "": that of the learner, of sequences the n-gram."""
    if surrogate != OWN:
        return surrogate
    kind = problem.objective.kind
    return "ngram_utility" if kind == "sequences" else picked(problem.learner, kind).name


def no_game(problem: Problem, examples: int, options: Mapping[str, Any]) -> str:
    """Why coalitions cannot be valued, and the way out; "" if they can: Method.unfit of the three methods.

    Before there are contributors, of what does not depend on their number.
    """
    kind, count, given = problem.objective.kind, len(problem.contributors), options["surrogate"]
    if given not in (known := (OWN, *SURROGATES[kind])):
        return f"surrogate = {given!r}: expected {' or '.join(repr(one) for one in known)} for {kind}"
    if (pairs := options.get("pairs", 2)) != 0 and pairs < 2:
        return f"pairs = {pairs}: expected at least 2, of which standard errors can be made, or 0 for exact values"
    if not pairs and count > EXACT:
        return (
            f"exact values of {count} contributors take 2^{count} fits: they are made for up to {EXACT}; give pairs, "
            "at least 2, for sampled values with standard errors"
        )
    if options["points"] < max(count, 1):
        return f"points = {options['points']} for {count} contributors: expected at least one inducing row of each"
    return no_unions(surrogate_of(problem, given), kind, examples)


def coalition_utility(problem: Problem, *, points: int = POINTS, surrogate: str = OWN) -> Utility:
    """mask (C,) -> the utility of a fit on all examples of those contributors; one pass over the examples, made once.

    points: inducing rows of a Gaussian kernel, O(points^3) a coalition; all different rows where there are fewer, which
    is exact. surrogate: a name of union_surrogates.SURROGATES for the objective, with that method's defaults; "":
    `surrogate_of`. Raises ValueError, which says what to do, for a surrogate whose unions cannot be fitted.
    """
    problem = problem._replace(shared=None)  # what is made of the coalitions would only fill it
    name = surrogate_of(problem, surrogate)
    options, sizes = options_of(FITTED[name]), [len(one.index) for one in problem.contributors]
    blocks = layout(sizes, [[size] for size in sizes], key=None)
    fit = fitted_on_unions(
        problem, blocks, name, options, exact=0, inducing=lambda: shared_rows(problem, points=points, base=None)
    )
    nobody = utility_of_nobody(problem, blocks, name, options)
    return lambda mask: fit(mask.astype(np.float64)).utility("own") if mask.any() else nobody


def all_utilities(problem: Problem, *, points: int = POINTS, surrogate: str = OWN) -> Float[np.ndarray, "coalitions"]:
    """The utilities of all 2^C coalitions, in the order of coalitions.all_masks, which says how many C may be."""

    def make() -> Float[np.ndarray, "coalitions"]:
        masks = all_masks(len(problem.contributors))
        return evaluate(coalition_utility(problem, points=points, surrogate=surrogate), masks)

    return of_coalitions(problem, "utilities", make, options=(points, surrogate))


def estimate(
    problem: Problem,
    exact: Callable[[np.ndarray], np.ndarray],
    sampled: Callable[..., Estimate],
    purpose: Purpose,
    *,
    pairs: int,
    points: int,
    surrogate: str,
) -> Estimate:
    """Values of the contributors and their standard errors, (C,) each, computed once; up to coalitions.EXACT of them
    exact, with errors 0.

    exact: utilities of all coalitions -> values. sampled: (utility, C, pairs=, key=) -> values beyond, the key of that
    purpose. The others are as in `coalition_utility`.
    """
    count = len(problem.contributors)
    if count <= EXACT:
        return Estimate(exact(all_utilities(problem, points=points, surrogate=surrogate)), np.zeros(count))

    def make() -> Estimate:
        utility = coalition_utility(problem, points=points, surrogate=surrogate)
        return sampled(utility, count, pairs=pairs, key=purpose_key(problem.key, purpose))

    return of_coalitions(problem, purpose.name, make, options=(pairs, points, surrogate))


def of_coalitions(problem: Problem, what: str, make: Callable[[], T], *, options: tuple) -> T:
    """The result of make(), which reads all of the problem but what trains, computed once."""
    depends = (problem.model, problem.initial, problem.features, problem.pool, problem.contributors, problem.validation,
               problem.key, problem.objective)  # fmt: skip
    return once(problem, f"{what} of coalitions", depends, make, options=(*options, problem.learner))
