"""The data of one draw: real examples in one order and, of every kind of synthetic data, as many as are ever added."""

from typing import NamedTuple

import jax
import numpy as np

from experiments.runtime.rng import generator
from experiments.tasks import mixture, own_data
from experiments.tasks.mixture import Spec
from experiments.tasks.task import Task
from experiments.training.recipe import Part
from valuation.problem import Examples, Problem

REAL = "real"  # the source of a set without synthetic examples
ORDER, SOURCES, VALUES, TRAIN, HALVES = range(5)  # purposes of a draw's key


class Draw(NamedTuple):
    """real: all real examples, in a random order; the first n of them are the n real ones. sources: by name, their
    examples in a random order too, made of real ones after those that any mixture holds.
    """

    key: jax.Array
    real: Examples
    sources: dict[str, Examples]


def draw_of(settings, task: Task, number: int) -> Draw:
    """The draw of that number. settings: a task's part of configs/mixing.py.

    Raises ValueError for more real examples than there are, and as mixture.build does.
    """
    key, available = jax.random.key(number), len(task.train.inputs)
    if max(*settings.real, *settings.real_curve) > available:
        raise ValueError(
            f"{settings.task}: real = {tuple(settings.real)} and real_curve = {tuple(settings.real_curve)}, expected "
            f"at most {available}, the number of real training examples"
        )
    order = generator(jax.random.fold_in(key, ORDER)).permutation(available)
    rest = order[max(settings.real) :]
    specs = [
        Spec(name=name, size=max(settings.added), real_share=0.0, **fields)
        for name, fields in settings.sources.to_dict().items()
    ]
    pool, contributors = mixture.build(
        jax.random.fold_in(key, SOURCES), specs, task.train.take(rest), task.groups[rest], task.mechanisms,
        task.corrupt_labels,
    )  # fmt: skip
    made = {one.name: pool.take(one.index)._replace(targets=one.targets) for one in contributors}
    return Draw(key, task.train.take(order), made)


def mixture_of(whole: Examples, most: int, real: int, added: int) -> Part:
    """The first `real` of `most` real examples of a set, and the first `added` of those after them."""
    return Part(whole, np.concatenate([np.arange(real), most + np.arange(added)]))


def together(real: Examples, synthetic: Examples | None) -> Examples:
    """Real examples, then the others."""
    if synthetic is None:
        return real
    return jax.tree.map(lambda *parts: np.concatenate(parts), real, synthetic)


def problem_of(task: Task, draw: Draw, parts: list[tuple[str, Examples]]) -> Problem:
    """A problem whose contributors are those sets, named; the first is real. No training is on offer."""
    names, sets = zip(*parts, strict=True)
    return own_data.problem_of(
        names,
        sets,
        task.validation,
        model=task.model,
        features=task.features,
        objective=task.objective,
        learner=task.learner,
        key=jax.random.fold_in(draw.key, VALUES),
    )
