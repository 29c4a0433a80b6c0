"""Lines of one run that several machines made a part of each, put together."""

import json
from collections.abc import Sequence
from pathlib import Path

from experiments.runtime import files, results
from experiments.runtime.kinds import STUDIES
from experiments.runtime.results import FILE, LAST

FREE = ("commit", "versions", "device", "seconds")  # of a line that two parts hold: when and where it was made


def merge(study: str, parts: Sequence[str | Path], workdir: str | Path) -> Path:
    """Puts the lines of unfinished runs of one config into a workdir, where the run then goes on; the lines' path.

    study: whose kinds of lines they are, a key of kinds.STUDIES. parts: folders. Derived lines and last lines are left
    out, they are made anew; of a line that several parts hold the first one counts. A workdir that holds lines already
    is one of the parts, so that nothing there is lost.
    Raises ValueError for a folder without a run, another config, and two lines of one name that say different things.
    """
    folders = [Path(workdir), *map(Path, parts)] if (Path(workdir) / FILE).exists() else [*map(Path, parts)]
    derived = {name for name, kind in STUDIES[study].items() if kind.derived} | {LAST}
    config = None
    made: dict[str, dict] = {}
    origin: dict[str, Path] = {}
    for folder in folders:
        if not (folder / "config.json").is_file():
            raise ValueError(f"{folder} holds no run: expected config.json and {FILE}")
        other = json.loads((folder / "config.json").read_text())
        if config not in (None, other):
            raise ValueError(f"{folder} and {folders[0]} hold runs of different configs, which have no lines together")
        config = other
        for line in results.read_alone(folder / FILE):
            if line["kind"] in derived:
                continue
            name = results.text_of(results.names(line))
            if name in made and _said(made[name]) != _said(line):
                raise ValueError(f"{origin[name]} and {folder} hold two different lines of {name}: keep one of them")
            origin.setdefault(name, folder)
            made.setdefault(name, line)
    Path(workdir).mkdir(parents=True, exist_ok=True)
    files.write_text(Path(workdir) / "config.json", json.dumps(config, indent=2, sort_keys=True) + "\n")
    files.write_text(Path(workdir) / FILE, "".join(results.text_of(line) + "\n" for line in made.values()))
    return Path(workdir) / FILE


def _said(line: dict) -> dict:
    return {name: value for name, value in line.items() if name not in FREE}
