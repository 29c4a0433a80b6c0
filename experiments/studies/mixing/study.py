"""Mixtures of real and synthetic data, trained and predicted: which amount is best, what it is worth, what more buys.

Of every draw and task (configs/mixing.py): real examples alone, then each kind of synthetic data beside each number of
real examples. What the lines say together is made of them at the end (judge.py).
"""

import functools
import time
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np

from configs.common import one_of
from experiments import tasks
from experiments.runtime import mesh, results, study
from experiments.runtime.study import Step, Study
from experiments.studies.mixing import judge, predict, report
from experiments.studies.mixing.sets import REAL, TRAIN, Draw, draw_of, mixture_of, together
from experiments.tasks.task import Task
from experiments.training.fit import fit


def run(config, workdir: str, data_dir: str | None) -> Path:
    """Does what config asks for and is not yet in workdir/results.jsonl, then writes the report; its path."""
    check(config)
    devices, folder = mesh.devices(), Path(workdir) / "checkpoints"

    @functools.cache
    def task(name: str) -> Task:
        return tasks.load(config[name], data_dir, devices)

    def steps(lines: list[dict]) -> Iterator[Step]:
        for name in config.tasks:
            for draw in range(config.seed, config.seed + config.draws):
                yield from one_draw(config, task, name, draw, devices, folder, lines)

    mixing = Study(
        name="mixing",
        config=config.to_dict(),
        steps=steps,
        write=report.write,
        summaries=functools.partial(judge.derived, config),
        notes=lambda: {name: task(name).notes for name in config.tasks},
        extends=extends,
    )
    return study.run(mixing, workdir)


def check(config) -> None:
    """Raises ValueError for values that could only fail later."""
    if not config.tasks:
        raise ValueError("tasks is empty, expected some of images, sentiment")
    for name in ("draws", "repeats", "small"):
        if config[name] < 1:
            raise ValueError(f"{name} = {config[name]}, expected at least 1")
    if config.repeats < 2:
        raise ValueError(f"repeats = {config.repeats}, expected at least 2: the best amount is taken on other seeds")
    for name in config.tasks:
        one_of("task", name, ("images", "sentiment"))
        settings = config[name]
        for field in ("real", "added", "real_curve"):
            values, least = tuple(settings[field]), 0 if field == "added" else 1
            if len(values) < 2 or list(values) != sorted(set(values)) or values[0] < least:
                raise ValueError(f"{name}.{field} = {values}: expected two or more increasing numbers from {least} on")
        if settings.added[0] != 0:
            raise ValueError(f"{name}.added = {tuple(settings.added)}: expected 0, real examples alone, among them")
        if not settings.sources:
            raise ValueError(f"{name}.sources is empty, expected kinds of synthetic data")


def extends(old: dict, new: dict, lines: list[dict]) -> bool:
    """Whether a run of the old config, whatever its lines, may go on with the new one, of more draws or tasks."""
    fewer = {**old, "draws": new.get("draws"), "tasks": new.get("tasks")}
    return fewer == new and old["draws"] <= new["draws"] and set(old["tasks"]) <= set(new["tasks"])


def one_draw(config, task, name: str, number: int, devices, folder: Path, recorded: list[dict]) -> Iterator[Step]:
    """The steps of one task's draw. task: name -> Task. folder: of checkpoints."""
    settings, about = config[name], {"task": name, "draw": number}

    @functools.cache
    def draw() -> Draw:
        return draw_of(settings, task(name), number)

    def trained(source: str, sizes: list[tuple[int, int]]) -> Step:
        every = [
            {"kind": "trained", **about, "source": source, "real": real, "added": added, "seed": seed}
            for seed in range(config.repeats)
            for real, added in sizes
        ]
        missing = [line for line in every if not results.select(recorded, **line)]
        place = folder / f"{name}-{number}-{source.replace(' ', '-').replace('%', 'percent')}"
        return Step(every, lambda: trainings(task(name), draw(), missing, devices, place), scratch=place)

    def predicted(source: str) -> Step:
        sizes, amounts = tuple(settings.real), tuple(settings.added)
        one = {"kind": "predicted", **about, "source": source}
        lines = [one | {"real": real} for real in sizes]
        make = functools.partial(predict.mixed, source=source, sizes=sizes, amounts=amounts)
        return Step(lines, lambda: timed(one, lambda: make(task(name), draw())), remake=tuple(lines))

    yield trained(REAL, [(count, 0) for count in counts_of(config, settings)])
    curve, counts = {"kind": "real curve", **about}, tuple(settings.real_curve)
    yield Step([curve], lambda: timed(curve, lambda: [predict.real(task(name), draw(), counts)]))
    for source in settings.sources:
        yield trained(source, mixtures_of(config, settings))
        yield predicted(source)


def counts_of(config, settings) -> list[int]:
    """Numbers of real examples that are trained on alone."""
    every = {*settings.real_curve, *settings.real, *(small[0] for small in small_of(config, settings))}
    return sorted(every)


def mixtures_of(config, settings) -> list[tuple[int, int]]:
    """(real, added) of the trainings of one source: those that are judged, then those of the mixing law."""
    judged = [(real, added) for real in settings.real for added in settings.added if added]
    return [*judged, *(one for one in small_of(config, settings) if one not in judged)]


def small_of(config, settings) -> list[tuple[int, int]]:
    """(real, added) of the mixing law's trainings: config.small times smaller, every second amount."""
    return [
        (max(real // config.small, 1), max(added // config.small, 1))
        for real in settings.real
        for added in settings.added[1::2]
    ]


def trainings(task: Task, draw: Draw, lines: list[dict], devices, folder: Path) -> list[dict]:
    """The lines, all of one source, with what models trained on these mixtures reach; all are trained together.

    All models of a seed have one key: they differ in their data alone.
    """
    source, begun = lines[0]["source"], time.perf_counter()
    most = max(line["real"] for line in lines)
    whole = together(draw.real.take(slice(0, most)), draw.sources.get(source))
    sets = [mixture_of(whole, most, line["real"], line["added"]) for line in lines]
    keys = [jax.random.fold_in(jax.random.fold_in(draw.key, TRAIN), line["seed"]) for line in lines]
    names = [f"{line['real']} real + {line['added']} {source}, seed {line['seed']}" for line in lines]
    trained = fit(task.recipe, sets, keys, mesh=devices, names=names, title=source, checkpoint=folder, keep=True)
    reached = [task.measure(task.model._replace(params=params), task.test) for params in trained]
    seconds = (time.perf_counter() - begun) / len(lines)
    return [
        line | {"utility": utility, "loss": loss, "seconds": seconds}
        for line, (utility, loss) in zip(lines, reached, strict=True)
    ]


def timed(line: dict, make) -> list[dict]:
    """The line with the fields of each dict that `make` returns, and the seconds that one took."""
    begun = time.perf_counter()
    made = make()
    seconds = (time.perf_counter() - begun) / len(made)
    return [
        line | {name: np.asarray(value).tolist() for name, value in one.items()} | {"seconds": seconds} for one in made
    ]
