"""Values and trainings of sources before and after they are relabelled by an ensemble that saw the real examples."""

import functools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from experiments import tasks
from experiments.runtime import mesh, study
from experiments.runtime.study import Step, Study
from experiments.studies.relabelling import judge, report
from experiments.tasks import mixture
from experiments.tasks.mixture import Spec
from experiments.tasks.task import Task
from experiments.training.fit import fit
from experiments.training.relabelling import ensemble_scores
from valuation.methods import METHODS
from valuation.problem import Contributor, Examples, Problem, contributor_examples

BUILD, REAL, LABELS, TRAIN, START, VALUES = range(6)  # purposes of the key of a draw
ALONE = ""  # the source of the real examples alone
AS_IS, RELABELLED = "as it is", "relabelled"


class Drawn(NamedTuple):
    """A draw and number of real examples: the problem whose contributors are R, and R with each source as it is and
    relabelled, in that order; and what became of the labels of each source.
    """

    problem: Problem
    facts: list[dict]


def run(config, workdir: str, data_dir: str | None) -> Path:
    """Does what config asks for and is not yet in workdir/results.jsonl, then writes the report; its path."""
    check(config)
    devices, folder = mesh.devices(), Path(workdir) / "checkpoints"

    @functools.cache
    def task() -> Task:
        return tasks.load(config.images, data_dir, devices)

    def steps(lines: list[dict]) -> Iterator[Step]:
        for draw in range(config.seed, config.seed + config.draws):
            for real in config.real_counts:
                yield from one(config, task, draw, real, devices, folder / f"{draw}-{real}", lines)

    relabelling = Study(
        name="relabelling",
        config=config.to_dict(),
        steps=steps,
        write=report.write,
        summaries=functools.partial(judge.derived, config),
        notes=lambda: task().notes,
    )
    return study.run(relabelling, workdir)


def check(config) -> None:
    """Raises ValueError for values that could only fail later."""
    if config.draws < 1 or config.repeats < 2:
        raise ValueError(f"draws = {config.draws}, repeats = {config.repeats}: expected 1 and 2 at least")
    if not config.real_counts or min(config.real_counts) < 2:
        raise ValueError(f"real_counts = {tuple(config.real_counts)}: expected numbers of real examples, 2 or more")
    if not config.sources:
        raise ValueError("sources is empty: expected kinds of data")


def one(config, task, draw: int, real: int, devices, folder: Path, recorded: list[dict]) -> Iterator[Step]:
    """The steps of one draw and number of real examples: labels and values, then trainings."""
    about, names = {"draw": draw, "real": real}, list(config.sources)

    @functools.cache
    def drawn() -> Drawn:
        return drawn_of(config, task(), draw, real)

    def valued() -> list[dict]:
        begun = time.perf_counter()
        alone, *unions = METHODS["surrogate"](drawn().problem).tolist()
        pairs, seconds = np.reshape(unions, (-1, 2)), (time.perf_counter() - begun) / len(names)
        return [
            {"kind": "relabelled", **about, "source": name, **fact, "values": [alone, *pair], "seconds": seconds}
            for name, fact, pair in zip(names, drawn().facts, pairs.tolist(), strict=True)
        ]

    yield Step([{"kind": "relabelled", **about, "source": name} for name in names], valued)
    every = [(ALONE, AS_IS), *((name, labels) for name in names for labels in (AS_IS, RELABELLED))]
    wanted = [
        {"kind": "reached", **about, "source": name, "labels": labels, "seed": seed}
        for seed in range(config.repeats)
        for name, labels in every
    ]

    def trained() -> list[dict]:
        begun, problem = time.perf_counter(), drawn().problem
        sets = [contributor_examples(problem, one) for one in problem.contributors]
        key = jax.random.fold_in(jax.random.key(draw), TRAIN)
        keys = [jax.random.fold_in(key, line["seed"]) for line in wanted]  # all of a seed begin alike
        title = f"draw {draw}, {real} real"
        models = fit(
            task().recipe, sets * config.repeats, keys, mesh=devices, title=title, checkpoint=folder, keep=True
        )
        reached = [task().measure(task().model._replace(params=params), task().test)[0] for params in models]
        seconds = (time.perf_counter() - begun) / len(wanted)
        return [line | {"utility": one, "seconds": seconds} for line, one in zip(wanted, reached, strict=True)]

    yield Step(wanted, trained, remake=({"kind": "reached", **about},), scratch=folder)


def drawn_of(config, task: Task, draw: int, real: int) -> Drawn:
    """The problem of a draw; the same real examples come first in every number of them."""
    key = jax.random.key(draw)
    specs = [Spec(name=name, size=config.size, **dict(fields)) for name, fields in config.sources.items()]
    mechanisms = task.mechanisms, task.corrupt_labels
    pool, sources = mixture.build(jax.random.fold_in(key, BUILD), specs, task.train, task.groups, *mechanisms)
    most = mixture.real_set(jax.random.fold_in(key, REAL), task.train, max(config.real_counts), "R")
    base = jax.tree.map(lambda leaf: leaf[:real] if isinstance(leaf, np.ndarray) else leaf, most)
    seen, contributors, facts = Examples(pool.inputs[base.index], base.targets), [base], []
    for number, source in enumerate(sources):
        labels = jax.random.fold_in(jax.random.fold_in(key, LABELS), number)
        other = relabelled(config, task, seen, pool, source, labels)
        contributors += [mixture.union(base, source), mixture.union(base, other)]
        facts.append({"changed": float((other.targets != source.targets).mean())})
    starts = jax.random.split(jax.random.fold_in(key, START), 1)
    problem = Problem(
        model=task.model, initial=tuple(task.recipe.initialise(start) for start in starts), checkpoints=(), pool=pool,
        contributors=tuple(contributors), validation=task.validation, features=task.features,
        key=jax.random.fold_in(key, VALUES), objective=task.objective, learner=task.learner,
    )  # fmt: skip
    return Drawn(problem, facts)


def relabelled(config, task: Task, seen: Examples, pool: Examples, source: Contributor, key: jax.Array) -> Contributor:
    """The source with the labels of the ensemble that saw these real examples."""
    queries = task.features(pool.inputs[source.index])
    scores = ensemble_scores(
        task.features(seen.inputs), np.asarray(seen.targets), queries, classes=int(task.groups.max()) + 1, key=key,
        members=config.ensemble.members, share=config.ensemble.share,
    )  # fmt: skip
    return source._replace(targets=scores.argmax(1).astype(source.targets.dtype))
