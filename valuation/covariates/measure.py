"""What a measure is: its function, and what reports and pages say of it."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from valuation.problem import Contributor, Problem
from valuation.purposes import Purpose, purpose_key


class Measure(NamedTuple):
    """A measure of contributors, called with a problem.

    name: its key in MEASURES. title: as tables call it. of: problem -> (C,), one number a contributor.
    says: what a high number means, in words. looks_at: what it looks at beside the contributor's own examples.
    objectives: kinds of objectives that it takes; () for all.
    of_items: whether it compares items of inputs, as tokens are, and says nothing of inputs that are real numbers.
    most: examples of a contributor that it looks at, drawn by the problem's key where there are more; None: all.
    """

    name: str
    title: str
    of: Callable[[Problem], np.ndarray]
    says: str
    looks_at: str
    objectives: tuple[str, ...] = ()
    most: int | None = 4096
    of_items: bool = False

    def __call__(self, problem: Problem) -> np.ndarray:
        """One number a contributor, (C,), all finite. It costs no training.

        Raises ValueError for an objective or inputs that the measure does not take, and for what is not finite.
        """
        kind = problem.objective.kind
        if not self.takes(kind):
            raise ValueError(f"{self.name} takes {' or '.join(self.objectives)}, this problem is one of {kind}")
        if not self.reads(problem.pool.inputs):
            raise ValueError(f"{self.name} takes tokens, these inputs are {problem.pool.inputs.dtype} numbers")
        numbers = self.of(sampled(problem, self.most))
        if not np.isfinite(numbers).all():
            first = int(np.argmin(np.isfinite(numbers)))
            raise ValueError(
                f"{self.name} gives {numbers[first]} for {problem.contributors[first].name}: a number on the way to it "
                "exceeds float32, bring inputs and features to a scale near 1"
            )
        return numbers

    def takes(self, kind: str) -> bool:
        """Whether it takes that kind of objective."""
        return not self.objectives or kind in self.objectives

    def reads(self, inputs: np.ndarray) -> bool:
        """Whether it says something of such inputs (n, ...)."""
        return not self.of_items or np.issubdtype(inputs.dtype, np.integer)


def sampled(problem: Problem, most: int | None) -> Problem:
    """The problem with at most so many examples of each contributor, None: all; who has no more is the same object."""
    return problem._replace(contributors=tuple(_cut(problem, one, most) for one in problem.contributors))


def generator(problem: Problem) -> np.random.Generator:
    """What is drawn for a contributor: anew from the same key for each, whatever stands before it."""
    key = purpose_key(problem.key, Purpose.COVARIATES)
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def _cut(problem: Problem, one: Contributor, most: int | None) -> Contributor:
    if most is None or len(one.index) <= most:
        return one
    rows = np.sort(generator(problem).choice(len(one.index), most, replace=False))
    return Contributor(one.name, *jax.tree.map(lambda leaf: leaf[rows], one[1:]))
