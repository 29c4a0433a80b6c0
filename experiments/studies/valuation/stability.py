"""Is a value the same on fewer examples and from other starts, and what does a budget buy? On a finished run's draws.

    python -m experiments.studies.valuation.stability --values=out/images --workdir=out/stability

Every method of that run values the same contributors again, by a half, a quarter, a tenth and a hundredth of the
examples of each (chosen by a key, the smaller sets within the larger ones), and from other initialisations and keys on
all examples. One line a draw, method, share and start: the values, the seconds that they would take alone, what they
have to do with the values of the run and with its truth. For the first draw also the largest memory of a process that
makes these values and nothing else, on all and on the fewest examples. --draws=2 does the first two draws only.
"""

import functools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from absl import flags

from experiments import tasks
from experiments.runtime import apart, launch, memory, mesh, results, study
from experiments.runtime.results import select
from experiments.runtime.rng import generator
from experiments.runtime.study import Step, Study
from experiments.studies.valuation import beside, evaluate, stability_report
from experiments.studies.valuation.descriptions import check_recorded
from experiments.studies.valuation.finished_runs import configured, digests, finished, grown, workers_of
from experiments.studies.valuation.reading import utilities
from experiments.studies.valuation.stability_summaries import SHARES, means
from experiments.studies.valuation.study import (
    START,
    UNION,
    VALUES,
    all_draws,
    checkpoints,
    contributors_of,
    problem_of,
    read_in,
    timed,
    trainer,
)
from experiments.tasks.task import Task, for_pool
from valuation.methods import METHODS
from valuation.needs import nothing
from valuation.problem import Contributor, Problem
from valuation.shared import Shared

STARTS = (0, 1, 2)  # 0: those of the run
CASES = "memory"  # folder of the trainings of processes that measure memory
CHOSEN, STARTED = 100, 101  # purposes of a draw's key that the run itself does not have
AGAIN = 10.0  # seconds below which values are made twice, so that one time is without compiling
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


class OnUnion(NamedTuple):
    """A training on the union of the contributors: Problem.checkpoints, its seconds as those of `valued`."""

    checkpoints: tuple
    seconds: float
    first_seconds: float


def draw_of(config, task: Task, draw: int, folder: Path, lines: list[dict]) -> Draw:
    """A draw of the run. folder: of trainings under way. lines: of the run.

    Raises ValueError for values beside real data, and if the run recorded other contributors than are made here.
    """
    if beside.count(config):
        raise ValueError("the run values contributors beside real data: expected truth=own_set, leave_one_out or none")
    specs, pool, contributors = contributors_of(config, task, draw)
    check_recorded(lines, draw, specs, contributors)
    task = for_pool(task, pool, read_in(task, pool, contributors, judged=False))
    return Draw(task, problem_of(config, task, draw, pool, contributors, trainer(task, mesh.devices(), folder)))


def on_union(config, problem: Problem, key: jax.Array, *, again: float = AGAIN) -> OnUnion:
    """The training on the union of a problem's contributors. again: as in `valued`."""

    def made() -> tuple[tuple, float]:
        begun = time.perf_counter()
        assert problem.train is not None  # draw_of gives it
        return checkpoints(config, problem, problem.train, key), time.perf_counter() - begun

    found, first = made()
    return OnUnion(found, made()[1] if first < again else first, first)


def valued(config, problem: Problem, name: str, trained: Callable[[], OnUnion], *, again: float = AGAIN) -> dict:
    """{"values", "seconds", "first_seconds"} of one method, its training included; or "refused", why it is not asked.

    trained: () -> the training on the union, which is asked for if the method needs it, and then counts in full.
    again: seconds below which all is made a second time, which `seconds` then are of: every share is a new shape, and
    compiling may take longer than computing. Longer ones are those of the first time.
    """
    method, options, seconds, first = METHODS[name], config.options.get(name, {}), 0.0, 0.0
    try:
        if method.checkpoints:
            found, seconds, first = trained()
            problem = problem._replace(checkpoints=found)
        made, took = timed(problem, lambda: method(problem, **options))
        first += took
        if took < again:
            other = problem._replace(shared=Shared(clock=time.perf_counter))
            took = timed(other, lambda: method(other, **options))[1]
    except ValueError as error:
        return {"values": None, "refused": str(error), "seconds": None, "first_seconds": None}
    return {"values": list(made), "refused": None, "seconds": seconds + took, "first_seconds": first}


def run(workdir: str | Path, *, values: str | Path, draws: int, data_dir: str | None, memory: bool = True) -> Path:
    """Values the contributors of a finished run anew; the path of the report, workdir/report.md.

    draws: of the run, the first ones. memory: whether the first draw is measured in processes of their own too.
    """
    lines = finished({"values": str(values)})["values"]
    config = configured(values)
    folder, chosen = Path(workdir) / "checkpoints", all_draws(config)[:draws]

    @functools.cache
    def task() -> Task:
        return tasks.load(config, data_dir, mesh.devices())

    def steps(recorded: list[dict]) -> Iterator[Step]:
        for draw in chosen:
            yield from one_draw(config, task, draw, lines, folder)
        if memory:
            given = {"values": values, "workdir": workdir, "data_dir": data_dir}
            yield from of_memory(config.methods, recorded, given, folder)

    about = {"name": "stability", "scale": config.scale, "task": config.task, "memory": memory}
    about |= {"lines": digests(lines, chosen)}
    summaries = functools.partial(means, run=lines, choice=config.choice)
    return study.run(Study("stability", about, steps, stability_report.write, summaries, extends=grown), workdir)


def of_memory(methods: Iterable[str], recorded: list[dict], given: dict, folder: Path) -> Iterator[Step]:
    """A step for every method that computes something, on all and on the fewest examples; each is a process.

    given: further flags of these processes. folder: of trainings under way, those of the processes within it.
    """
    pairs = [(name, share) for name in methods if computes(name) for share in (max(SHARES), min(SHARES))]
    known = {(line["method"], line["share"]) for line in select(recorded, kind="memory")}
    if missing := [pair for pair in pairs if pair not in known]:
        print(f"memory: {len(missing)} processes, one after another, of which each loads the data and makes the draw "
              "and a method's values; --nomemory leaves them out")  # fmt: skip
    for name, share in pairs:
        about = {"kind": "memory", "method": name, "share": share}
        case = given | {"case": f"{name}:{share}"}
        yield Step([about], functools.partial(measured, about, case), scratch=folder / CASES)


def computes(name: str) -> bool:
    """Whether a method does more than count or draw."""
    return METHODS[name].needs is not nothing or METHODS[name].trains


def one_draw(config, task, draw: int, lines: list[dict], folder: Path) -> Iterator[Step]:
    """The steps of one draw, a method, share and start each."""
    known = {line["method"]: np.array(line["values"]) for line in select(lines, kind="values", draw=draw)}
    truth = utilities(lines, draw).mean(0) if select(lines, kind="truth", draw=draw) else None

    @functools.cache
    def whole() -> Draw:
        return draw_of(config, task(), draw, folder, lines)

    @functools.cache
    def setting(share: float, start: int) -> Problem:
        made_for, problem = whole()
        key = jax.random.fold_in(jax.random.key(draw), CHOSEN)
        return restarted(with_part(problem, share, key) if share < 1 else problem, made_for, draw, start)

    @functools.cache
    def trained(share: float, start: int) -> OnUnion:
        key = jax.random.fold_in(jax.random.key(draw), UNION)
        return on_union(config, setting(share, start), jax.random.fold_in(key, start) if start else key)

    def make(about: dict, share: float, start: int) -> list[dict]:
        name = about["method"]
        made = valued(config, setting(share, start), name, functools.partial(trained, share, start))
        for field, other in (("itself", known[name]), ("truth", truth)):
            made[field] = None
            if made["values"] is not None and other is not None:
                rho = evaluate.correlation("spearman", np.array(made["values"]), other)
                made[field] = None if np.isnan(rho) else rho
        return [about | made]

    for name in known:
        for share, start in settings():
            about = {"kind": "stability", "draw": draw, "method": name, "share": share, "start": start}
            yield Step([about], functools.partial(make, about, share, start))


def measured(about: dict, given: dict) -> list[dict]:
    """The line of the memory of one case, which a process of its own measures."""
    return [about | apart.measured(MODULE, given)]


def case_of(config, name: str, share: float, given) -> dict:
    """The memory of one method and share, in this process; given: its flags."""
    task = tasks.load(config, given.data_dir, mesh.devices())
    lines = finished({"values": given.values})["values"]
    problem = draw_of(config, task, config.seed, Path(given.workdir) / "checkpoints" / CASES, lines).problem
    key = jax.random.key(config.seed)
    problem = with_part(problem, share, jax.random.fold_in(key, CHOSEN)) if share < 1 else problem
    memory.forget_peak()  # of loading
    before, union = results.peak_megabytes(), jax.random.fold_in(key, UNION)
    made = valued(config, problem, name, functools.partial(on_union, config, problem, union, again=0), again=0)
    return {"megabytes_before": before, "peak_megabytes": results.peak_megabytes(), "refused": made["refused"]}


def main(argv: list[str]) -> None:
    given = flags.FLAGS
    config = configured(given.values)
    with workers_of(config):
        if given.case:
            name, _, share = given.case.partition(":")
            print(json.dumps(case_of(config, name, float(share), given)))
        else:
            asked = {"draws": given.draws, "data_dir": given.data_dir, "memory": given.memory}
            print(run(given.workdir, values=given.values, **asked))


if __name__ == "__main__":
    mesh.use_all_cores()
    launch.define_required("values", "finished run whose contributors are valued again")
    launch.define_required("workdir", "folder for results.jsonl")
    flags.DEFINE_integer("draws", 1_000, "the first so many draws of it", lower_bound=1)
    flags.DEFINE_bool(
        "memory", True, "measure the memory of every method that computes, twice, each in a process of its own"
    )
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    flags.DEFINE_string("case", None, "measure the memory of this method and share in this process and print its line")
    launch.run(main)
