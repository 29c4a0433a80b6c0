"""What a pretrained model reaches before any training, and after one on all contributors: what their truth is read by.

A contributor is worth training on if it beats the model as it came. What that model loses on held-out real texts stands
beside what it loses on synthetic ones: a model may have seen the real ones, and may have written the synthetic ones.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import jax
import numpy as np

from experiments.reporting.markdown import decimal, table
from experiments.runtime.results import select
from experiments.studies.valuation.ground_truth import OWN_SET
from experiments.tasks.mixture import Spec
from experiments.tasks.task import Task
from valuation.aggregate import union_examples
from valuation.problem import Examples, Problem, Train

KIND = "reference"
NOTHING, UNION = "nothing", "the union"
REAL = "held-out real"
MOST = 200  # examples of a kind of synthetic data that are measured


def wanted(task: Task) -> bool:
    """Whether a model of this task says something before it is trained."""
    return task.learner == "pretrained"


def lines_of(draw: int) -> list[dict]:
    """The lines of a draw, without their numbers."""
    return [{"kind": KIND, "draw": draw, "trained_on": name} for name in (NOTHING, UNION)]


def made(task: Task, problem: Problem, specs: Sequence[Spec], draw: int, train: Train, key: jax.Array) -> list[dict]:
    """The same with their numbers: of the model as it came, and of one trained on the union of the contributors.

    train: as Problem.train. key: of that training, which takes as many steps as one on a contributor.
    """
    before, after = lines_of(draw)
    parts = {REAL: task.test} | synthetic_parts(problem, specs)
    nats = {name: task.measure(task.model, examples)[1] for name, examples in parts.items()}

    def trained():
        (params,) = train([union_examples(problem)[0]], 1.0, key)
        return params

    return [
        before | _reached(task, lambda: task.model.params) | {"nats": nats},
        after | _reached(task, trained),
    ]


def synthetic_parts(problem: Problem, specs: Sequence[Spec]) -> dict[str, Examples]:
    """At most MOST distinct synthetic examples of each mechanism and strength, of contributors with right answers."""
    rows: dict[str, list[np.ndarray]] = {}
    for contributor, spec in zip(problem.contributors, specs, strict=True):
        if spec.label_noise:
            continue
        origin = contributor.origin
        named = np.array([f"{m} {s:g}" for m, s in zip(origin.mechanism, origin.strength, strict=True)])
        for name in np.unique(named[~contributor.real]):
            rows.setdefault(str(name), []).append(contributor.index[(named == name) & ~contributor.real])
    return {
        name: problem.pool.take(list(dict.fromkeys(np.concatenate(some).tolist()))[:MOST])
        for name, some in sorted(rows.items())
    }


def section(lines: list[dict]) -> list[str]:
    """Of the report: before training, after the best and the worst contributor, after the union; nats of both kinds."""
    before, after = (select(lines, kind=KIND, trained_on=name) for name in (NOTHING, UNION))
    if not before:
        return []
    fields = ("utility", "validation")
    rows = [[NOTHING, *(_mean(x[field] for x in before) for field in fields)]]
    by_draw = []
    for one in before:
        truth = select(lines, kind="truth", draw=one["draw"], truth=OWN_SET)
        if truth:
            means = np.array([[x[field] for field in fields] for x in truth]).mean(0)
            by_draw.append(means[:, np.argsort(means[0])])
    for name, place in (("the best contributor", -1), ("the worst contributor", 0)):
        if by_draw:
            rows.append([name, *(_mean(means[i, place] for means in by_draw) for i in range(len(fields)))])
    rows.append(["the union of all contributors", *(_mean(x[field] for x in after) for field in fields)])
    asked = [x["choices"] for x in before if "choices" in x]
    right, chance = (_mean(one[field] for one in asked) if asked else "" for field in ("accuracy", "chance"))
    options = f" Of test questions with options it chooses {right} right, by guessing {chance}." if asked else ""
    names = sorted({name for line in before for name in line["nats"]}, key=lambda name: (name != REAL, name))
    nats = [f"{name} {_mean(x['nats'][name] for x in before if name in x['nats'])}" for name in names]
    return [
        "## What the model can do by itself\n\nMeans over draws; best and worst are those of the test set.",
        table(["trained on", f"test {before[0]['metric']}", "on the validation set"], rows),
        f"Nats a response token before training: {', '.join(nats)}.{options} Few on held-out real texts can mean that "
        "the model has seen them. Of texts that it wrote itself at temperature 1 the expected gradient is zero: what "
        "they teach it is what the sampling cut off, and chance.",
    ]


def _mean(numbers: Iterable[float]) -> str:
    return decimal(float(np.mean([*numbers])))


def _reached(task: Task, params_of: Callable[[], object]) -> dict:
    begun = time.perf_counter()
    model = task.model._replace(params=params_of())
    utility, loss = task.measure(model, task.test)
    validation, _ = task.measure(model, task.validation)
    line = {"metric": task.metric, "utility": utility, "loss": loss, "validation": validation}
    if task.choose is not None:
        line["choices"] = task.choose(model)._asdict()
    return line | {"seconds": time.perf_counter() - begun}
