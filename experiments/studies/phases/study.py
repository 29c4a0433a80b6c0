"""Scaling studies: error against the size of a real + synthetic training set, laws fitted to it, and a verdict.

Five studies (configs/phases.py), each a list of curves. Every curve and seed is measured once, then fitted.
"""

import importlib
import time
from pathlib import Path

from tqdm import tqdm

from configs.common import one_of
from experiments.runtime import mesh, results
from experiments.runtime.overrides import leaves
from experiments.runtime.processes import is_main_process
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


def run(config, workdir: str, data_dir: str | None) -> None:
    """Does what config asks for and is not yet in workdir/results.jsonl, then writes report and figures."""
    check(config)
    path = results.start(workdir, config.to_dict())
    if results.select(results.read(path), kind="run"):
        print(f"{workdir} is finished: nothing is computed again. Its report: {Path(workdir) / 'report.md'}")
        return
    devices, stamp = mesh.devices(), results.stamp(config.to_dict())
    begun = time.perf_counter()

    def record(lines: list[dict]) -> None:
        results.append(path, [line | stamp for line in lines])

    for name in config.studies:
        if not results.select(results.read(path), kind="study", study=name):
            one_study(config, name, data_dir, devices, path, record)
    seconds, memory = time.perf_counter() - begun, results.peak_megabytes()
    record([{"kind": "run", "seconds": seconds, "peak_megabytes": memory}])
    report.write(workdir)
    print(f"done in {seconds:.0f} s: {Path(workdir) / 'report.md'}")


def check(config) -> None:
    """Raises ValueError for values that could only fail later."""
    if config.repeats < 1:
        raise ValueError(f"repeats = {config.repeats}, expected at least 1")
    if not config.studies:
        raise ValueError(f"studies is empty, expected some of {', '.join(STUDIES)}")
    for name in config.studies:
        one_of("study", name, tuple(STUDIES))
        settings = config[name]
        if len(set(settings.sizes)) < 8 or min(settings.sizes) < 1:
            raise ValueError(
                f"{name}.sizes = {tuple(settings.sizes)}: expected at least 8 different sizes of 1 or more"
            )
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


def one_study(config, name: str, data_dir, devices, path: Path, record) -> None:
    """The lines of one study that are not there yet: points of each curve and seed, fits, verdicts."""
    begun = time.perf_counter()
    study: Study = importlib.import_module(STUDIES[name]).load(config[name], data_dir, devices, config.seed)
    for curve in (bar := tqdm(study.curves, desc=name, unit="curve", disable=not is_main_process())):
        bar.set_postfix_str(words(curve))
        measure(config, study, curve, path, record)
        done = results.select(results.read(path), **curve._asdict())
        if not results.select(done, kind="verdict"):
            key = key_of(config.seed, curve, FIT)
            record(curve_fits.lines(curve, results.select(done, kind="point"), study.describe(curve), key))
    seconds = time.perf_counter() - begun
    record([{"kind": "study", "study": name, "notes": study.notes, "seconds": seconds}])


def measure(config, study: Study, curve: Curve, path: Path, record) -> None:
    """The points of the seeds that are missing or incomplete."""
    done = results.select(results.read(path), kind="point", **curve._asdict())
    there = {(line["seed"], line["n"]) for line in done}
    sizes = config[curve.study].sizes
    seeds = [seed for seed in range(config.repeats) if any((seed, n) not in there for n in sizes)]
    if not seeds:
        return
    folder = path.parent / "checkpoints" / "-".join(map(str, (*curve, *seeds)))
    begun = time.perf_counter()
    every = study.measure(curve, [key_of(config.seed, curve, seed) for seed in seeds], folder)
    seconds = (time.perf_counter() - begun) / len(seeds)
    for seed, points in zip(seeds, every, strict=True):
        new = [point for point in points if (seed, point["n"]) not in there]
        record([{"kind": "point", **curve._asdict(), "seed": seed, **point, "seconds": seconds} for point in new])


def words(curve: Curve) -> str:
    """A curve in words: 'top_p 0.8, 2 % real'."""
    return "all real" if curve.mechanism == REAL else f"{curve.mechanism} {curve.strength:g}, {curve.share:.3g} real"
