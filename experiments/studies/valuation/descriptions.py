"""What is known of a draw's contributors before anything is valued: the lines of what they are made of."""

import base64
import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from experiments.data import splits
from experiments.studies.valuation import tails
from experiments.synthetic.mechanism import GENERATED
from experiments.tasks.mixture import Spec
from experiments.tasks.task import Task
from valuation.problem import Problem

THUMBNAILS, TEXTS = 8, 2  # examples of a contributor that the report shows


def tail_of(task: Task) -> dict:
    """The line of the validation set's tail."""
    return {"kind": "tail", **tails.beyond(task.validation.inputs, tails.ranks(task.train.inputs))}


def described(task: Task, problem: Problem, contributor, spec: Spec, draw: int) -> dict:
    """The line of a contributor: what it is made of, and what it shares with the held-out data."""
    inputs = problem.pool.inputs[contributor.index]
    held_out = {"validation": task.validation.inputs, "test": task.test.inputs}
    line = {
        "kind": "contributor",
        "draw": draw,
        "contributor": contributor.name,
        "spec": spec._asdict(),
        "examples": len(inputs),
        "distinct": len(np.unique(contributor.index)),
        "real": int(contributor.real.sum()),
        "exact": {name: splits.exact_overlap(inputs, other) for name, other in held_out.items()},
        "near": {name: task.count_near_duplicates(inputs, other) for name, other in held_out.items()},
        "near_rule": task.near_rule,
    }
    if task.thumbnail:
        line["thumbnails"] = _png(_mixed(task.thumbnail, inputs, contributor.real))
    if task.sample:
        line["tail"] = tails.beyond(inputs, tails.ranks(task.train.inputs))
    if task.sample and not spec.label_noise:  # a wrong answer is a real one
        line["texts"] = [task.sample(x) for x in inputs[contributor.origin.mechanism == GENERATED][:TEXTS]]
    return line


def _mixed(thumbnail: Callable[[np.ndarray], np.ndarray], inputs, real) -> np.ndarray:
    """A strip of examples, half of them synthetic where there are any."""
    groups = [np.flatnonzero(real), np.flatnonzero(~real)]
    share = [THUMBNAILS // 2, THUMBNAILS // 2] if all(map(len, groups)) else [THUMBNAILS, THUMBNAILS]
    rows = np.concatenate([group[:wanted] for group, wanted in zip(groups, share, strict=True)])
    return np.concatenate([thumbnail(inputs[row]) for row in rows], axis=1)


def _png(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
