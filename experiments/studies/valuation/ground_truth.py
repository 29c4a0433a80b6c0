"""What each contributor is really worth: models are trained with and without it, several times, and tested."""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float
from tqdm import tqdm

from experiments.runtime.processes import is_main_process
from experiments.tasks.task import Task
from experiments.training.fit import fit
from experiments.training.recipe import Part
from valuation.aggregate import union_examples
from valuation.problem import Contributor, Problem, contributor_examples

OWN_SET, LEAVE_ONE_OUT, ADDED, NONE = TRUTHS = ("own_set", "leave_one_out", "added", "none")
REACHED = ("utility", "loss", "validation")  # what a trained model is asked for, fields of a line


class Trainer(NamedTuple):
    """How the models of a truth are trained: for which seeds, from which key, on which devices.

    checkpoint: folder of the trainings, which stays there until their lines are recorded; None keeps none.
    """

    seeds: list[int]
    key: jax.Array
    mesh: Mesh
    checkpoint: str | Path | None


def measured(truth: str, task: Task, problem: Problem, base: Contributor | None, trainer: Trainer) -> list[dict]:
    """For every seed a line of that truth, one of TRUTHS but NONE; base: the set that `added` begins with."""
    if truth == ADDED:
        assert base is not None
        return added(task, problem, base, trainer)
    return {OWN_SET: own_set, LEAVE_ONE_OUT: leave_one_out}[truth](task, problem, trainer)


def own_set(task: Task, problem: Problem, trainer: Trainer) -> list[dict]:
    """For every seed, what a model trained on each contributor alone reaches.

    {"seed", "utility": [C] on the test set, "loss": [C] nats there, "validation": [C] the utility on the validation
    set}. All trainings run together; every one has its own initialisation and its own order of the data. A task with
    questions adds "choices" [C]: a dict of text_metrics.Choices for the models of the highest and the lowest utility,
    None for the others, which are not asked: that would take as long as all else that a model is asked for.
    """
    sets = [contributor_examples(problem, contributor) for contributor in problem.contributors]
    pairs = [(seed, number) for seed in trainer.seeds for number in range(len(sets))]
    keys = [jax.random.fold_in(jax.random.fold_in(trainer.key, seed), number) for seed, number in pairs]
    titles = [f"contributor {contributor.name}" for contributor in problem.contributors]
    reached, models = _reached(task, sets, titles, keys, trainer)
    return _lines(task, trainer.seeds, reached, models)


def leave_one_out(task: Task, problem: Problem, trainer: Trainer) -> list[dict]:
    """The same for what is lost without each contributor: utility of the union minus that of the union without it.

    "loss" is that of the union without it. All models of a seed share one initialisation, so that they differ in their
    data alone; an example that two contributors hold stands in the union twice.
    """
    distinct, group_rows = union_examples(problem)
    without = [[rows for i, rows in enumerate(group_rows) if i != left] for left in range(-1, len(group_rows))]
    sets = [Part(distinct, np.concatenate(rows)) for rows in without]
    left_out = ["none", *(contributor.name for contributor in problem.contributors)]
    reached, models = _from_one_start(task, sets, [f"the union without {name}" for name in left_out], trainer)
    return _lines(task, trainer.seeds, _differences(reached, lost=True), models)


def added(task: Task, problem: Problem, base: Contributor, trainer: Trainer) -> list[dict]:
    """The same for what each contributor adds to a set that is there: utility of the set with it minus that without.

    base: the set R. problem: its contributors are R with each contributor, as experiments.tasks.mixture.union makes
    them. "loss" is that of R with it. All models of a seed share one initialisation; an example that R and a
    contributor both hold is trained on twice.
    """
    sets = [contributor_examples(problem, one) for one in (base, *problem.contributors)]
    titles = [base.name, *(f"{base.name} with contributor {one.name}" for one in problem.contributors)]
    reached, models = _from_one_start(task, sets, titles, trainer)
    return _lines(task, trainer.seeds, _differences(reached, lost=False), models)


def _from_one_start(task: Task, sets: list, titles: list[str], trainer: Trainer):
    """_reached by trainings of which all of a seed have one key."""
    keys = [jax.random.fold_in(trainer.key, seed) for seed in trainer.seeds for _ in sets]
    return _reached(task, sets, titles, keys, trainer)


def _reached(
    task: Task, sets: list, titles: list[str], keys: list[jax.Array], trainer: Trainer
) -> tuple[Float[np.ndarray, "s k 3"], list]:
    """What models trained on each set reach, by seed and set, and these models, seed by seed."""
    names = [f"{title}, seed {seed}" for seed in trainer.seeds for title in titles]
    every = sets * len(trainer.seeds)
    where, title = trainer.checkpoint, "ground truth"
    trained = fit(task.recipe, every, keys, mesh=trainer.mesh, names=names, title=title, checkpoint=where, keep=True)
    models = [task.model._replace(params=params) for params in trained]
    bar = tqdm(models, desc="tests of trained models", unit="model", delay=2, disable=not is_main_process())
    rows = [(*task.measure(model, task.test), task.measure(model, task.validation)[0]) for model in bar]
    return np.array(rows).reshape(len(trainer.seeds), len(sets), 3), models


def _differences(reached: Float[np.ndarray, "s k 3"], *, lost: bool) -> Float[np.ndarray, "s c 3"]:
    """What the sets after the first reach more than the first, or what is lost to it; losses as they are."""
    first, others = reached[:, :1], reached[:, 1:]
    compared = first - others if lost else others - first
    return np.where(np.array(REACHED) == "loss", others, compared)


def _lines(task: Task, seeds: list[int], table: Float[np.ndarray, "s c 3"], models: list) -> list[dict]:
    lines: list[dict] = [
        {"seed": seed, **{name: table[i, :, column].tolist() for column, name in enumerate(REACHED)}}
        for i, seed in enumerate(seeds)
    ]
    each = len(models) // len(seeds)
    if choose := task.choose:
        for i, line in enumerate(lines):
            own = models[(i + 1) * each - table.shape[1] : (i + 1) * each]  # after those without a contributor
            extremes = {int(np.argmin(line["utility"])), int(np.argmax(line["utility"]))}
            line["choices"] = [choose(model)._asdict() if k in extremes else None for k, model in enumerate(own)]
    return lines
