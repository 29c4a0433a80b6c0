"""CSV as rows: comma, semicolon or tab between cells, quotes around what holds them or line ends."""

import contextlib
import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from experiments.data.text_files import opened, refuse_nul
from experiments.reporting.plain_text import one_line

NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
SEPARATORS = ",;\t"
DECLARED = re.compile(f"sep=([{SEPARATORS}])", re.IGNORECASE)  # a first line for Excel, which is no row
LONGEST = 2**31 - 1  # characters of a cell
HELD = "\0"  # stands for a line end inside a text while rows are split; no text has it of its own


def cells(path: Path) -> Iterator[tuple[str, int, list[str]]]:
    """(where it stands, its line from 1 on, its cells) of every row of a file; first of all the names of the columns.

    The header alone says what separates, comma, semicolon or tab, or a line before it does, sep=; as for Excel. A quote
    inside quotes is doubled. Blank lines are no rows; a column without a name is "column N". Raises ValueError, naming
    file, row and line, for names that repeat or are numbers, another number of cells than the header has, quotes that
    do not close or stand wrong, and a NUL; and what text_files.opened raises.
    """
    with opened(path) as file, _any_length():
        first = file.readline()
        other = "\r" if first.endswith("\n") else "\n"
        lines = _lines(path, itertools.chain([first], file), other)
        before, header = _first(path, lines)
        declared = DECLARED.fullmatch(header.rstrip("\r\n"))
        if declared:
            before, header = _first(path, lines)
        separator = declared[1] if declared else _separator(f"{path}, line {before + 1}", header)
        text = (line for _, line in itertools.chain([(before + 1, header)], lines))
        reader = csv.reader(text, delimiter=separator, strict=True)
        row, begin, width = -1, before + 1, 0
        while True:
            where = f"{path}, row {row} (line {begin})" if row >= 0 else f"{path}, line {begin}"
            try:
                found = next(reader, None)
            except csv.Error as error:
                raise ValueError(
                    f"{where}: expected quotes that close, and {separator!r} after them ({one_line(str(error))}); a "
                    "quote inside quotes is doubled"
                ) from None
            if found is None and row < 0:
                raise ValueError(f"{path} has no names of columns: expected a header and rows")
            if found is None:
                return
            if len(found) > 1 or any(map(str.strip, found)):
                found = _names(where, found) if row < 0 else found
                width = width or len(found)
                if len(found) != width:
                    raise ValueError(
                        f"{where}: expected {width} cells as in the header, found {len(found)}; what holds "
                        f"{separator!r} or a line end stands in quotes"
                    )
                yield where, begin, [cell.replace(HELD, other) if HELD in cell else cell for cell in found]
                row += 1
            begin = before + reader.line_num + 1


def _lines(path: Path, pieces: Iterable[str], other: str) -> Iterator[tuple[int, str]]:
    """(number, line) of every line. All end as the first one does: the other mark on its own is part of a text, and
    stands as HELD, since the csv module would end a row there."""
    held, number = "", 0
    for piece in pieces:
        refuse_nul(piece, f"{path}, line {number + 1}")
        if piece.endswith(other) and not piece.endswith("\r\n"):
            held += piece[:-1] + HELD
            continue
        number += 1
        yield number, held + piece
        held = ""
    if held:
        yield number + 1, held


def _first(path: Path, lines: Iterator[tuple[int, str]]) -> tuple[int, str]:
    """(number of lines before it, the line) of the next line that is not blank."""
    for number, line in lines:
        if line.strip():
            return number - 1, line
    raise ValueError(f"{path} is empty: expected rows")


@contextlib.contextmanager
def _any_length() -> Iterator[None]:
    """Cells of any length, which the csv module allows only for the whole process."""
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _separator(where: str, header: str) -> str:
    """The separator that stands in the header, outside of quotes."""
    plain = "".join(header.split('"')[::2])
    counts = {separator: plain.count(separator) for separator in SEPARATORS}
    found = [separator for separator, count in counts.items() if count]
    if len(found) > 1:
        raise ValueError(
            f"{where}: expected one separator between the names of columns, found {found}: put names that hold "
            "one into quotes"
        )
    return found[0] if found else SEPARATORS[0]


def _names(where: str, header: list[str]) -> list[str]:
    names = [name.strip() or f"column {i}" for i, name in enumerate(header, start=1)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{where}: expected names of columns that differ, found {name!r} twice")
    numbers = [name for name in names if NUMBER.fullmatch(name)]
    first = int(numbers[0]) if numbers and numbers[0].isdecimal() else -1
    counted = [str(first + i) for i in range(len(numbers))]  # 0, 1, 2, ... or years: names, unlike a single number
    if numbers and (numbers != counted or len(numbers) == 1):
        raise ValueError(
            f"{where}: expected the names of the columns, found the number {numbers[0]}: give the file a header"
        )
    return names
