"""What a method is: its function, and everything that configs, reports and pages say of it."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np

from valuation import coalitions
from valuation.aggregate import REDUCTIONS
from valuation.discrepancy import ESTIMATORS
from valuation.needs import Estimate, nothing, refusal_of_size, sizes
from valuation.objective import OBJECTIVES
from valuation.problem import Problem
from valuation.purposes import Purpose
from valuation.scale import FILLED
from valuation.union_surrogates import OWN, SURROGATES
from valuation.workers import current

# what answers the question that each kind of truth puts to scores of examples (aggregate.by_contributor)
REDUCTION_OF_TRUTH = {"own_set": "mean", "leave_one_out": "sum", "added": "sum", "none": "mean"}
OF_THE_MACHINE = ("memory",)  # options that change no value
NONE: Mapping[str, str] = MappingProxyType({})


@runtime_checkable
class Values(Protocol):
    """A problem and options -> one value a contributor (C,), higher = more useful. All options have defaults."""

    def __call__(self, problem: Problem, *args: Any, **options: Any) -> np.ndarray: ...


def fits(problem: Problem, examples: int, options: Mapping[str, Any]) -> str:
    """Of a method that takes every problem of its objectives."""
    return ""


class Method(NamedTuple):
    """A method, called with a problem and options.

    name: its key in METHODS. title: as tables and legends call it. values: the function.
    cost: in words; n examples of a contributor, m of the validation set.
    predicts: the kinds of objectives whose utility its values predict, in that unit; of others they are an order.
    labels: whether it looks at validation targets.
    trains: whether it trains the model for a part of the steps.
    retrained: whether it looks at fully retrained contributors.
    checkpoints: whether it needs Problem.checkpoints, a model trained on the union.
    objectives: kinds of objectives that it takes; () for all. instead: the method to take for the others.
    left_out: kind of objective -> why a default table leaves it out.
    most_examples: of all contributors together, above which a default table leaves it out; None without such a bound.
    purpose: what it uses the problem's key for; None: nothing.
    needs: sizes of a problem -> the bytes and operations that it takes (needs.py).
    unfit: (problem, examples of all contributors together, options) -> why it cannot be asked, "" if it can; from what
        is known before any work, so that a problem may have no contributors yet.
    estimate: of values that are sampled: the same function, giving their standard errors too; None: they are not.
    """

    name: str
    title: str
    values: Values
    cost: str
    predicts: tuple[str, ...] = ()
    labels: bool = False
    trains: bool = False
    retrained: bool = False
    checkpoints: bool = False
    objectives: tuple[str, ...] = ()
    instead: str = ""
    left_out: Mapping[str, str] = NONE
    most_examples: int | None = None
    purpose: Purpose | None = None
    needs: Estimate = nothing
    unfit: Callable[[Problem, int, Mapping[str, Any]], str] = fits
    estimate: Callable[..., coalitions.Estimate] | None = None

    def __call__(self, problem: Problem, **options: Any) -> np.ndarray:
        """The values, all finite. Raises ValueError for an objective, a problem or a contributor that it does not take,
        for more memory than use_workers(available=...) allows, for values that are not finite, and for zeros that only
        say that no gradient is left.
        """
        if refusal := self.refusal(problem.objective.kind):
            raise ValueError(refusal)
        union = sum(len(contributor.index) for contributor in problem.contributors)
        if refusal := self.unfit(problem, union, options_of(self.values) | options):
            raise ValueError(refusal)
        if available := current().available:
            s = sizes(problem)
            if refusal := refusal_of_size(self.name, self.needs(s).bytes, s, problem.objective.kind, available):
                raise ValueError(refusal)
        try:
            values = self.values(problem, **options)
        except ValueError as error:
            if weights := self._weights(problem):
                raise ValueError(f"{self.name} has no values: {weights}") from error
            raise
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"{self.name} has no values: a system of equations has no solution ({error}): {FILLED}"
            ) from error
        if not np.isfinite(values).all():
            first = int(np.argmin(np.isfinite(values)))
            raise ValueError(
                f"{self.name} gives {values[first]} for {problem.contributors[first].name}, which is no value: "
                f"{self._cause(problem)}"
            )
        if self.checkpoints and not values.any():
            raise ValueError(
                f"{self.name} gives 0 for every contributor, which is no order: the model of the checkpoints fits so "
                "well that no gradient is left in float32; give checkpoints of earlier steps"
            )
        return values

    def _cause(self, problem: Problem) -> str:
        """What has most likely made a value that is not finite."""
        if weights := self._weights(problem):
            return weights
        if self.trains:
            return "has a short training diverged? Lower its learning rate, or bring inputs to a scale near 1"
        return "a number on the way to it exceeds float32: bring inputs and features to a scale near 1"

    def _weights(self, problem: Problem) -> str:
        """Which parameters are not finite, in words; "" if all are."""
        for i, params in enumerate(problem.initial):
            if not _finite(params):
                return f"the parameters at initialisation {i} are not finite"
        if self.checkpoints and not all(_finite(params) for params, _ in problem.checkpoints):
            return "the parameters of a checkpoint are not finite: has the training on the union diverged?"
        return ""

    def refusal(self, kind: str) -> str:
        """Why the method does not take that kind of objective, and what does; "" if it does."""
        if not self.objectives or kind in self.objectives:
            return ""
        return f"{self.name} takes {' or '.join(self.objectives)}, this problem is one of {kind}: take {self.instead}"

    def is_default(self, kind: str, examples: int) -> bool:
        """Whether a default table has it. kind: of the objective. examples: of all contributors together."""
        few = self.most_examples is None or examples <= self.most_examples
        return few and not self.refusal(kind) and kind not in self.left_out

    def defaults(self, truth: str = "own_set") -> dict[str, Any]:
        """Every option and its default: those of the function; `reduction` follows the truth."""
        options = {name: value for name, value in options_of(self.values).items() if name not in OF_THE_MACHINE}
        return options | ({"reduction": REDUCTION_OF_TRUTH[truth]} if "reduction" in options else {})

    @property
    def looks_at(self) -> str:
        """What it may look at beside the contributors' own examples and validation inputs without targets."""
        seen = [
            *(["validation labels"] if self.labels else []),
            *(["a short training each"] if self.trains and not self.retrained else []),
            *(["a few full trainings"] if self.retrained else []),
            *(["one training on the union"] if self.checkpoints else []),
        ]
        return ", ".join(seen) or "no labels, no training"


def options_of(values: Callable[..., Any]) -> dict[str, Any]:
    """Every option of a method's function and its default, but for those that are bound already."""
    bound = values.keywords if isinstance(values, partial) else {}
    parameters = inspect.signature(values).parameters.values()
    return {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY and one.name not in bound}


def choices(option: str, kind: str) -> tuple[Any, ...] | None:
    """The values that an option may have where there are only a few, for that kind of objective; None otherwise."""
    objective = OBJECTIVES[kind]
    return {
        "reduction": REDUCTIONS,
        "estimator": ESTIMATORS,
        "output": tuple(objective.scalars),
        "joint": (False, True) if objective.has_classes else (False,),
        "scaled": (False, True),
        "surrogate": (OWN, *SURROGATES[kind]),
    }.get(option)


def _finite(params: Any) -> bool:
    return all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(params))
