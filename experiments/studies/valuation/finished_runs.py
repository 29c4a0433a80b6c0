"""Finished runs that other studies read: their lines, their config, and what of them such a study depends on."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ml_collections

from experiments.runtime import memory, mesh, results
from experiments.runtime.results import select
from experiments.runtime.study import Study
from experiments.studies.valuation.reading import made_of
from valuation.workers import use_workers

OF_TRUTH = ("seed", "truth", "beside", "metric", "utility", "validation")  # fields that are read; no seconds


def finished(folders: dict[str, str]) -> dict[str, list[dict]]:
    """The lines of finished runs, by the flag that names their folder; ValueError for one that is not finished."""
    lines = {name: results.read(Path(folder) / results.FILE) for name, folder in folders.items()}
    for name, folder in folders.items():
        if not select(lines[name], kind="run"):
            raise ValueError(f"--{name}={folder} holds no finished run")
    return lines


def configured(folder: str | Path) -> Any:
    """The config of a finished run, as it was completed then. Raises ValueError for a folder that holds none."""
    path = Path(folder) / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} holds no finished run: there is no {path.name}")
    return ml_collections.ConfigDict(json.loads(path.read_text())).lock()


def workers_of(config) -> contextlib.AbstractContextManager:
    """use_workers as the run of that config has them: all devices, its budgets of memory."""
    free = config.get("available", 0) or memory.available_bytes()
    devices = mesh.of_values(mesh.devices())
    return use_workers(devices, progress=mesh.progress, memory=config.get("memory", 0), available=free)


def digests(lines: list[dict], draws: Iterable[int] | None = None) -> dict[str, dict]:
    """Draw -> hashes of what is read of a run: "contributors", "truth", and "values" by method.

    They are the same for a run that was moved, merged of parts or recorded at another time. draws: None: all.
    """
    every = sorted({line["draw"] for line in select(lines, kind="contributor")} if draws is None else draws)
    return {
        str(draw): {
            "contributors": _hash([made_of(lines, draw), _taken(lines, draw, "contributor", ("contributor",))]),
            "truth": _hash(sorted(_taken(lines, draw, "truth", OF_TRUTH), key=lambda one: one["seed"])),
            "values": {x["method"]: _hash(x["values"]) for x in select(lines, kind="values", draw=draw)},
        }
        for draw in every
    }


def derived_study(
    name: str, runs: dict[str, list[dict]], make: Callable[[], list[dict]], write: Callable[[Path], Path]
) -> Study:
    """A study that computes nothing but what is read off finished runs: where they have changed, all is made anew.

    name, write: as in Study. runs: name -> lines of each. make: () -> its lines, of derived kinds.
    """
    config = {"name": name, "scale": "of values", "lines": {run: digests(lines) for run, lines in runs.items()}}
    return Study(name, config, lambda _: iter(()), write, lambda _: make(), extends=of_the_same)


def grown(old: dict, new: dict, lines: list[dict]) -> bool:
    """Study.extends of a study that keeps its lines: whether the runs read now hold all that was read before.

    So they may have got further methods, measures and draws. old, new: configs whose `lines` hold `digests`. lines: of
    the study, which do not matter.
    """
    return _others(old) == _others(new) and _within(old["lines"], new["lines"])


def of_the_same(old: dict, new: dict, lines: list[dict]) -> bool:
    """Study.extends of a study whose lines are all derived: whether it is asked for the same contributors.

    old, new: configs whose `lines` hold `digests` by the name of the run. lines: of the study, which do not matter.
    """
    if _others(old) != _others(new):
        return False
    before, now = _contributors(old), _contributors(new)
    common = before.keys() & now.keys()
    return bool(common) and all(before[key] == now[key] for key in common)


def _taken(lines: list[dict], draw: int, kind: str, fields: tuple[str, ...]) -> list[dict]:
    return [{field: line.get(field) for field in fields} for line in select(lines, kind=kind, draw=draw)]


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _others(config: dict) -> dict:
    return {key: value for key, value in config.items() if key != "lines"}


def _within(old: object, new: object) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and _within(value, new[key]) for key, value in old.items())
    return old == new


def _contributors(config: dict) -> dict[tuple[str, str], str]:
    return {(run, draw): one["contributors"] for run, draws in config["lines"].items() for draw, one in draws.items()}
