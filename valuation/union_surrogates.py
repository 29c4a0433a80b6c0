"""A surrogate by its name, fitted on any weighted unions of blocks: which fits and scores belong to which name.

It imports no method, so that methods may value their contributors by it; subsets.py fills in what a problem's own
surrogate and its options are.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from valuation.at_initialisation import contributor_targets
from valuation.problem import Problem, output_width
from valuation.union_counts import counted
from valuation.union_fits import Predict, gaussian_exact, gaussian_inducing, of_classes, of_numbers, tangent_exact
from valuation.unions import Evaluate, Layout, remembered

TANGENT = 8192  # examples of all contributors together whose tangent kernel is formed
OWN = ""  # the surrogate of the learner
SURROGATES = {  # kind of objective -> the methods that can be fitted on unions; the first of any size
    "classification": ("rbf_relative", "ntk_relative"),
    "regression": ("rbf_wide", "rbf_utility", "ntk_utility"),
    "sequences": ("ngram_utility", "rbf_utility"),
}


def no_unions(name: str, kind: str, examples: int) -> str:
    """Why the method of that name cannot be fitted on unions, and the way out; "" if it can. Nothing is computed.

    kind: of the objective. examples: of all contributors together.
    """
    if not name.startswith("ntk") or examples <= TANGENT:
        return ""
    other = SURROGATES[kind][0]
    return (
        f"{name} cannot be fitted on unions for {kind} with {examples:,} examples in all: their tangent kernel is "
        f"formed up to {TANGENT:,} examples. Give fewer, or take {other}: shapley, banzhaf "
        f"and leave_one_out by their option surrogate={other}, others by Problem.learner = 'dense'"
    )


def fitted_on_unions(
    problem: Problem,
    blocks: Layout,
    name: str,
    options: Mapping[str, Any],
    *,
    exact: int,
    inducing: Callable[[], Float[np.ndarray, "m d"]],
) -> Evaluate:
    """What the method of that name does when fitted on a union of blocks, row by row; a union is fitted once.

    name: "ngram_utility", one of the tangent kernel ("ntk_...") or one of the Gaussian kernel ("rbf_..."). options: all
    of the method's. exact: up to so many examples of all blocks together a Gaussian kernel is fitted exactly; above, by
    the rows that inducing() gives. Raises ValueError, which says what to do, where unions cannot be fitted.
    """
    examples = int(blocks.counts.sum())
    if refusal := no_unions(name, problem.objective.kind, examples):
        raise ValueError(refusal)
    if name == "ngram_utility":
        return remembered(counted(problem, blocks, output_width(problem), order=options["order"]))
    if name.startswith("ntk"):
        predict = tangent_exact(problem, blocks, ridge=options["ridge"])
    elif examples <= exact:
        predict = gaussian_exact(problem, blocks, ridge=options["ridge"], bandwidth=options["bandwidth"])
    else:
        predict = gaussian_inducing(
            problem, blocks, ridge=options["ridge"], bandwidth=options["bandwidth"], chosen=inducing()
        )
    return remembered(_scored(problem, blocks, predict, options))


def utility_of_nobody(problem: Problem, blocks: Layout, name: str, options: Mapping[str, Any]) -> float:
    """What no example at all is worth, in the own unit of the fit of that name: all classes or tokens alike, or what a
    fit takes from its targets beforehand (Objective.centre): the mean number, of sequences no nats at all.

    The mean is that of all contributors' numbers, since a fit on none would know of no number.
    """
    if name == "ngram_utility":
        return -float(np.log(output_width(problem)))
    every = np.concatenate([contributor_targets(problem, one) for one in problem.contributors])
    middle = np.broadcast_to(problem.objective.centre(every), every.shape[1:])
    alike = np.tile(middle, (len(problem.validation.inputs), 1))
    return _scored(problem, blocks, lambda union: alike, options)(np.ones(len(blocks.owner))).utility("own")


def _scored(problem: Problem, blocks: Layout, predict: Predict, options: Mapping[str, Any]) -> Evaluate:
    if problem.objective.kind == "classification":
        return of_classes(problem, blocks, predict, smoothing=options["smoothing"])
    return of_numbers(problem, blocks, predict)
