"""What is known of a draw's contributors before anything is valued: the lines of what they are made of."""

import base64
import io
import json
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from experiments.data import splits
from experiments.runtime.results import select
from experiments.studies.valuation import tails
from experiments.synthetic.mechanism import GENERATED
from experiments.tasks.mixture import Spec
from experiments.tasks.task import Task
from valuation.problem import Contributor, Problem

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
        **_made_of(contributor, spec),
        "exact": {name: splits.exact_overlap(inputs, other) for name, other in held_out.items()},
        "near": {name: task.count_near_duplicates(inputs, other) for name, other in held_out.items()},
        "near_rule": task.near_rule,
    }
    if task.paper_worth:
        line["paper_worth"] = task.paper_worth(contributor)
    if task.thumbnail:
        line["thumbnails"] = _png(_mixed(task.thumbnail, inputs, contributor.real))
    if task.sample:
        line["tail"] = tails.beyond(inputs, tails.ranks(task.train.inputs))
    if task.sample and not spec.label_noise:  # a wrong answer is a real one
        line["texts"] = [task.sample(x) for x in inputs[contributor.origin.mechanism == GENERATED][:TEXTS]]
    return line


def check_recorded(lines: list[dict], draw: int, specs: Sequence[Spec], contributors: Sequence[Contributor]) -> None:
    """Raises ValueError unless the contributors of a draw are those that lines of a run were made for.

    lines: of the run, which may hold none of the draw yet. Another code, or other data, may make others of one config.
    """
    for contributor, spec in zip(contributors, specs, strict=True):
        made = _made_of(contributor, spec)
        for line in select(lines, kind="contributor", draw=draw, contributor=contributor.name):
            if differing := [name for name, known in made.items() if line.get(name) != known]:
                raise ValueError(
                    f"draw {draw}, contributor {contributor.name}: the run recorded another one (it differs in "
                    f"{', '.join(differing)}), expected the data and the code of commit {line.get('commit')}: run it "
                    "anew in another --workdir"
                )


def _made_of(contributor: Contributor, spec: Spec) -> dict:
    """The fields of its line that say which examples it holds, as they are read back."""
    return {
        "contributor": contributor.name,
        "spec": json.loads(json.dumps(spec._asdict())),
        "examples": len(contributor.index),
        "distinct": len(np.unique(contributor.index)),
        "real": int(contributor.real.sum()),
    }


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
