"""What each contributor is really worth: models are trained with and without it, several times, and tested."""

from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh

from experiments.tasks.task import Task
from experiments.training.fit import fit
from experiments.training.recipe import Part
from valuation.aggregate import union_examples
from valuation.problem import Examples, Problem, contributor_examples

OWN_SET, LEAVE_ONE_OUT, NONE = TRUTHS = ("own_set", "leave_one_out", "none")


def own_set(
    task: Task, problem: Problem, seeds: list[int], key: jax.Array, mesh: Mesh, checkpoint: str | Path | None
) -> list[dict]:
    """For every seed, {"seed", "utility": [C], "loss": [C] nats} on the test set, trained on each contributor alone.

    All trainings run together; every one has its own initialisation and its own order of the data. A task with
    questions adds "choices", a dict of text_metrics.Choices for every model.
    """
    sets = [contributor_examples(problem, contributor) for contributor in problem.contributors]
    pairs = [(seed, number) for seed in seeds for number in range(len(sets))]
    keys = [jax.random.fold_in(jax.random.fold_in(key, seed), number) for seed, number in pairs]
    names = [f"contributor {problem.contributors[number].name}, seed {seed}" for seed, number in pairs]
    models = _trained(task, [sets[number] for _, number in pairs], keys, names, mesh, checkpoint)
    return _lines(task, seeds, _tested(task, models).reshape(len(seeds), len(sets), 2), models)


def leave_one_out(
    task: Task, problem: Problem, seeds: list[int], key: jax.Array, mesh: Mesh, checkpoint: str | Path | None
) -> list[dict]:
    """The same for what is lost without each contributor: utility of the union minus that of the union without it.

    "loss" is that of the union without it. All models of a seed share one initialisation, so that they differ in their
    data alone; an example that two contributors hold stands in the union twice.
    """
    distinct, own = union_examples(problem)
    without = [[rows for i, rows in enumerate(own) if i != left] for left in range(-1, len(own))]
    sets = [Part(distinct, np.concatenate(rows)) for rows in without]
    pairs = [(seed, number) for seed in seeds for number in range(len(sets))]
    keys = [jax.random.fold_in(key, seed) for seed, _ in pairs]
    left_out = ["none", *(contributor.name for contributor in problem.contributors)]
    names = [f"the union without {left_out[number]}, seed {seed}" for seed, number in pairs]
    models = _trained(task, [sets[number] for _, number in pairs], keys, names, mesh, checkpoint)
    scores = _tested(task, models).reshape(len(seeds), len(sets), 2)
    lost = np.stack([scores[:, :1, 0] - scores[:, 1:, 0], scores[:, 1:, 1]], -1)
    return _lines(task, seeds, lost, models)


def _trained(task: Task, sets: list[Examples | Part], keys, names: list[str], mesh: Mesh, checkpoint) -> list:
    trained = fit(task.recipe, sets, keys, mesh=mesh, names=names, title="ground truth", checkpoint=checkpoint)
    return [task.model._replace(params=params) for params in trained]


def _tested(task: Task, models: list) -> np.ndarray:
    return np.array([task.measure(model, task.test) for model in models])


def _lines(task: Task, seeds: list[int], table: np.ndarray, models: list) -> list[dict]:
    lines: list[dict] = [
        {"seed": s, "utility": rows[:, 0].tolist(), "loss": rows[:, 1].tolist()}
        for s, rows in zip(seeds, table, strict=True)
    ]
    each = len(models) // len(seeds)
    if choose := task.choose:
        for i, line in enumerate(lines):
            line["choices"] = [choose(model)._asdict() for model in models[i * each : (i + 1) * each]]
    return lines
