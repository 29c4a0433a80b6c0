"""Every file of rows is read here: JSON, CSV or Parquet, packed or not, row by row or as a frame of columns.

Rows count from 0, lines from 1, as in "reviews.csv, row 6 (line 8), column 'text'".
"""

import contextlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from experiments.data import csv_rows, json_rows
from experiments.data.columns import BATCH, of_objects, of_texts, standard
from experiments.data.text_files import HEAD, existing, refuse_foreign
from experiments.reporting.plain_text import one_line

JSON = (".jsonl", ".ndjson", ".json")
CSV = (".csv", ".tsv")
PARQUET = (".parquet",)
ENDINGS = (*(ending + packed for ending in JSON + CSV for packed in ("", ".gz")), *PARQUET)


class Frame(NamedTuple):
    """A file as columns.

    path: of the file, as messages name it. columns: by name, each (n,), large_string or float64; null: missing (also a
    number that is NaN). rows: n. lines: (n,) where each row begins; None where a file has no lines. broken: name of a
    column that holds no texts or numbers, or both -> where and what is wrong.
    """

    path: str
    columns: dict[str, pa.ChunkedArray]
    rows: int
    lines: np.ndarray | None
    broken: dict[str, str]

    def where(self, row: int, column: str | None = None) -> str:
        """Where a cell stands, in words."""
        line = "" if self.lines is None else f" (line {self.lines[row]})"
        return f"{self.path}, row {row}{line}" + (f", column {column!r}" if column else "")


def read(path: str | Path) -> Frame:
    """The frame of a file; its ending (ENDINGS) says what it is.

    Truth values are the texts "true" and "false", all numbers float64, dates and times texts as ISO 8601 writes them.
    A field that a row of JSON lacks is missing. Raises ValueError, one line that names file, row and line, for a file
    that is not there or cannot be read as what it is, and for one without rows.
    """
    path = existing("file", str(path))
    kind = _kind(path)
    if kind == PARQUET:
        frame = _from_table(str(path), _whole(path))
    else:
        frame = _from_json(path) if kind == JSON else _from_csv(path)
    if not frame.rows:
        raise ValueError(f"{path} has no rows: expected at least one")
    return frame


def from_columns(name: str, columns: Mapping[str, Any]) -> Frame:
    """The frame of columns in memory: sequences or arrays of n texts or numbers, by name; as `read` has them.

    name: stands where a file's path would. Raises ValueError for columns of other lengths or dimensions, or none.
    """
    arrays = {}
    for column, values in columns.items():
        try:
            array = values if isinstance(values, pa.ChunkedArray) else pa.array(values, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"{name}, column {column!r}: expected texts or numbers, one a row ({one_line(str(error))})"
            ) from None
        arrays[str(column)] = array
    lengths = {column: len(array) for column, array in arrays.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise ValueError(f"{name}: expected columns of the same length, at least one row, found {lengths or 'none'}")
    return _from_table(name, pa.table(arrays))


def each(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where it stands, its fields) of every row of a file, in order, as the file has them; cells of CSV are texts.

    Raises as `read` does, when it comes to the row.
    """
    kind = _kind(path)
    if kind == JSON:
        yield from ((where, row) for where, _, row in json_rows.objects(path))
    elif kind == CSV:
        names: list[str] = []
        for where, _, found in csv_rows.cells(path):
            if names:
                yield where, dict(zip(names, found, strict=True))
            names = names or found
    else:
        yield from _parquet_rows(path)


def _kind(path: Path) -> tuple[str, ...]:
    """The endings of the file's kind."""
    name = path.name.lower().removesuffix(".gz")
    for kind in (JSON, CSV, PARQUET):
        if name.endswith(kind):
            return kind
    raise ValueError(f"{path}: expected a name that ends in {', '.join(ENDINGS)}")


def _from_json(path: Path) -> Frame:
    lines: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for _, line, row in json_rows.objects(path):
            lines.append(line)
            yield row

    columns, broken = of_objects(
        rows(), lambda row, column: f"{path}, row {row} (line {lines[row]}), column {column!r}"
    )
    return Frame(str(path), columns, len(lines), np.array(lines, np.int64), broken)


def _from_csv(path: Path) -> Frame:
    lines: list[int] = []
    found = csv_rows.cells(path)
    _, _, names = next(found)

    def rows() -> Iterator[list[str]]:
        for _, line, row in found:
            lines.append(line)
            yield row

    columns = of_texts(rows(), names)
    return Frame(str(path), columns, len(lines), np.array(lines, np.int64), {})


def _from_table(name: str, table: pa.Table) -> Frame:
    columns, broken = {}, {}
    for column in table.column_names:
        try:
            columns[column] = standard(table[column], partial(_cell, name, column))
        except ValueError as error:
            broken[column] = str(error)
        except pa.ArrowException as error:
            found = f"{table[column].type} ({one_line(str(error))})"
            broken[column] = f"{name}, column {column!r}: expected texts or numbers, found {found}"
    return Frame(name, columns, table.num_rows, None, broken)


def _cell(name: str, column: str, row: int) -> str:
    return f"{name}, row {row}, column {column!r}"


def _parquet(path: Path) -> parquet.ParquetFile:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.startswith(b"PAR1"):
        refuse_foreign(path, head)
    with _readable(path):
        return parquet.ParquetFile(path)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        cause = one_line(str(error))
        raise ValueError(f"{path} is cut off, damaged or no Parquet ({cause}): fetch or write it again") from None


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    row = 0
    with _readable(path):
        for batch in _parquet(path).iter_batches(BATCH):
            try:
                listed = batch.to_pylist()
            except UnicodeDecodeError as error:
                raise ValueError(f"{path}, after row {row - 1}: expected UTF-8 ({error})") from None
            for fields in listed:
                yield f"{path}, row {row}", fields
                row += 1


def _whole(path: Path) -> pa.Table:
    with _readable(path):
        table = _parquet(path).read()
        names = table.column_names
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise ValueError(f"{path}: expected names of columns that differ, found {repeated[0]!r} twice")
    return table
