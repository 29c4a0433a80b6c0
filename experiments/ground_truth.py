"""What each contributor is really worth: a model is trained on it alone, several times, and tested."""

from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh
from scipy.special import log_softmax

from experiments import train
from experiments.tasks import Task
from valuation.kernel import outputs
from valuation.problem import Examples, Problem, examples


def own_set_truth(
    task: Task, problem: Problem, seeds: list[int], key: jax.Array, mesh: Mesh, checkpoint: str | Path | None
) -> list[dict]:
    """For every seed, {"seed", "accuracy": [C], "loss": [C] nats} on the test set.

    All trainings run together; every one has its own initialisation and its own order of the data.
    """
    sets = [examples(problem, contributor) for contributor in problem.contributors]
    pairs = [(seed, number) for seed in seeds for number in range(len(problem.contributors))]
    trained = train.fit(
        task.recipe,
        [sets[number] for _, number in pairs],
        [jax.random.fold_in(jax.random.fold_in(key, seed), number) for seed, number in pairs],
        mesh=mesh,
        names=[f"contributor {problem.contributors[number].name}, seed {seed}" for seed, number in pairs],
        title="ground truth",
        checkpoint=checkpoint,
    )
    scores = [tested(task.model._replace(params=params), task.test) for params in trained]
    table = np.array(scores).reshape(len(seeds), len(problem.contributors), 2)
    return [
        {"seed": s, "accuracy": rows[:, 0].tolist(), "loss": rows[:, 1].tolist()}
        for s, rows in zip(seeds, table, strict=True)
    ]


def tested(model, data: Examples) -> tuple[float, float]:
    """(accuracy, mean cross-entropy in nats) of a classifier."""
    logits, labels = outputs(model, data.inputs), np.asarray(data.targets)
    surprise = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
    return float((logits.argmax(1) == labels).mean()), float(surprise.mean())
