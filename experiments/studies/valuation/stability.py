"""Is a value the same on fewer examples and from other starts, and what does a budget buy? On a finished run's draws.

    python -m experiments.studies.valuation.stability --values=out/images --workdir=out/stability

Every method of that run values the same contributors again, by a half, a quarter, a tenth and a hundredth of the
examples of each (chosen by a key, the smaller sets within the larger ones), and from other initialisations and keys on
all examples. One line a draw, method, share and start: the values, the seconds that they would take alone, what they
have to do with the values of the run and with its truth. For the first draw also the largest memory of a process that
makes these values and nothing else. --draws=2 does the first two draws only.
"""

import functools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import ml_collections
import numpy as np
from absl import flags

from experiments import tasks
from experiments.runtime import apart, launch, mesh, results, study
from experiments.runtime.results import select
from experiments.runtime.rng import generator
from experiments.runtime.study import Step, Study
from experiments.studies.valuation import beside, evaluate, stability_report
from experiments.studies.valuation.reading import utilities
from experiments.studies.valuation.study import (
    START,
    UNION,
    VALUES,
    all_draws,
    checkpoints,
    contributors_of,
    problem_of,
    read_in,
    trainer,
)
from experiments.studies.valuation.transfer import digests, finished
from experiments.tasks.task import Task, for_pool
from valuation.methods import METHODS
from valuation.problem import Contributor, Problem
from valuation.workers import use_workers

SHARES = (1.0, 0.5, 0.25, 0.1, 0.01)
STARTS = (0, 1, 2)  # 0: those of the run
CHOSEN, STARTED = 100, 101  # purposes of a draw's key that the run itself does not have
MODULE = "experiments.studies.valuation.stability"


def part(contributor: Contributor, share: float, key: jax.Array) -> Contributor:
    """A share of its examples, at least one: the first of an order that the key draws, so that shares are nested."""
    order = generator(key).permutation(len(contributor.index))
    kept = np.sort(order[: max(1, round(share * len(order)))])
    return jax.tree.map(lambda leaf: leaf[kept] if isinstance(leaf, np.ndarray) else leaf, contributor)


def with_part(problem: Problem, share: float, key: jax.Array) -> Problem:
    """The problem with a share of the examples of every contributor."""
    keys = jax.random.split(key, len(problem.contributors))
    kept = (part(one, share, k) for one, k in zip(problem.contributors, keys, strict=True))
    return problem._replace(contributors=tuple(kept))


def restarted(problem: Problem, task: Task, draw: int, start: int) -> Problem:
    """The problem with other initialisations and another key; 0: as it is."""
    if start == 0:
        return problem
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(draw), STARTED), start)
    starts = jax.random.split(jax.random.fold_in(key, START), len(problem.initial))
    initial = tuple(jax.jit(task.recipe.initialise)(one) for one in starts)
    return problem._replace(initial=initial, key=jax.random.fold_in(key, VALUES))


def settings() -> list[tuple[float, int]]:
    """(share, start) of all values that are made: all shares from the run's start, and all examples from others."""
    return [(share, 0) for share in SHARES] + [(1.0, start) for start in STARTS if start]


class Draw(NamedTuple):
    """A draw of the run: the task for its pool, and its problem as the run had it, without checkpoints."""

    task: Task
    problem: Problem


def draw_of(config, task: Task, draw: int, folder: Path) -> Draw:
    """A draw of the run. folder: of trainings under way. Raises ValueError for values beside real data."""
    if beside.count(config):
        raise ValueError("the run values contributors beside real data: expected truth=own_set, leave_one_out or none")
    _, pool, contributors = contributors_of(config, task, draw)
    task = for_pool(task, pool, read_in(task, pool, contributors, judged=False))
    return Draw(task, problem_of(config, task, draw, pool, contributors, trainer(task, mesh.devices(), folder)))


def valued(config, problem: Problem, name: str, key: jax.Array) -> dict:
    """{"values", "seconds"} of one method, its training on the union included; or "refused", why it cannot be asked."""
    begun, method = time.perf_counter(), METHODS[name]
    try:
        if method.checkpoints:
            assert problem.train is not None  # draw_of gives it
            problem = problem._replace(checkpoints=checkpoints(config, problem, problem.train, key))
        on_union = time.perf_counter() - begun
        assert problem.shared is not None
        made, seconds = problem.shared.timed(lambda: method(problem, **config.options.get(name, {})))
    except ValueError as error:
        return {"values": None, "refused": str(error), "seconds": None}
    return {"values": list(made), "refused": None, "seconds": seconds + on_union}


def run(workdir: str | Path, *, values: str | Path, draws: int, data_dir: str | None, memory: bool = True) -> Path:
    """Values the contributors of a finished run anew; the path of the report, workdir/report.md.

    draws: of the run, the first ones. memory: whether the first draw is measured in processes of their own too.
    """
    folders = {"values": str(values)}
    lines = finished(folders)["values"]
    config = configured(values)
    folder = Path(workdir) / "checkpoints"

    @functools.cache
    def task() -> Task:
        return tasks.load(config, data_dir, mesh.devices())

    def steps(recorded: list[dict]) -> Iterator[Step]:
        for draw in all_draws(config)[:draws]:
            yield from one_draw(config, task, draw, lines, folder)
        for name, share in [(name, share) for name in config.methods for share in SHARES] if memory else ():
            about = {"kind": "memory", "method": name, "share": share}
            given = {"case": f"{name}:{share}", "values": values, "workdir": workdir, "data_dir": data_dir}
            yield Step([about], functools.partial(measured, about, given))

    made = {"name": "stability", "scale": config.scale, "task": config.task, **folders, "draws": draws}
    made |= {"lines": digests(folders), "memory": memory}
    return study.run(Study("stability", made, steps, stability_report.write, summaries=means), workdir)


def configured(values: str | Path) -> Any:
    """The config of a finished run, as it was completed then."""
    return ml_collections.ConfigDict(json.loads((Path(values) / "config.json").read_text())).lock()


def one_draw(config, task, draw: int, lines: list[dict], folder: Path) -> Iterator[Step]:
    """The steps of one draw, a method, share and start each."""
    known = {line["method"]: np.array(line["values"]) for line in select(lines, kind="values", draw=draw)}
    truth = utilities(lines, draw).mean(0) if select(lines, kind="truth", draw=draw) else None

    @functools.cache
    def whole() -> Draw:
        return draw_of(config, task(), draw, folder)

    @functools.cache
    def setting(share: float, start: int) -> Problem:
        made_for, problem = whole()
        key = jax.random.fold_in(jax.random.key(draw), CHOSEN)
        return restarted(with_part(problem, share, key) if share < 1 else problem, made_for, draw, start)

    def make(about: dict, share: float, start: int) -> list[dict]:
        name, key = about["method"], jax.random.fold_in(jax.random.key(draw), UNION)
        made = valued(config, setting(share, start), name, jax.random.fold_in(key, start) if start else key)
        for field, other in (("itself", known[name]), ("truth", truth)):
            both = made["values"] is not None and other is not None
            rho = evaluate.correlation("spearman", np.array(made["values"]), other) if both else float("nan")
            made[field] = None if np.isnan(rho) else rho
        return [about | made]

    for name in known:
        for share, start in settings():
            about = {"kind": "stability", "draw": draw, "method": name, "share": share, "start": start}
            yield Step([about], functools.partial(make, about, share, start))


def means(lines: list[dict]) -> list[dict]:
    """Means over draws, by method, share and start; other starts together, as start 1."""
    out = []
    every = select(lines, kind="stability")
    for name in dict.fromkeys(line["method"] for line in every):
        for share, start in [(share, 0) for share in SHARES] + [(1.0, 1)]:
            chosen = [
                line
                for line in select(every, method=name, share=share)
                if line["start"] == start or (start and line["start"])
            ]
            seconds = [line["seconds"] for line in chosen if line["seconds"] is not None]
            about = {"kind": "stability summary", "method": name, "share": share, "start": start}
            about |= {field: mean_of([line[field] for line in chosen]) for field in ("itself", "truth")}
            out.append(about | {"seconds": float(np.median(seconds)) if seconds else None})
    return out


def mean_of(numbers: list[float | None]) -> float | None:
    """None if one of them is, or there are none."""
    return None if not numbers or None in numbers else float(np.mean(np.array(numbers, float)))


def measured(about: dict, given: dict) -> list[dict]:
    """The line of the memory of one case, which a process of its own measures."""
    return [about | apart.measured(MODULE, given)]


def main(argv: list[str]) -> None:
    given = flags.FLAGS
    with use_workers(progress=mesh.progress):
        if given.case:  # the process of one measurement of memory
            name, share = given.case.split(":")
            config = configured(given.values)
            task = tasks.load(config, given.data_dir, mesh.devices())
            problem = draw_of(config, task, config.seed, Path(given.workdir)).problem
            key = jax.random.fold_in(jax.random.key(config.seed), CHOSEN)
            before = results.peak_megabytes()
            made = valued(config, with_part(problem, float(share), key) if float(share) < 1 else problem, name, key)
            print(json.dumps({"megabytes_before": before, "peak_megabytes": results.peak_megabytes(),
                              "refused": made["refused"]}))  # fmt: skip
            return
        print(run(given.workdir, values=given.values, draws=given.draws, data_dir=given.data_dir, memory=given.memory))


if __name__ == "__main__":
    mesh.use_all_cores()
    launch.define_required("values", "finished run whose contributors are valued again")
    launch.define_required("workdir", "folder for results.jsonl")
    flags.DEFINE_integer("draws", 1_000, "the first so many draws of it", lower_bound=1)
    flags.DEFINE_bool("memory", True, "measure the memory of every method in a process of its own")
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    flags.DEFINE_string("case", None, "measure the memory of this method and share in this process and print its line")
    launch.run(main)
