"""JSON as rows: an object a line, an array of objects, or objects one after another, printed as one likes."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from experiments.data.text_files import opened, refuse_nul

SPACE = re.compile(r"[ \t\r\n]*")
ESCAPED = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")  # what may become half a surrogate pair, or NUL
SHOWN = 40  # characters of what was found


def objects(path: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """(where it stands, its line from 1 on, the object) of every row of a file, in order.

    A file whose first line is an object has one a line; any other is read whole. Raises ValueError, naming file, row
    and line, for what is not JSON, is no object, names a field twice, or has NaN, Infinity, a NUL or half a surrogate
    pair; and what text_files.opened raises.
    """
    with opened(path) as file:
        lines = enumerate(file, start=1)
        first = next(((number, line) for number, line in lines if line.strip()), None)
        if first is None:
            raise ValueError(f"{path} is empty: expected rows")
        values = _a_line(path, chain([first], lines)) if _whole(first[1]) else _any(path, first, file.read())
        for row, (number, value, text) in enumerate(values):
            where = f"{path}, row {row} (line {number})"
            if not isinstance(value, dict):
                raise ValueError(f"{where}: expected an object with fields, found {text[:SHOWN]!r}")
            if ESCAPED.search(text):
                _refuse_broken(value, where)
            yield where, number, value


def _whole(line: str) -> bool:
    try:
        return line.lstrip().startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _a_line(path: Path, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Any, str]]:
    row = 0
    for number, line in lines:
        if line.strip():
            yield number, _decoded(line, 0, f"{path}, row {row} (line {number})", whole=True)[0], line
            row += 1


def _any(path: Path, first: tuple[int, str], rest: str) -> Iterator[tuple[int, Any, str]]:
    """Elements of the array that the text is, or its values if it is none."""
    text = first[1] + rest
    at = _blank(text, 0)
    array = text[at] == "["
    at = _blank(text, at + array)
    line, counted, row = first[0], 0, 0
    more = at < len(text) and not (array and text[at] == "]")
    while more:
        line, counted = line + text.count("\n", counted, at), at
        where = f"{path}, row {row} (line {line})"
        value, end = _decoded(text, at, where, whole=False)
        yield line, value, text[at:end]
        at, row = _blank(text, end), row + 1
        more = at < len(text)
        if array:
            mark = text[at : at + 1]
            if mark not in (",", "]"):
                raise ValueError(f"{where}: expected ',' or ']' after it, found {text[at : at + SHOWN] or 'the end'!r}")
            more, at = mark == ",", _blank(text, at + (mark == ","))
    if array and text[at:].strip() != "]":
        raise ValueError(f"{path}: expected ']' and nothing after it, found {text[at:].strip()[:SHOWN]!r}")


def _blank(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return found.end() if found else at


def _decoded(text: str, at: int, where: str, *, whole: bool) -> tuple[Any, int]:
    try:
        value, end = DECODER.raw_decode(text, _blank(text, at))
        if whole and _blank(text, end) != len(text):
            raise ValueError(f"more after the object: {text[end:].strip()[:SHOWN]!r}")
        return value, end
    except json.JSONDecodeError as error:
        refuse_nul(text[at : error.pos + 1], where)
        found = text[error.pos : error.pos + SHOWN].strip() or "the end"
        raise ValueError(f"{where}: expected JSON ({error.msg}), found {found!r}") from None
    except RecursionError:
        raise ValueError(f"{where}: lists in lists in lists, too deep to be read") from None
    except ValueError as error:
        raise ValueError(f"{where}: expected JSON ({error})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the field {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return fields


def _refuse_constant(name: str) -> None:
    raise ValueError(f"found {name}, expected a finite number or null")


DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse_constant)


def _refuse_broken(value: dict[str, Any], where: str) -> None:
    for field, content in value.items():
        text = json.dumps([field, content], ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            half = text[error.start].encode("ascii", "backslashreplace").decode()
            raise ValueError(f"{where}, column {field!a}: found half a surrogate pair, {half}") from None
        if "\\u0000" in text:
            raise ValueError(f"{where}, column {field!r}: found a NUL character, which no text has")
