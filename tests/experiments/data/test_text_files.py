"""Paths as people write them."""

import os
import re

import pytest

from experiments.data.text_files import existing


def test_paths_with_blanks_and_a_home_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a.csv", "b c.csv", " d.csv"):
        (tmp_path / name).write_text("x\n")
    assert existing("real", f" {tmp_path}/a.csv ") == tmp_path / "a.csv"
    assert existing("real", "~/b c.csv") == tmp_path / "b c.csv"
    assert existing("real", f"{tmp_path}/ d.csv") == tmp_path / " d.csv"


def test_paths_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text("x\n")
    os.mkfifo(tmp_path / "pipe")
    for text, words in (
        ("", "real is empty: expected a file"),
        ("  ", "real is empty"),
        (f"{tmp_path}/revews.csv", "there is no such file; did you mean 'reviews.csv'?"),
        (f"{tmp_path}/nowhere/a.csv", "there is no such file"),
        (f"{tmp_path}", "expected a file, found a folder"),
        (f"{tmp_path}/pipe", "expected a file, found something else"),
        (f"{tmp_path}/{'a' * 300}", "real=.*too long"),
        ("a\0b", "there is no such file"),
        ("~nobody-of-this-name/a.csv", "real=~nobody"),
    ):
        with pytest.raises(ValueError, match=words if "*" in words else re.escape(words)):
            existing("real", text)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ValueError, match=r"reviews\.csv: no permission to read it"):
        existing("real", f"{tmp_path}/reviews.csv")
