"""The default: a model of the learner's own kind, fitted in closed form or counted (theory/README.md, 3.4).

Which one follows from the kinds of learner and objective, and from nothing that a truth says.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from valuation.methods.ngram import ngram_utility
from valuation.methods.ntk import ntk_relative, ntk_utility
from valuation.methods.rbf import rbf_relative, rbf_wide
from valuation.needs import Estimate, Needs, Sizes, counts, gaussian, tangent_solve
from valuation.problem import Problem, check_learner


class Pick(NamedTuple):
    """A method: its name in METHODS, its function, what it takes of a machine, and in words why it is picked."""

    name: str
    values: Callable[[Problem], np.ndarray]
    needs: Estimate
    why: str


_RBF = "a dense network on a vector learns smooth functions of it, as a Gaussian kernel does"
_WIDE = "a dense network learns of noisy numbers first what changes slowly, as a wide Gaussian kernel does"
_NTK = "a convolutional network sees images through its own tangent kernel"
_COUNTS = "a model of sequences that begins from nothing learns first which tokens follow each other"
_COUNTS_TOO = (
    "a pretrained model that is adapted a little learns first how answers look, which counts see; as good as nearest "
    "neighbours of its states on a development draw, and a thousandth of their cost"
)
_ADAPTED = (
    "a pretrained model that is adapted a little should learn what its tangent kernel fits; no run of ours has tested "
    "that, so trust its order less"
)

RULE: dict[str, dict[str, Pick]] = {  # kind of learner -> kind of objective -> what stands for it
    "dense": {
        "classification": Pick("rbf_relative", rbf_relative, gaussian, _RBF),
        "regression": Pick("rbf_wide", rbf_wide, gaussian, _WIDE),
    },
    "convolutional": {
        "classification": Pick("ntk_relative", ntk_relative, tangent_solve, _NTK),
        "regression": Pick("ntk_utility", ntk_utility, tangent_solve, _NTK),
    },
    "sequences": {"sequences": Pick("ngram_utility", ngram_utility, counts, _COUNTS)},
    "pretrained": {
        "classification": Pick("ntk_relative", ntk_relative, tangent_solve, _ADAPTED),
        "regression": Pick("ntk_utility", ntk_utility, tangent_solve, _ADAPTED),
        "sequences": Pick("ngram_utility", ngram_utility, counts, _COUNTS_TOO),
    },
}


def surrogate(problem: Problem) -> Float[np.ndarray, " C"]:
    """The values of the method that `picked` names for the problem's learner and objective, with its defaults."""
    return picked(problem.learner, problem.objective.kind).values(problem)


def surrogate_needs(s: Sizes) -> Needs:
    """What that method takes."""
    return picked(s.learner, s.kind).needs(s)


def picked(learner: str, kind: str) -> Pick:
    """What stands for a kind of learner with a kind of objective.

    Raises ValueError for a learner of an unknown kind and for one that does not learn such an objective, and says which
    surrogates there are.
    """
    check_learner(learner)
    if kind in RULE[learner]:
        return RULE[learner][kind]
    others = ", ".join(f"{name} ({picks[kind].name})" for name, picks in RULE.items() if kind in picks)
    raise ValueError(
        f"there is no surrogate of a {learner} learner for {kind}, only for {', '.join(RULE[learner])}; for {kind} "
        f"there are those of the learners {others}: set Problem.learner"
    )
