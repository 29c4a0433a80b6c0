"""What a run leaves behind: workdir/config.json and workdir/results.jsonl, one measurement a line.

A line is written whole, or dropped by the next start: a run that was killed goes on after its last whole line.
Of several processes the first one writes, and all read what it reads: all must call `start`, `holds`, `read`.
Kinds of lines and their fields: experiments/runtime/kinds.
"""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np

from experiments.runtime import files, memory
from experiments.runtime.kinds import identity
from experiments.runtime.processes import from_main_process, is_main_process, raise_together

FILE, CONFIG = "results.jsonl", "config.json"
LAST = "run"  # kind of the last line of a finished run
Extends = Callable[[dict, dict, list[dict]], bool]


def start(workdir: str | Path, config: dict, extends: Extends | None = None) -> Path:
    """The path of workdir/results.jsonl, made ready for appending.

    extends: (old config, new config, lines) -> whether the lines of the old one hold for the new one too, so that the
        run may go on with the new one; None: no two configs are like that.
    Writes config.json where nothing is recorded yet; one that is extended stays until `adopt`. Drops a last line that
    an interrupted run left unfinished, and files that it left half written.
    Raises ValueError if the folder holds another config's run (the differing keys are named) or a corrupt line.
    """
    raise_together(lambda: _start(Path(workdir), config, extends) if is_main_process() else None)
    read(Path(workdir) / FILE)
    return Path(workdir) / FILE


def _start(workdir: Path, config: dict, extends: Extends | None) -> None:
    workdir.mkdir(parents=True, exist_ok=True)
    files.remove_drafts(workdir)
    config = _as_read(config)
    saved, path = workdir / CONFIG, workdir / FILE
    path.touch()
    old = config_of(saved) if saved.exists() and path.stat().st_size else None  # else nothing is lost
    if old not in (None, config) and not (extends and extends(old, config, read_alone(path, whole=True))):
        names = ", ".join(sorted(_differences(old, config)))
        raise ValueError(f"{workdir} holds a run of another config (they differ in {names}): choose another --workdir")
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
    if old is None:
        adopt(workdir, config)


def holds(workdir: str | Path, config: dict) -> bool:
    """Whether that is the config of workdir/config.json, and not one that extends it."""
    return json.loads(from_main_process(lambda: _text(Path(workdir) / CONFIG))) == _as_read(config)


def adopt(workdir: str | Path, config: dict) -> None:
    """Makes it the config of the workdir."""
    if is_main_process():
        files.write_text(Path(workdir) / CONFIG, json.dumps(config, indent=2, sort_keys=True) + "\n")


def _as_read(config: dict) -> dict:
    return json.loads(json.dumps(config))


def read(path: str | Path) -> list[dict]:
    """All lines of a results file.

    Raises ValueError that names the first line that is corrupt, of a kind that no study writes, or there twice.
    """
    return _parsed(from_main_process(lambda: _text(Path(path))), path)


def read_alone(path: str | Path, whole: bool = False) -> list[dict]:
    """The same for what only one process does. whole: without a last line that a killed run left unfinished."""
    return _parsed(_text(Path(path), whole), path)


def _text(path: Path, whole: bool = False) -> str:
    content = path.read_bytes()
    content = content[: content.rfind(b"\n") + 1] if whole else content
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}, line {line} is not UTF-8 ({error.reason}): remove that line") from None


def config_of(path: Path) -> dict:
    """What a config.json holds. Raises ValueError that names the file if that is no config."""
    try:
        config = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error}): restore it, or choose another --workdir") from None
    if not isinstance(config, dict):
        raise ValueError(f"{path} holds no config: restore it, or choose another --workdir")
    return config


def _parsed(content: str, path: str | Path) -> list[dict]:
    lines: list[dict] = []
    numbers: dict[str, int] = {}
    for number, text in enumerate(content.splitlines(), start=1):
        try:
            line = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(
                f"{path}, line {number} is not JSON ({error}): remove that line, its measurement is redone"
            ) from None
        if not isinstance(line, dict) or not isinstance(line.get("kind"), str):
            raise ValueError(f'{path}, line {number}: expected an object with a "kind", got {text[:60]!r}')
        try:
            named = json.dumps([line.get("config"), names(line)])
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
        if (first := numbers.setdefault(named, number)) != number:
            which = ", ".join(f"{name}={value!r}" for name, value in names(line).items() if name in line)
            raise ValueError(
                f"{path}, lines {first} and {number} say the same twice ({which}), as if two runs had written into it: "
                f"remove line {number} and all after it, and run again; what is missing then is made anew"
            )
        lines.append(line)
    return lines


def names(line: dict) -> dict:
    """Its kind and the fields that tell it from the others of its kind; a field that it lacks is None."""
    return {name: line.get(name) for name in ("kind", *identity(line["kind"]))}


def append(path: str | Path, lines: Iterable[dict]) -> None:
    """Adds the lines in one write, on disk when the call returns. Arrays and NumPy numbers become lists and numbers."""
    if not is_main_process():
        return
    text = "".join(text_of(line) + "\n" for line in lines)
    with files.naming(path), Path(path).open("a") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def text_of(line: dict) -> str:
    """The line as it is written: JSON, arrays as lists."""
    return json.dumps(line, default=_plain)


def finished(workdir: str | Path, kind: str = LAST) -> list[dict]:
    """The lines of a run that has left one of that kind, as it does at its end. Raises ValueError otherwise."""
    lines = read_alone(Path(workdir) / FILE)
    if not select(lines, kind=kind):
        raise ValueError(f"{workdir} holds no finished run: run it to the end first")
    return lines


def replace(path: str | Path, lines: Iterable[dict]) -> None:
    """Makes these the lines of the file, which is there as it was until they are."""
    if is_main_process():
        files.write_text(path, "".join(text_of(line) + "\n" for line in lines))


def select(lines: Iterable[dict], **where) -> list[dict]:
    """The lines whose fields have the given values; a field that a line lacks counts as None."""
    return [line for line in lines if all(line.get(key) == value for key, value in where.items())]


def without(lines: Iterable[dict], **where) -> list[dict]:
    """The other lines: those that `select` leaves out."""
    return [line for line in lines if not all(line.get(key) == value for key, value in where.items())]


def stamp(config: dict) -> dict:
    """Where a number comes from: config (name and hash), task if it has one, commit, versions, device.

    Added to every line of a run.
    """
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    packages = ("jax", "jaxlib", "flax", "optax", "numpy", "scipy")
    devices = f"{jax.device_count()} x {jax.devices()[0].device_kind}"
    return {
        "config": f"{config.get('name', 'run')}:{config.get('scale', '')}#{digest}",
        **({"task": config["task"]} if "task" in config else {}),
        "commit": _commit(),
        "versions": " ".join(
            [f"python={platform.python_version()}", *(f"{name}={version(name)}" for name in packages)]
        ),
        "device": f"{devices}, {os.cpu_count()} cores, {platform.machine()}",
    }


def peak_megabytes() -> float:
    """Largest resident memory of this process so far, MB."""
    return memory.peak_bytes() / 1e6


def _commit() -> str:
    root = Path(__file__).parent
    try:
        name = subprocess.run(
            ["git", "rev-parse", "--short=10", "HEAD"], cwd=root, capture_output=True, text=True, check=True
        )
        changed = subprocess.run(
            ["git", "status", "--porcelain", "-uno"], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "no git"
    return name.stdout.strip() + ("+changes" if changed.stdout.strip() else "")


def _differences(old, new, prefix="") -> set[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        return set().union(*(_differences(old.get(k), new.get(k), f"{prefix}{k}.") for k in old.keys() | new.keys()))
    return set() if old == new else {prefix.rstrip(".")}


def _plain(value):
    if isinstance(value, (np.ndarray, np.generic, jax.Array)):
        return np.asarray(value).tolist()
    raise TypeError(f"{type(value).__name__} cannot be written to {FILE}")
