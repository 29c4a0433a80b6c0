"""Tasks: real data, ways to make synthetic data of it, and the model that learns it."""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from experiments.train import Recipe
from valuation.problem import Examples

TASKS = {"images": "experiments.tasks.images"}


class Task(NamedTuple):
    """What the pipeline needs of a task.

    train, validation, test: disjoint sets of real examples.
    mechanisms: name -> (examples, strength, key) -> synthetic examples with the same targets.
    strengths: name -> the strengths that a random contributor may take.
    model: a Model; recipe: how it is trained.
    features: inputs -> (n, d).
    thumbnail: one input -> pixels (h, w) or (h, w, 3), uint8; None where an example is no image.
    near: (inputs, held-out inputs) -> how many have a near duplicate among the held-out ones; near_rule: in words.
    notes: facts about the data that belong into the report.
    """

    train: Examples
    validation: Examples
    test: Examples
    classes: int
    mechanisms: dict[str, Callable]
    strengths: dict[str, tuple]
    model: Any
    recipe: Recipe
    features: Callable
    thumbnail: Callable | None
    near: Callable
    near_rule: str
    notes: dict[str, Any]


def load(config, data_dir, mesh: jax.sharding.Mesh) -> Task:
    """The task that config.task names."""
    return importlib.import_module(TASKS[config.task]).load(config, data_dir, mesh)
