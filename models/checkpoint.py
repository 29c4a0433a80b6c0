"""The files of a checkpoint: whether they are there and whole, and whether all that they say is understood."""

import json
import math
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

POINTER = b"version https://git-lfs"  # how a Git LFS pointer begins, which stands in for a file that was not fetched


def existing(path: str | Path) -> Path:
    """The path. Raises FileNotFoundError unless a file is there, ValueError if it is empty or a Git LFS pointer."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file: expected the weights, config or tokenizer of a language model")
    with path.open("rb") as file:
        start = file.read(len(POINTER))
    if not start:
        raise ValueError(f"{path} is empty: fetch it again")
    if start == POINTER:
        raise ValueError(f"{path} is a Git LFS pointer, not the file itself: run git lfs pull, or download the file")
    return path


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises as `existing`, and ValueError that names the file for anything else in it."""
    try:
        found = json.loads(existing(path).read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not JSON in UTF-8 ({error}): fetch it again") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds {type(found).__name__}: expected an object, {{...}}")
    return found


def read_json_if_there(path: Path) -> dict[str, Any]:
    """The object in a JSON file, {} where there is no such file."""
    return read_json(path) if path.exists() else {}


def check_keys(found: Mapping[str, Any], understood: Container[str], neutral: Mapping[str, tuple], source: str) -> None:
    """Raises ValueError for a key that may change what the model computes: nothing is skipped in silence.

    found: what a file says; None says nothing. understood: keys that are read, or that change no logit. neutral: keys
    of what is not implemented -> the values at which that changes nothing. source: the file, for the message.
    """
    for key, value in found.items():
        if value is None or key in understood or value in neutral.get(key, ()):
            continue
        text = str(value) if len(str(value)) < 60 else f"{str(value)[:60]}..."
        if key in neutral:
            expected = " or ".join(map(str, neutral[key])) or "none"
            raise ValueError(f"{source} asks for {key} = {text}, which is not supported: expected {expected}")
        raise ValueError(
            f"{source} says {key} = {text}, a key that is not known and may change what the model computes"
        )


def number(found: Mapping[str, Any], key: str, kind: type, source: str, *default: Any) -> Any:
    """found[key] as an int or a float; a list of equal numbers, one a layer, counts as that number.

    kind: int or float. default: what counts where the key is missing or null. Raises ValueError that names key and
    source if there is none, for numbers that differ between layers, and for what is no number of that kind.
    """
    value = found.get(key)
    if value is None:
        if default:
            return default[0]
        raise ValueError(f"{source} lacks {key}")
    if isinstance(value, list):
        value = only(value, f"{source}: {key} differs between layers, which is not supported")
    legal = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not legal or value != kind(value):
        raise ValueError(f"{source}: {key} must be a number of type {kind.__name__}, got {value!r}")
    return kind(value)


def only(values: Iterable, message: str) -> Any:
    """The one value that all of them are. Raises ValueError with the message, and the values, where they differ."""
    different = list(dict.fromkeys(values))
    if len(different) != 1:
        raise ValueError(f"{message}: {', '.join(map(str, different)) or 'there is none'}")
    return different[0]
