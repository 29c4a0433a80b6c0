"""The tables of the results pages, and that of README, say what the recorded lines say."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from valuation.methods import METHODS

ROOT = Path(__file__).parent.parent.parent
README, GALLERY = ROOT / "README.md", ROOT / "experiments" / "gallery"
RESULTS, PAST = GALLERY / "README.md", GALLERY / "past" / "README.md"
FRESH = {
    "images": "images-mixed", "sentiment": "sentiment", "instructions": "instructions", "reasoning": "reasoning",
    "ConvNet": "images-convnet",
}  # fmt: skip
LINES = {  # page -> task -> the lines of its column
    RESULTS: FRESH,
    README: FRESH,
    PAST: {
        "images": "past/images-mixed", "sentiment": "past/sentiment",
        "instructions": "past/instructions", "reasoning": "past/reasoning",
    },
}  # fmt: skip
FROM_THE_ABLATION = "MMD + size"  # of the past: made of terms in the lines, after the runs
pages = pytest.mark.parametrize("page", LINES, ids=lambda page: str(page.relative_to(ROOT)))


def lines(name: str, kind: str) -> list[dict]:
    recorded = map(json.loads, (GALLERY / f"{name}.jsonl").read_text().splitlines())
    return [line for line in recorded if line["kind"] == kind]


def table(page: Path, header: str) -> dict[str, list[str]]:
    """The other cells of every row, by its first cell."""
    _, _, rest = page.read_text().partition(f"\n| {header}")
    whole = [row for row in rest.split("\n\n")[0].splitlines()[2:] if row.startswith("|")]
    rows = [row.strip("| ").split(" | ") for row in whole]
    return {first: cells for first, *cells in rows}


def with_interval(line: dict | None, digits: int) -> str:
    """A dash where nothing was recorded, or all values are equal and have no correlation."""
    if line is None or line["spearman"] is None:
        return "–"
    low, high = line["low_high"]
    return f"{line['spearman']:.{digits}f} ({low:.2f} to {high:.2f})"


@pages
def test_all_tasks(page):
    shown = table(page, "method | " + " | ".join(LINES[page]))
    assert len(shown) > 5
    for column, recorded in enumerate(LINES[page].values()):
        summaries = {METHODS[line["method"]].title: with_interval(line, 2) for line in lines(recorded, "summary")}
        if FROM_THE_ABLATION not in summaries and page == PAST:
            (pair,) = (x for x in lines(recorded, "ablation") if sorted(x["terms"]) == ["discrepancy", "size"])
            summaries[FROM_THE_ABLATION] = f"{pair['spearman']:.2f} ("
        for title, cells in shown.items():
            assert cells[column].startswith(summaries.get(title, "–"))


@pytest.mark.parametrize("page", [RESULTS, PAST], ids=["results", "past"])
def test_images(page):
    shown = table(page, "method | Spearman (95 %)")
    folder = "past/" if page == PAST else ""
    mixed, equal = ({x["method"]: x for x in lines(f"{folder}images-{name}", "summary")} for name in ("mixed", "equal"))
    correlations = lines(f"{folder}images-mixed", "correlation")
    for name, line in mixed.items():
        low, high = line["less_than_choice"]
        cells = [
            with_interval(line, 3),
            ", ".join(f"{value:.2f}" for value in (x["spearman"] for x in correlations if x["method"] == name)),
            with_interval(equal.get(name), 3),
            *([] if page == PAST else [f"{low:.2f} to {high:.2f}"]),
            f"{line['regret']:.3f}",
            "–" if line["accuracy_error"] is None else f"{line['accuracy_error']:.3f}",
        ]
        assert shown[METHODS[name].title][: len(cells)] == cells
        assert np.isclose(float(shown[METHODS[name].title][len(cells) + 1]), line["seconds"], atol=0.051)
    assert len(shown) == len(mixed)


@pages
def test_commits_and_agreement_of_seeds(page):
    text = re.sub(r"\s+", " ", page.read_text())
    for recorded in LINES[page].values():
        (run,), (agreement,) = lines(recorded, "run"), lines(recorded, "agreement")
        assert run["commit"] in text
        assert f"{run['seconds']:,.0f} s" in text
        assert f"{agreement['seed_agreement']:.3f}" in text


@pytest.mark.parametrize(("header", "measure"), [("rule | images", "regret"), ("forecast by | images", "forecast")])
def test_mixing(header, measure):
    summaries = {(x["task"], x["name"]): x for x in lines("mixing", "summary") if x["measure"] == measure}
    for name, cells in table(RESULTS, header).items():
        both = summaries["all", name]
        spans = [f"{both[key]:.3f} ({low:.3f} to {high:.3f})"
                 for key in ("mean", "above") if key in both for low, high in [both[f"{key}_interval"]]]  # fmt: skip
        means = [f"{summaries[task, name]['mean']:.3f}" for task in ("images", "sentiment")]
        assert cells == [*means, *[*spans, "–"][:2]]
