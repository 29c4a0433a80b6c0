"""Somebody's own files: which source is worth it, how much of it, what more would buy; from files to a report."""

import functools
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import jax
from tqdm import tqdm

from experiments.data import rows
from experiments.data.text_files import existing
from experiments.runtime import mesh, results, study
from experiments.runtime.processes import is_main_process
from experiments.runtime.speed import flops_a_second
from experiments.runtime.study import Step
from experiments.studies.sources import reading, report
from experiments.studies.sources import steps as ordered
from experiments.studies.sources.assembly import answer_of
from experiments.studies.sources.plan import prices_of
from experiments.studies.sources.screen import screen
from experiments.studies.sources.work import Settings, Work
from valuation.workers import current

REAL, VALIDATION = "config.real", "config.validation"
MOST_TIMES = 1_000_000  # times as many examples, that may be asked about
DATA, METHODS = range(2)  # purposes of the key of a run


def run(config, workdir: str, data_dir: str | None) -> Path:
    """Does what config asks for and is not yet in workdir/results.jsonl, then writes the report; its path.

    Files are read before work starts; what is wrong in them is one line. data_dir: not used.
    """
    begun = time.perf_counter()
    check(config, priced=bool(config.prices))
    files = files_of(config)
    names = reading.names_of([str(files[key]) for key in files if key != VALIDATION])
    prices = prices_of(config.prices, names[1:])
    hashes = {name: _sha256(path) for name, path in files.items()}

    @functools.cache
    def prepared() -> Work:
        frames = {name: rows.read(path) for name, path in files.items()}
        real, validation = frames.pop(REAL), frames.pop(VALIDATION, None)
        given = reading.read(names, real, list(frames.values()), validation, config)
        print(*given.schema.said, given.split, sep="\n")
        made, data = reading.prepared(given, config, key_of(config, DATA))
        return Work(
            prepared=made,
            data=data,
            settings=settings_of(config, prices),
            key=key_of(config, METHODS),
            devices=mesh.devices(),
            folder=Path(workdir) / "checkpoints",
            clock=time.perf_counter,
            speed=flops_a_second(),
            begun=time.perf_counter() - begun,
        )

    def steps(lines: list[dict]) -> Iterator[Step]:
        print(ordered.estimate(prepared()))
        bar = tqdm(desc="sources", unit="step", disable=not is_main_process())
        for step in ordered.steps(prepared(), lines):
            yield step
            bar.update()
        bar.close()

    if not _is_finished(workdir):  # so that what is wrong is said before a folder is made
        ordered.check_memory(prepared(), current().available)
    own = study.Study(name="sources", config=config.to_dict() | {"sha256": hashes}, steps=steps, write=write)
    return study.run(own, workdir)


def write(workdir: str | Path) -> Path:
    """Writes answer.json, figures and both reports of a finished run from its lines, and shows the screen."""
    lines = results.finished(workdir)
    (last,) = results.select(lines, kind=results.LAST)
    answer = answer_of(lines, round(1e6 * last["peak_megabytes"]))
    page = report.write(workdir, answer)
    print(screen(answer))
    return page


def settings_of(config, prices: dict[str, float]) -> Settings:
    """What the config asks for."""
    same = {name: config[name] for name in Settings._fields if name in config and name != "prices"}
    return Settings(effort=reading.effort_of(config), prices=prices, **same)


def key_of(config, purpose: int) -> jax.Array:
    """The key of one purpose of a run."""
    return jax.random.fold_in(jax.random.key(config.seed), purpose)


def check(config, *, priced: bool) -> None:
    """Raises ValueError for values that could only fail later. priced: whether there are prices."""
    if not config.sources.strip():
        raise ValueError("config.sources is empty: expected files of sources, as --config.sources=a.csv,b.jsonl")
    for name, least in (("blocks", 2), ("exact", 0), ("points", 16), ("orders", 1), ("check_sources", 1)):
        if config[name] < least:
            raise ValueError(f"config.{name} = {config[name]}, expected {least} or more")
    if config.ridge < 0:
        raise ValueError(f"config.ridge = {config.ridge}, expected a number above 0, or 0 to have it chosen")
    if config.check_seeds < 1 or not config.budget >= 0 or not config.minutes > 0:
        raise ValueError(
            f"config.check_seeds = {config.check_seeds}, config.budget = {config.budget}, config.minutes = "
            f"{config.minutes}: expected 1 or more, 0 or more, and above 0"
        )
    if not config.times or not all(1 < times <= MOST_TIMES for times in config.times):
        raise ValueError(
            f"config.times = {tuple(config.times)}: expected numbers above 1 and up to {MOST_TIMES:,}, times as many "
            "examples"
        )
    if priced != (config.budget > 0):
        raise ValueError(
            f"{'prices' if priced else 'no prices'} are given and a budget of {config.budget}: a plan needs both"
        )


def files_of(config) -> dict[str, Path]:
    """Key of the config -> its file, `~` expanded; a path that holds a comma may stand alone, or in quotes.

    Raises ValueError, naming the key, for a file that is not there.
    """
    sources = [config.sources] if Path(config.sources).expanduser().is_file() else reading.listed(config.sources)
    given = {REAL: config.real} | {f"config.sources, file {i}": text for i, text in enumerate(sources, start=1)}
    given |= {VALIDATION: config.validation} if config.validation else {}
    return {key: existing(key, text) for key, text in given.items()}


def _is_finished(workdir: str) -> bool:
    try:
        return bool(results.finished(workdir))
    except (ValueError, OSError):  # nothing there yet, or cut off
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
