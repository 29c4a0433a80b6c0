"""Lines of one run that several machines made a part of each, put together."""

from collections.abc import Sequence
from pathlib import Path

from experiments.runtime import results
from experiments.runtime.kinds import EARLIER, STUDIES
from experiments.runtime.lock import locked
from experiments.runtime.results import CONFIG, FILE, LAST

FREE = ("commit", "versions", "device", "seconds")  # of a line that two parts hold: when and where it was made


def merge(study: str, parts: Sequence[str | Path], workdir: str | Path) -> Path:
    """Puts the lines of runs of one config, or of parts of one, into a workdir, where the run goes on; the lines' path.

    study: whose kinds of lines they are, a key of kinds.STUDIES. parts: folders. Derived lines and last lines are left
    out, they are made anew, with the seconds of the finished run that took longest; of a line that several parts hold
    the first one counts. What a killed part left of a last line is left out too. A workdir that holds lines already is
    one of the parts, so that nothing there is lost; if it holds all, it stays as it is.
    Raises ValueError for a folder without a run, another config, two lines of one name that say different things, and
    a workdir in which another process works.
    """
    workdir = Path(workdir)
    with locked(workdir):
        folders = [workdir, *map(Path, parts)] if (workdir / FILE).exists() else [*map(Path, parts)]
        config = _common_config(folders)
        again = {name for name, kind in STUDIES[study].items() if kind.derived} | {LAST}
        made: dict[str, dict] = {}
        origin: dict[str, Path] = {}
        ends: list[dict] = []
        for folder in folders:
            lines = results.read_alone(folder / FILE, whole=True)
            ends += [line for line in lines if line["kind"] in (LAST, EARLIER)]
            for line in (line for line in lines if line["kind"] not in again):
                name = results.text_of(results.names(line))
                if name in made and _said(made[name]) != _said(line):
                    both = f"{origin[name]} and {folder}"
                    raise ValueError(f"{both} hold two different lines of {name}: keep one of them")
                origin.setdefault(name, folder)
                made.setdefault(name, line)
        if {*origin.values()} != {workdir}:
            longest = sorted(ends, key=lambda line: line["seconds"])[-1:]
            results.replace(workdir / FILE, [*made.values(), *(line | {"kind": EARLIER} for line in longest)])
            results.adopt(workdir, config)
    return workdir / FILE


def _common_config(folders: list[Path]) -> dict:
    for folder in folders:
        if not (folder / CONFIG).is_file():
            raise ValueError(f"{folder} holds no run: expected {CONFIG} and {FILE}")
    first, *others = [results.config_of(folder / CONFIG) for folder in folders]
    for folder, other in zip(folders[1:], others, strict=True):
        if other != first:
            raise ValueError(f"{folder} and {folders[0]} hold runs of different configs, which have no lines together")
    return first


def _said(line: dict) -> dict:
    return {name: value for name, value in line.items() if name not in FREE}
