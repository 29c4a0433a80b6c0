"""The tables of the results page, and that of README, say what the recorded lines say."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from valuation.methods import METHODS

ROOT = Path(__file__).parent.parent.parent
GALLERY = ROOT / "experiments" / "gallery"
TASKS = ("images-mixed", "sentiment", "instructions", "reasoning")
PAGES = (GALLERY / "README.md", ROOT / "README.md")
FROM_THE_ABLATION = "MMD + size"  # made of terms in the lines, after the runs


def lines(name: str, kind: str) -> list[dict]:
    recorded = map(json.loads, (GALLERY / f"{name}.jsonl").read_text().splitlines())
    return [line for line in recorded if line["kind"] == kind]


def table(page: Path, header: str) -> dict[str, list[str]]:
    """The other cells of every row, by its first cell."""
    _, _, rest = page.read_text().partition(f"\n| {header}")
    rows = [row.strip("| ").split(" | ") for row in rest.split("\n\n")[0].splitlines()[2:]]
    return {first: cells for first, *cells in rows}


def with_interval(line: dict | None, digits: int) -> str:
    """A dash where nothing was recorded, or all values are equal and have no correlation."""
    if line is None or line["spearman"] is None:
        return "–"
    low, high = line["low_high"]
    return f"{line['spearman']:.{digits}f} ({low:.2f} to {high:.2f})"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_four_tasks(page):
    shown = table(page, "method | images | sentiment")
    for column, task in enumerate(TASKS):
        summaries = {METHODS[line["method"]].title: with_interval(line, 2) for line in lines(task, "summary")}
        (pair,) = (line for line in lines(task, "ablation") if line["terms"] == ["discrepancy", "size"])
        assert shown[FROM_THE_ABLATION][column].startswith(f"{pair['spearman']:.2f} (")
        cells = {title: cells[column] for title, cells in shown.items() if title != FROM_THE_ABLATION}
        assert cells == {title: summaries.get(title, "–") for title in cells}


def test_images():
    shown = table(PAGES[0], "method | Spearman (95 %)")
    mixed, equal = ({x["method"]: x for x in lines(f"images-{name}", "summary")} for name in ("mixed", "equal"))
    correlations = lines("images-mixed", "correlation")
    for name, line in mixed.items():
        cells = [
            with_interval(line, 3),
            ", ".join(f"{value:.2f}" for value in (x["spearman"] for x in correlations if x["method"] == name)),
            with_interval(equal.get(name), 3),
            f"{line['regret']:.3f}",
            "–" if line["accuracy_error"] is None else f"{line['accuracy_error']:.3f}",
        ]
        assert shown[METHODS[name].title][:5] == cells
        assert np.isclose(float(shown[METHODS[name].title][6]), line["seconds"], atol=0.051)
    assert len(shown) == len(mixed)


@pytest.mark.parametrize("task", TASKS)
def test_commits_and_agreement_of_seeds(task):
    (run,), (agreement,) = lines(task, "run"), lines(task, "agreement")
    for page in PAGES:
        text = re.sub(r"\s+", " ", page.read_text())
        assert run["commit"] in text
        assert f"{run['seconds']:,.0f} s" in text
        assert f"{agreement['seed_agreement']:.3f}" in text
