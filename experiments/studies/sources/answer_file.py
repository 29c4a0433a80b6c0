"""answer.json: an Answer on disk, whole or not at all, and read back as it was."""

import json
import math
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from experiments.runtime import files
from experiments.studies.sources.answer import VERSION, Answer, plain

FILE = "answer.json"


def write(workdir: str | Path, answer: Answer) -> Path:
    """Writes workdir/answer.json and returns its path.

    Raises ValueError that names the field of a number which is not finite: one that does not exist is None.
    """
    path, content = Path(workdir) / FILE, plain(answer)
    for where, value in _numbers(content, "answer"):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}: expected a finite number, or None where there is none")
    files.write_text(path, json.dumps(content, indent=2) + "\n")  # ASCII: half a surrogate pair in a text is no error
    return path


def read(workdir: str | Path) -> Answer:
    """The Answer in workdir/answer.json. Raises ValueError, naming the file, where that holds none of this version."""
    path = Path(workdir) / FILE
    try:
        return from_plain(json.loads(path.read_text()))
    except FileNotFoundError:
        raise ValueError(f"{workdir} holds no {FILE}: run it to the end first") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} holds no answer ({type(error).__name__}: {error})") from None


def from_plain(content: dict) -> Answer:
    """The Answer of which `answer.plain` made this content. Raises ValueError for another version's, KeyError for a
    field that is missing, TypeError for a field of another type."""
    if content["version"] != VERSION:
        raise ValueError(f"it has version {content['version']}, this code reads version {VERSION}: run again")
    return typed(Answer, content, "answer")


def typed(kind: Any, value: Any, where: str) -> Any:
    """The value as the type says: a NamedTuple of an object, a tuple of a list."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any or (kind is float and type(value) is int) or type(value) is kind:
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else typed(parts[0], value, where)
    if hasattr(kind, "_fields") and isinstance(value, dict):
        hints = get_type_hints(kind)
        return kind(**{name: typed(hint, value[name], f"{where}.{name}") for name, hint in hints.items()})
    if origin is list and isinstance(value, list):
        return [typed(parts[0], one, f"{where}[{i}]") for i, one in enumerate(value)]
    if origin is tuple and isinstance(value, list) and len(value) == len(parts):
        return tuple(typed(part, one, where) for part, one in zip(parts, value, strict=True))
    if origin is dict and isinstance(value, dict):
        return {name: typed(parts[1], one, f"{where}.{name}") for name, one in value.items()}
    raise TypeError(f"{where}: expected {getattr(kind, '__name__', kind)}, got {value!r:.60}")


def _numbers(content: Any, where: str):
    """(where it stands, number) of all numbers."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _numbers(value, f"{where}.{name}")
    elif isinstance(content, list):
        for i, value in enumerate(content):
            yield from _numbers(value, f"{where}[{i}]")
    elif isinstance(content, float):
        yield where, content
