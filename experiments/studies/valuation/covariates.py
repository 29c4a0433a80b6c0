"""Measures of every contributor, recorded beside its values: what they are, and a line a draw and measure."""

import functools
from collections.abc import Iterator

from experiments.runtime.study import Step
from experiments.tasks import OBJECTIVES
from valuation.covariates import MEASURES
from valuation.problem import Problem

KIND = "covariates"


def asked(config) -> list[dict]:
    """Kind and identity of lines that every run has. Finished workdirs of older code lack them, and are given them.

    Those of measures of tokens are not among them: before data are loaded it is not known what inputs are.
    """
    draws = range(config.seed, config.seed + config.draws)
    kind = OBJECTIVES[config.task]
    every = [name for name, measure in MEASURES.items() if measure.takes(kind) and not measure.of_items]
    return [_about(draw, name) for draw in draws for name in every]


def steps(problem: Problem, draw: int) -> Iterator[Step]:
    """One step a measure, of what methods value: with truth=added each contributor beside the real examples."""
    kind, inputs = problem.objective.kind, problem.pool.inputs
    for name in (name for name, one in MEASURES.items() if one.takes(kind) and one.reads(inputs)):
        yield Step([_about(draw, name)], functools.partial(_line, problem, draw, name))


def _about(draw: int, name: str) -> dict:
    return {"kind": KIND, "draw": draw, "measure": name}


def _line(problem: Problem, draw: int, name: str) -> list[dict]:
    assert problem.shared is not None  # one_draw gives it
    numbers, seconds = problem.shared.timed(lambda: MEASURES[name](problem))
    return [_about(draw, name) | {"values": list(numbers), "seconds": seconds}]
