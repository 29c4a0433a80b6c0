"""What cells say: numbers, labels, missing ones; the same for 1, "1" and 1.0, whatever file they come from."""

import re
import shlex
from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from experiments.reporting.plain_text import one_line

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")  # instead of a number, in any case
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
CODE = r"^[+-]?0\d"  # begins with a zero that a number would not: 01 is not 1
WHOLE = r"^[+-]?\d+$"
NUMERIC = r"^[+-]?[\d.,' ]*\d[\d.,' ]*([eE][+-]?\d+)?\s?[%€$£]?$"  # means a number, whether it is one or not
MOSTLY = 0.9  # of the cells of a column of numbers mean one


def is_texts(column: pa.ChunkedArray) -> bool:
    """Whether its cells are texts; they may mean numbers."""
    return pa.types.is_large_string(column.type)


def means_numbers(column: pa.ChunkedArray) -> bool:
    """Whether nine of ten cells that are not missing are numbers or meant as such, as 1,234 or 5 %; there is one."""
    if not is_texts(column):
        return column.null_count < len(column)
    texts = _trimmed(column)
    there = pc.invert(_absent(texts))
    meant = pc.and_(there, pc.match_substring_regex(pc.fill_null(texts, ""), NUMERIC))
    count = pc.sum(there).as_py() or 0
    return count > 0 and (pc.sum(meant).as_py() or 0) >= MOSTLY * count


def numbers(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """(the numbers (n,) float64, NaN where there is none; which cells (n,) are not missing and no finite number)."""
    if is_texts(column):
        texts = _trimmed(column)
        absent = _absent(texts)
        valid = pc.match_substring_regex(pc.fill_null(texts, ""), NUMBER)
        digits = pc.replace_substring_regex(pc.if_else(valid, texts, pa.scalar(None, texts.type)), r"^\+", "")
        found = digits.cast(pa.float64())
    else:
        absent, found = pc.is_null(column), column
    values = np.array(found.to_numpy(), np.float64)
    wrong = ~np.isfinite(values) & ~np.asarray(absent.to_numpy(), bool)
    values[wrong] = np.nan
    return values, wrong


def labels(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """(number (n,) of each cell's label, -1 where it is missing; the labels in order: by number, else as texts).

    Labels are texts without blanks around them; numbers as short as they are, so that 1, 1.0 and "1" are one label, as
    are True and "true"; 01 is another.
    """
    encoded = (_trimmed(column) if is_texts(column) else column).combine_chunks().dictionary_encode()
    spelled = [_label(cell) for cell in encoded.dictionary.to_pylist()]
    known = sorted(set(spelled) - {""})
    if all(re.match(NUMBER, label) for label in known):
        known.sort(key=float)
    number = {label: i for i, label in enumerate(known)}
    numbers_of = np.array([*(number.get(label, -1) for label in spelled), -1], np.int32)
    return numbers_of[np.array(pc.fill_null(encoded.indices, -1).to_numpy(), np.int64)], known


def blank(column: pa.ChunkedArray) -> np.ndarray:
    """Which cells (n,) are missing or hold nothing but white space."""
    absent = pc.equal(pc.fill_null(_trimmed(column), ""), "") if is_texts(column) else pc.is_null(column)
    return np.asarray(absent.to_numpy(), bool)


def texts(column: pa.ChunkedArray) -> list[str]:
    """The cells as texts, as they are; "" where one is missing."""
    if is_texts(column):
        return pc.fill_null(column, "").to_pylist()
    return ["" if cell is None else _label(cell) for cell in column.to_pylist()]


def listed(words: Collection[str], most: int = 10) -> str:
    """The first words for a message, each on one line and with nothing that steers a terminal."""
    return ", ".join(map(one_line, [*words][:most])) + (", ..." if len(words) > most else "")


def argument(word: str) -> str:
    """The word for a message that says what to type: quoted as a shell wants it."""
    return one_line(shlex.quote(word))


def shown(column: pa.ChunkedArray, row: int) -> str:
    """A cell for a message."""
    return repr(column[row].as_py())[:40]


def _label(cell: str | float | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        if cell.lower() in ("true", "false"):
            return cell.lower()
        if not re.match(NUMBER, cell) or re.match(CODE, cell):
            return cell
        if re.match(WHOLE, cell):
            return str(int(cell))  # exact, however long
    value = float(cell)
    return str(int(value)) if value.is_integer() else repr(value)


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_trim_whitespace(column)


def _absent(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_in(pc.utf8_lower(pc.fill_null(texts, "")), value_set=pa.array(MISSING, texts.type))
