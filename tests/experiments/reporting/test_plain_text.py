"""Texts of others: nothing in them steers, and they take no more room than there is."""

import unicodedata

import pytest

from experiments.reporting.plain_text import columns, one_line, padded, shortened, wrapped
from tests.experiments.reporting.hostile import HOSTILE

TEXTS = [
    "",
    "plain words, more of them",
    "一二三 四五六七八九十",
    "e\u0301te\u0301 " * 9,
    "x" * 60,
    "👩\u200d🔬 lab",
    HOSTILE,
]


def test_no_character_steers_and_the_others_stay():
    line = one_line(HOSTILE)
    assert {unicodedata.category(c) for c in line} & {"Cc", "Cf", "Cs"} == set()
    assert line.encode().decode() == line  # half a surrogate pair could not be written
    assert one_line("a\x1b[31mred\u202eb") == "a�[31mred�b"
    assert one_line(" two \n\n lines\u2028here ") == "two lines here"
    assert one_line("\ufeffسلام\u200cها 👩\u200d🔬 co\u00adop") == "سلام\u200cها 👩\u200d🔬 coop"


@pytest.mark.parametrize("room", [4, 10, 31])
@pytest.mark.parametrize("text", TEXTS)
def test_what_is_short_stays_and_what_is_long_fits(text, room):
    for end in (0, room // 3):
        short = shortened(text, room, end)
        assert columns(short) <= room
        if columns(one_line(text)) <= room:
            assert short == one_line(text)
        else:
            head, tail = short.split("…", 1) if end else (short[:-1], "")
            assert one_line(text).startswith(head)
            assert one_line(text).endswith(tail)
    lines = wrapped(text, room)
    assert all(columns(line) <= room for line in lines)
    assert "".join("".join(lines).split()) == "".join(one_line(text).split())


def test_a_huge_text_is_not_read_whole():
    assert shortened("word " * 1_000_000, 12) == "word word w…"
    assert shortened("\u0301" * 1_000_000, 12).endswith("…")


def test_columns_are_those_of_a_terminal():
    assert [columns(text) for text in ("abc", "一二", "e\u0301", "")] == [3, 4, 1, 0]
    assert padded("一", 4) == "一  "
