"""Figures leave files and nothing else: no style, no backend, no open figure."""

import errno
import sys
from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure

from experiments.reporting.figures import STYLE, draw_all, save, shown


def line_plot(lines: list[dict]) -> Figure:
    figure = Figure()
    figure.subplots().plot([line["x"] for line in lines])
    return figure


def test_what_the_lines_allow_is_drawn_and_the_style_is_taken_back(tmp_path):
    before = dict(matplotlib.rcParams)
    figures = {"curve": (line_plot, "A curve."), "none": (lambda lines: None, "Never.")}
    made = draw_all(figures, [{"x": 1}, {"x": 2}], tmp_path / "figures")
    assert made == [("curve.png", "A curve.")]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["curve.pdf", "curve.png"]
    assert (tmp_path / "figures/curve.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "figures/curve.pdf").read_bytes()[:4] == b"%PDF"
    assert {name: matplotlib.rcParams[name] for name in STYLE} == {name: before[name] for name in STYLE}
    draw_all(figures, [{"x": 1}, {"x": 2}], tmp_path / "again")  # the same lines make the same files
    for name in ("curve.png", "curve.pdf"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "figures" / name).read_bytes()
    assert shown(made) == ["## Figures", "![A curve.](figures/curve.png)\n\nA curve."]


def test_pyplot_is_not_needed(tmp_path):
    """It keeps every figure open and chooses a backend for the whole process."""
    loaded = sys.modules.pop("matplotlib.pyplot", None)
    draw_all({"curve": (line_plot, "A curve.")}, [{"x": 1}], tmp_path)
    assert "matplotlib.pyplot" not in sys.modules
    if loaded:
        sys.modules["matplotlib.pyplot"] = loaded


def test_a_full_disk_is_an_error_of_the_system_and_leaves_the_old_file(tmp_path, monkeypatch):
    """Renderers that write to it themselves say something else when they close their file."""
    (tmp_path / "a.pdf").write_text("old")

    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device"):
        save(Figure(), tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]
