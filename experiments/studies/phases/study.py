"""Scaling studies: error against the size of a real + synthetic training set, laws fitted to it, and a verdict.

Five studies (configs/phases.py), each a list of curves. Every curve and seed is measured once, then fitted.
"""

import functools
import importlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from configs.common import one_of
from experiments.runtime import mesh, results, study
from experiments.runtime.overrides import leaves
from experiments.runtime.processes import is_main_process
from experiments.runtime.study import Step
from experiments.studies.phases import curve_fits, report
from experiments.studies.phases.curves import REAL, Curve, Study, key_of
from experiments.synthetic.sampling import check_strength

STUDIES = {
    "simulation": "experiments.studies.phases.simulation",
    "facts": "experiments.studies.phases.facts",
    "numbers": "experiments.studies.phases.numbers",
    "nextword": "experiments.studies.phases.nextword",  # a network
    "counts": "experiments.studies.phases.nextword",  # the same with a learner that counts, at sizes no network reaches
}
MADE = ("top_p", "temperature", "finite")  # what a generator can do
CAN = {  # study -> its mechanisms
    "simulation": ("truncation",),
    "facts": MADE,
    "numbers": ("truncation", *MADE),
    "nextword": MADE,
    "counts": MADE,
}
COUNTS = (
    *("entities", "attributes", "model.embedding", "model.width"),
    *("generator_sample", "part", "text", "split.test", "test_images"),
)
FIT = 1_000_000  # where other random numbers use the seed of a repeat


def run(config, workdir: str, data_dir: str | None) -> Path:
    """Does what config asks for and is not yet in workdir/results.jsonl, then writes the report; its path."""
    check(config)
    devices, folder = mesh.devices(), Path(workdir) / "checkpoints"

    def steps(lines: list[dict]) -> Iterator[Step]:
        for name in config.studies:
            if not results.select(lines, kind="study", study=name):
                yield from one_study(config, name, data_dir, devices, folder, lines)

    scaling = study.Study(name="phases", config=config.to_dict(), steps=steps, write=report.write)
    return study.run(scaling, workdir)


def check(config) -> None:
    """Raises ValueError for values that could only fail later."""
    if config.repeats < 1:
        raise ValueError(f"repeats = {config.repeats}, expected at least 1")
    if not config.studies:
        raise ValueError(f"studies is empty, expected some of {', '.join(STUDIES)}")
    for name in config.studies:
        one_of("study", name, tuple(STUDIES))
        settings = config[name]
        sizes = tuple(settings.sizes)
        if not 8 <= len(sizes) == len(set(sizes)) or min(sizes) < 1:
            raise ValueError(f"{name}.sizes = {sizes}: expected at least 8 sizes of 1 or more, all different")
        if not settings.shares or not all(0 < share <= 1 for share in settings.shares):
            raise ValueError(
                f"{name}.shares = {tuple(settings.shares)}: expected real shares above 0 (without real data the second "
                "breakpoint is infinite) and up to 1"
            )
        for mechanism, strengths in settings.mechanisms.items():
            if not strengths:
                raise ValueError(f"{name}.mechanisms.{mechanism} is empty, expected strengths")
            one_of(f"mechanism of {name}", mechanism, CAN[name])
            for strength in strengths:
                check_strength(mechanism, strength)
        if not settings.mechanisms:
            raise ValueError(f"{name}.mechanisms is empty, expected some of {', '.join(CAN[name])}")
        given = dict(leaves(settings))
        for field in COUNTS:
            if given.get(field, 1) < 1:
                raise ValueError(f"{name}.{field} = {given[field]}, expected at least 1")
        for mechanism in settings.get("across", ()):
            one_of(f"mechanism in {name}.across", mechanism, tuple(settings.mechanisms))


def one_study(config, name: str, data_dir, devices, folder: Path, recorded: list[dict]) -> Iterator[Step]:
    """The steps of one study: points of each curve, then its fits and verdict. folder: of checkpoints."""
    begun = time.perf_counter()
    loaded: Study = importlib.import_module(STUDIES[name]).load(config[name], data_dir, devices, config.seed)
    for curve in (bar := tqdm(loaded.curves, desc=name, unit="curve", disable=not is_main_process())):
        bar.set_postfix_str(words(curve))
        seeds_and_sizes = itertools.product(range(config.repeats), config[name].sizes)
        points = [{"kind": "point", **curve._asdict(), "seed": seed, "n": n} for seed, n in seeds_and_sizes]
        yield Step(points, functools.partial(measured, config, loaded, curve, folder, recorded))
        yield Step(
            [{"kind": "verdict", **curve._asdict()}],
            functools.partial(fitted, config, loaded, curve, recorded),
            remake=({"kind": "fit", **curve._asdict()},),
        )
    yield Step(
        [{"kind": "study", "study": name}],
        lambda: [{"kind": "study", "study": name, "notes": loaded.notes, "seconds": time.perf_counter() - begun}],
    )


def measured(config, loaded: Study, curve: Curve, folder: Path, recorded: list[dict]) -> list[dict]:
    """The points that are not recorded; the seeds that they are missing of are measured together."""
    done = results.select(recorded, kind="point", **curve._asdict())
    there = {(line["seed"], line["n"]) for line in done}
    sizes = config[curve.study].sizes
    seeds = [seed for seed in range(config.repeats) if any((seed, n) not in there for n in sizes)]
    name = "-".join(map(str, (*curve, *seeds)))
    begun = time.perf_counter()
    every = loaded.measure(curve, [key_of(config.seed, curve, seed) for seed in seeds], folder / name)
    seconds = (time.perf_counter() - begun) / len(seeds)
    return [
        {"kind": "point", **curve._asdict(), "seed": seed, **point, "seconds": seconds}
        for seed, points in zip(seeds, every, strict=True)
        for point in points
        if (seed, point["n"]) not in there
    ]


def fitted(config, loaded: Study, curve: Curve, recorded: list[dict]) -> list[dict]:
    """The fits of the curve's points, and the verdict on it."""
    points = results.select(recorded, kind="point", **curve._asdict())
    return curve_fits.lines(curve, points, loaded.describe(curve), key_of(config.seed, curve, FIT))


def words(curve: Curve) -> str:
    """A curve in words: 'top_p 0.8, 2 % real'."""
    return "all real" if curve.mechanism == REAL else f"{curve.mechanism} {curve.strength:g}, {curve.share:.3g} real"
