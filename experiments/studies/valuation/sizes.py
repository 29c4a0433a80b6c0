"""What the values of a run take, told before anything is trained: time, memory, and whether they fit."""

from collections.abc import Sequence

import jax

from experiments.runtime.speed import flops_a_second
from experiments.tasks.task import Task
from valuation import needs
from valuation.methods import METHODS
from valuation.problem import Problem
from valuation.workers import current

SECONDS, BYTES = 1.0, 10**8  # below both, a method is not named


def of_run(config, task: Task, draws: Sequence[Sequence[int]]) -> str:
    """In words: the seconds and gigabytes of each method for the largest contributor of a run.

    draws: the examples of each contributor, by draw. Seconds are those of operations in float64 at the speed of a
        product of two matrices that is timed here; a training is not counted.
    Raises ValueError that names the method and the way out for what does not fit into use_workers(available=...), and
    for a method that this task's model, sizes or classes leave without values.
    """
    sizes, free = largest(config, task, draws), current().available
    asked = dict.fromkeys((*config.methods, *(config.validation_methods if config.validation_sizes else ())))
    estimates = {name: METHODS[name].needs(sizes) for name in asked}
    for name, one in estimates.items():
        kind, method = task.objective.kind, METHODS[name]
        options = method.defaults(config.truth) | dict(config.options.get(name, {}))
        if refusal := method.unfit(without_contributors(task), sizes.union, options):
            raise ValueError(f"config.methods: {name} cannot be asked: {refusal}")
        if free and (words := needs.refusal_of_size(name, one.bytes, sizes, kind, free)):
            raise ValueError(f"config.methods: {words}; config.available, in bytes, overrules what is free")
    rate = flops_a_second()
    named = [
        f"{name} {one.flops / rate:,.0f} s and {needs.gigabytes(one.bytes)}"
        for name, one in sorted(estimates.items(), key=lambda item: -item[1].flops)
        if one.flops / rate >= SECONDS or one.bytes >= BYTES
    ]
    beside = f" of {needs.gigabytes(free)}" if free else ""
    return (
        f"estimate: values of the largest contributor, {sizes.examples:,} examples of {sizes.features:,} features, at "
        f"{rate / 1e9:.0f} GFLOP/s: {'; '.join(named) or f'less than {SECONDS:.0f} s and 0.1 GB'}{beside}"
    )


def largest(config, task: Task, draws: Sequence[Sequence[int]]) -> needs.Sizes:
    """Sizes of the largest contributor and of the largest draw."""
    return needs.sizes(without_contributors(task))._replace(
        examples=max(map(max, draws)),
        union=max(map(sum, draws)),
        contributors=max(map(len, draws)),
        initialisations=config.initialisations,
        checkpoints=config.checkpoints,
    )


def without_contributors(task: Task) -> Problem:
    """What methods will see of a task, before there are contributors."""
    return Problem(
        model=task.model, initial=(), checkpoints=(), pool=task.train, contributors=(),
        validation=task.validation, features=task.features, key=jax.random.key(0), objective=task.objective,
        learner=task.learner,
    )  # fmt: skip
