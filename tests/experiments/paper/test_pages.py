"""Pages against their lines: what is committed is what the lines give, and a stale cell or figure is named."""

import functools
import shutil

import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments.paper import figures, pages, record
from experiments.reporting.figures import fingerprint, save_shown, saved_fingerprint


@pytest.fixture(scope="module")
def read():
    return functools.cache(record.recorded)


def test_every_table_and_figure_of_the_pages_is_what_its_lines_give(read):
    assert [*pages.stale(read), *figures.stale(read, record.GALLERY, pages.shown())] == []


def test_a_picture_that_no_line_gives_is_named(tmp_path, monkeypatch):
    """On a page or in the folder."""
    monkeypatch.setattr(figures, "PICTURES", ())
    page, *others = pages.PAGES
    for path in others:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    (tmp_path / page).write_text("![Old](experiments/gallery/old.png) and [a link](linked.png)")
    folder = tmp_path / "experiments" / "gallery"
    (folder / "left.png").touch()
    shown = pages.shown(tmp_path)
    assert folder / "old.png" in shown
    wrong = figures.stale(lambda _: [], folder, {path for path in shown if path.parent == folder})
    assert [line.split()[0] for line in wrong] == ["left.png", "old.png"]


def test_a_stale_cell_is_named_and_mended(read, tmp_path):
    for page in pages.PAGES:
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(record.ROOT / page, tmp_path / page)
    readme = tmp_path / "README.md"
    whole = readme.read_text()
    readme.write_text(whole.replace("0.96 (0.89 to 0.98)", "0.99 (0.89 to 0.98)", 1))
    (wrong,) = pages.stale(read, tmp_path)
    assert "README.md, table chosen" in wrong
    assert "0.99 (0.89 to 0.98)" in wrong
    assert pages.write(read, tmp_path) == [readme]
    assert readme.read_text() == whole


def test_a_table_that_there_is_not_is_refused(read):
    with pytest.raises(ValueError, match=r"table .imgaes.*images"):
        pages.filled("<!-- table: imgaes -->\n<!-- end -->\n", read)
    assert pages.filled("no table", read) == "no table"


def chart(value: float = 1.0, title: str = "a", dots: int = 3, tick: str = "left") -> Figure:
    figure = Figure()
    axes = figure.subplots()
    axes.bar([0, 1], [value, 2])
    axes.plot([0, 1], [1, 2], label="line")
    axes.scatter(np.arange(dots), np.ones(dots))
    axes.fill_between([0, 1], [0, 0], [value, 1])
    axes.set_title(title)
    axes.set_xticks([0, 1], [tick, "right"])
    axes.legend()
    return figure


def test_a_fingerprint_follows_what_is_shown_and_not_how(tmp_path):
    same = chart()
    same.set_size_inches(3, 2)
    assert fingerprint(same) == fingerprint(chart(1 + 1e-9)) == fingerprint(chart())
    others = {fingerprint(chart(*given)) for given in ((), (1.01,), (1.0, "b"), (1.0, "a", 4), (1.0, "a", 3, "l"))}
    assert len(others) == 5
    save_shown(same, tmp_path / "shown.png")
    assert saved_fingerprint(tmp_path / "shown.png") == fingerprint(chart())
    chart().savefig(tmp_path / "plain.png", dpi=20)
    assert saved_fingerprint(tmp_path / "plain.png") is None
    assert saved_fingerprint(tmp_path / "none.png") is None
