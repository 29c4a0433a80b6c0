"""Columns of a frame: cells of JSON, CSV, Parquet or of a program as texts (large_string) or numbers (float64)."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

KINDS: dict[type, str] = {str: "a text", int: "a number", float: "a number", bool: "a truth value"}
NAMES: dict[type, str] = {list: "a list", dict: "an object"}
BATCH = 8192  # rows that are Python objects at the same time
TEXT = pa.large_string()
EXACT = 2**53  # whole numbers up to this one are exact as float64

Where = Callable[[int, str], str]  # (row, column) -> where it stands, in words


def of_objects(rows: Iterator[dict[str, Any]], where: Where) -> tuple[dict[str, pa.ChunkedArray], dict[str, str]]:
    """Columns of rows of JSON, and what is wrong with those that hold neither texts nor numbers, or both.

    where: looked up for rows that were read. A column is what its first cell is; what a row lacks is missing. Whole
    numbers so long that float64 would change their digits, and make one of two labels, are refused.
    """
    parts: dict[str, list[pa.Array]] = {}
    kinds: dict[str, str] = {}
    broken: dict[str, str] = {}
    done = 0
    while batch := list(itertools.islice(rows, BATCH)):
        for name in dict.fromkeys(itertools.chain(parts, *batch)):
            cells = [row.get(name) for row in batch]
            first = next((cell for cell in cells if cell is not None), None)
            if name not in kinds and first is not None:
                kinds[name] = KINDS.get(type(first), "a text or a number")
            row = _other(cells, kinds.get(name))
            if row is not None:
                found = KINDS.get(type(cells[row])) or NAMES[type(cells[row])]
                broken.setdefault(name, f"{where(done + row, name)}: expected {kinds[name]}, found {found}")
            long = next((i for i, cell in enumerate(cells) if type(cell) is int and abs(cell) > EXACT), None)
            if long is not None:
                where_it_is = where(done + long, name)
                broken.setdefault(name, f"{where_it_is}: expected a number of at most 15 digits, or a text in quotes")
            known = parts.setdefault(name, [pa.nulls(done)] if done else [])
            known.append(pa.nulls(len(cells)) if name in broken else _array(cells, kinds.get(name)))
        done += len(batch)
    columns = {}
    for name, known in parts.items():
        if name not in broken:
            number = kinds.get(name) == "a number"
            columns[name] = pa.chunked_array([part.cast(pa.float64() if number else TEXT) for part in known])
    return columns, broken


def of_texts(rows: Iterator[Sequence[str]], names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    """Columns of rows of texts, each as long as `names`."""
    parts: list[list[pa.Array]] = [[] for _ in names]
    while batch := list(itertools.islice(rows, BATCH)):
        for part, cells in zip(parts, zip(*batch, strict=True), strict=True):
            part.append(pa.array(cells, TEXT))
    return {name: pa.chunked_array(part, TEXT) for name, part in zip(names, parts, strict=True)}


def standard(column: pa.ChunkedArray, where: Callable[[int], str]) -> pa.ChunkedArray:
    """The column as texts or numbers: truth values as "true" and "false", times as ISO 8601 writes them, NaN as null.

    Whole numbers too long for float64 are texts.

    where: of a row, for messages. Raises ValueError for other types, as lists, and for bytes that are not UTF-8.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_integer(kind) and any(abs(end.as_py() or 0) > EXACT for end in pc.min_max(column).values()):
        return column.cast(TEXT)  # which keeps all digits
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    if any(match(kind) for match in (*texts, pa.types.is_binary, pa.types.is_large_binary)):
        return _decoded(column, where)
    if any(match(kind) for match in (pa.types.is_boolean, pa.types.is_null, pa.types.is_temporal)):
        return column.cast(pa.string()).cast(TEXT)
    raise ValueError(f"{where(0)}: expected a text or a number, found {kind}")


def _decoded(column: pa.ChunkedArray, where: Callable[[int], str]) -> pa.ChunkedArray:
    try:
        column.validate(full=True)
        texts = column.cast(TEXT)
    except pa.ArrowInvalid:
        for row, cell in enumerate(column.cast(pa.large_binary())):
            try:
                (cell.as_py() or b"").decode()
            except UnicodeDecodeError as error:
                raise ValueError(f"{where(row)}: expected UTF-8 ({error})") from None
        raise
    nul = pc.index(pc.match_substring(texts, "\0"), True).as_py()
    if nul >= 0:
        raise ValueError(f"{where(nul)}: found a NUL character, which no text has")
    return texts


def _other(cells: list, kind: str | None) -> int | None:
    """The first cell that is not of the kind nor missing; None without one."""
    if {KINDS.get(one) for one in set(map(type, cells)) - {type(None)}} <= {kind}:
        return None
    return next(row for row, cell in enumerate(cells) if cell is not None and KINDS.get(type(cell)) != kind)


def _array(cells: list, kind: str | None) -> pa.Array:
    if kind == "a number":
        return pa.array(np.array([np.nan if cell is None else float(cell) for cell in cells]), from_pandas=True)
    if kind == "a truth value":
        return pa.array([None if cell is None else str(cell).lower() for cell in cells], TEXT)
    return pa.array(cells, TEXT) if kind else pa.nulls(len(cells))
