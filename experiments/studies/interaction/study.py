"""Values and trainings of pairs of sources beside real strings, of their parts, and of more of the same."""

import functools
import time
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np

from experiments import tasks
from experiments.runtime import mesh, study
from experiments.runtime.study import Step, Study
from experiments.studies.interaction import judge, report
from experiments.studies.interaction.sets import TRAIN, Drawn, Union, check, drawn_of, sources_of, unions, weights
from experiments.tasks.composition import strings_read
from experiments.tasks.task import Task
from experiments.training.fit import fit
from experiments.training.recipe import Part
from valuation.subsets import evaluator


def run(config, workdir: str, data_dir: str | None) -> Path:
    """Does what config asks for and is not yet in workdir/results.jsonl, then writes the report; its path."""
    check(config)
    devices, folder = mesh.devices(), Path(workdir) / "checkpoints"

    @functools.cache
    def task() -> Task:
        return tasks.load(config.composition, data_dir, devices)

    def steps(lines: list[dict]) -> Iterator[Step]:
        for draw in range(config.seed, config.seed + config.draws):
            for real in config.real_counts:
                drawn = functools.cache(lambda d=draw, r=real: drawn_of(config, task(), d, r, data_dir, devices))
                yield from one(config, task, drawn, draw, real, devices, folder / f"{draw}-{real}")

    interaction = Study(
        name="interaction",
        config=config.to_dict(),
        steps=steps,
        write=report.write,
        summaries=functools.partial(judge.derived, config),
        notes=lambda: task().notes,
    )
    return study.run(interaction, workdir)


def one(config, task, drawn, draw: int, real: int, devices, folder: Path) -> Iterator[Step]:
    """The steps of one draw and number of real strings: predictions, then trainings.

    task, drawn: () -> the task and the sets of the draw. folder: of checkpoints.
    """
    about, every = {"draw": draw, "real": real}, unions(sources_of(config))

    def valued(surrogate: str, predicted: list[dict]) -> list[dict]:
        begun, (problem, blocks, _) = time.perf_counter(), drawn()
        evaluate = evaluator(problem, blocks, surrogate=surrogate)
        scores = [evaluate(weights(drawn(), union)) for union in every]
        seconds = (time.perf_counter() - begun) / len(every)
        return [
            line | {"own": score.utility("own"), "metric": score.utility(), "seconds": seconds}
            for line, score in zip(predicted, scores, strict=True)
        ]

    for name in config.surrogates:
        of_name = {"kind": "union predicted", **about, "surrogate": name}
        predicted = [of_name | union._asdict() for union in every]
        yield Step(predicted, functools.partial(valued, name, predicted), remake=(of_name,))
    wanted = [
        {"kind": "union trained", **about, **union._asdict(), "seed": seed}
        for seed in range(config.repeats)
        for union in every
    ]

    def trained() -> list[dict]:
        begun = time.perf_counter()
        key = jax.random.fold_in(jax.random.key(draw), TRAIN)
        keys = [jax.random.fold_in(key, line["seed"]) for line in wanted]  # all of a seed begin alike
        sets, title = parts(drawn(), every) * config.repeats, f"draw {draw}, {real} real"
        models = fit(task().recipe, sets, keys, mesh=devices, title=title, checkpoint=folder, keep=True)
        lines = []
        for line, params in zip(wanted, models, strict=True):
            model = task().model._replace(params=params)
            lines.append(line | {"utility": task().measure(model, task().test)[0],
                                 "strings": strings_read(model, task().test)})  # fmt: skip
        seconds = (time.perf_counter() - begun) / len(wanted)
        return [line | {"seconds": seconds} for line in lines]

    yield Step(wanted, trained, remake=({"kind": "union trained", **about},), scratch=folder)


def parts(drawn: Drawn, every: list[Union]) -> list[Part]:
    """The training set of every union, as rows of the pool of the draw."""
    pool, counts = drawn.problem.pool, drawn.blocks.counts
    return [Part(pool, np.flatnonzero(np.repeat(weights(drawn, union), counts))) for union in every]
