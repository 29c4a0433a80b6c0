import struct

import numpy as np
import pytest

from experiments.data import stata

COLUMNS = {"qsmk": (65530, "b"), "name": (5, "5s"), "year": (65529, "h"), "id": (65528, "i"), "kg": (65527, "f"),
           "exact": (65526, "d")}  # fmt: skip
ROWS = [(1, b"ab", 71, 9, 1.5, 0.1), (101, b"c", 32_741, 2_147_483_621, 2.0**127, 2.0**1023)]  # the second is missing


def written(order: str = "<", release: int = 118) -> bytes:
    """A file as `help dta` describes it: parts between tags, and a map that says where each begins."""
    names = b"".join(name.encode().ljust(33 if release == 117 else 129, b"\0") for name in COLUMNS)
    codes = struct.pack(f"{order}{len(COLUMNS)}H", *(code for code, _ in COLUMNS.values()))
    layout = order + "".join(form for _, form in COLUMNS.values())
    data = b"".join(struct.pack(layout, *row) for row in ROWS)
    counts = struct.pack(order + "H", len(COLUMNS)), struct.pack(order + ("I" if release == 117 else "Q"), len(ROWS))
    head = (
        b"<stata_dta><header><release>%d</release><byteorder>%s</byteorder><K>%s</K><N>%s</N><label></label></header>"
    )
    parts = {2: b"<variable_types>" + codes, 3: b"<varnames>" + names, 9: b"<data>" + data}
    start = head % (release, b"LSF" if order == "<" else b"MSF", *counts)
    places, at = [0] * 14, len(start) + len(b"<map>") + 14 * 8 + len(b"</map>")
    for number, part in parts.items():
        places[number], at = at, at + len(part)
    return start + b"<map>" + struct.pack(f"{order}14Q", *places) + b"</map>" + b"".join(parts.values())


@pytest.mark.parametrize(("order", "release"), [("<", 118), (">", 118), ("<", 117)])
def test_numbers_of_every_kind_and_what_is_missing(order, release):
    found = stata.numbers(written(order, release), ("kg", "qsmk", "year", "id", "exact"), "a.dta")
    expected = {"qsmk": 1, "year": 71, "id": 9, "kg": 1.5, "exact": 0.1}
    assert {name: column[0] for name, column in found.items()} == expected
    assert all(np.isnan(column[1]) for column in found.values())


def test_what_it_cannot_read_is_said():
    with pytest.raises(ValueError, match=r"a\.dta: expected a column 'age', found qsmk, name, year"):
        stata.numbers(written(), ("age",), "a.dta")
    with pytest.raises(ValueError, match=r"a\.dta, column 'name': expected numbers, found texts"):
        stata.numbers(written(), ("name",), "a.dta")
    with pytest.raises(ValueError, match=r"a\.dta: expected a Stata file of release 117, 118, 119"):
        stata.numbers(b"q" * 300, ("age",), "a.dta")
