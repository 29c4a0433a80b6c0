"""What is free, against files as Linux writes them."""

import os

import numpy as np

from experiments.runtime import memory


def test_the_container_leaves_less_than_the_machine(monkeypatch, tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 2000 kB\nMemAvailable:    1000 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    assert memory.available_bytes() == 1_024_000
    (tmp_path / "memory.max").write_text("900000\n")
    (tmp_path / "memory.current").write_text("500000\n")
    (tmp_path / "memory.stat").write_text("anon 400000\ninactive_file 100000\n")
    assert memory.available_bytes() == 500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_bytes() == 1_024_000


def test_the_peak_grows_by_what_is_written():
    before = memory.peak_bytes()
    np.ones(before + 10**8, np.uint8)  # more than was ever there
    assert memory.peak_bytes() - before > 10**8


def test_a_peak_that_is_forgotten_is_that_of_what_is_there(monkeypatch, tmp_path):
    """Where the system lets a process say so; elsewhere it stays."""
    np.ones(memory.peak_bytes() + 10**8, np.uint8)
    before = memory.peak_bytes()
    memory.forget_peak()
    assert memory.peak_bytes() <= (before - 10**8 if os.access(memory.RESET, os.W_OK) else before)
    monkeypatch.setattr(memory, "RESET", tmp_path / "missing" / "file")
    memory.forget_peak()


def test_this_machine_has_some():
    assert memory.available_bytes() > 2**20
