"""Numbers of a Stata file (.dta, releases 117 to 119), as Stata's manual describes the format (help dta)."""

import struct
from collections.abc import Sequence

import numpy as np

TYPES = {65526: "f8", 65527: "f4", 65528: "i4", 65529: "i2", 65530: "i1"}  # codes of columns of numbers
LARGEST = {"f8": 8.98e307, "f4": 1.70e38, "i4": 2_147_483_620, "i2": 32_740, "i1": 100}  # above: missing
NAME = {117: 33, 118: 129, 119: 129}  # bytes of a column's name
COUNTS = {117: ("H", "I"), 118: ("H", "Q"), 119: ("I", "Q")}  # of columns and of rows
PLACES = 14  # of the parts of the file; those of types, names and data are the ones below
TYPES_AT, NAMES_AT, DATA_AT = 2, 3, 9


def numbers(content: bytes, names: Sequence[str], where: str) -> dict[str, np.ndarray]:
    """Columns of numbers by name, each (n,) float64, NaN where one is missing.

    content: of the file. where: the file, for messages. Raises ValueError for another format, for names that the file
    lacks and for columns of texts.
    """
    head = content[:200]
    release = int(head[28:31]) if head.startswith(b"<stata_dta><header><release>") and head[28:31].isdigit() else 0
    if release not in COUNTS:
        raise ValueError(f"{where}: expected a Stata file of release {', '.join(map(str, COUNTS))}, found another")
    order = "<" if b"<byteorder>LSF" in head else ">"
    kind_k, kind_n = COUNTS[release]
    (columns,) = struct.unpack_from(order + kind_k, content, head.index(b"<K>") + 3)
    (rows,) = struct.unpack_from(order + kind_n, content, head.index(b"<N>") + 3)
    places = struct.unpack_from(f"{order}{PLACES}Q", content, content.index(b"<map>") + 5)
    codes = struct.unpack_from(f"{order}{columns}H", content, places[TYPES_AT] + len("<variable_types>"))
    start, width = places[NAMES_AT] + len("<varnames>"), NAME[release]
    known = [content[start + i * width :][:width].split(b"\0")[0].decode() for i in range(columns)]
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: expected a column {name!r}, found {', '.join(known)}")
        if codes[known.index(name)] not in TYPES:
            raise ValueError(f"{where}, column {name!r}: expected numbers, found texts")
    formats = [(order + TYPES[code]) if code in TYPES else f"S{8 if code == 32768 else code}" for code in codes]
    layout = np.dtype({"names": known, "formats": formats, "offsets": _offsets(formats)})
    table = np.frombuffer(content, layout, rows, places[DATA_AT] + len("<data>"))
    return {name: _with_gaps(table[name], TYPES[codes[known.index(name)]]) for name in names}


def _offsets(formats: list[str]) -> list[int]:
    return np.cumsum([0, *(np.dtype(one).itemsize for one in formats[:-1])]).tolist()


def _with_gaps(values: np.ndarray, kind: str) -> np.ndarray:
    return np.where(values > LARGEST[kind], np.nan, values.astype(np.float64))
