"""Page and figures of the study of stability, from its lines alone."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from experiments.reporting.figures import COLOURS, GREY, Figures, draw_all, heat_map, shown
from experiments.reporting.markdown import decimal, provenance, table, with_span
from experiments.runtime import results, study
from experiments.runtime.results import select
from valuation.methods import METHODS

WHAT = """A cell is the mean Spearman correlation, within a draw, of a method's values on fewer examples of every
contributor, or from other initialisations and keys, with its own values on all of them. A dash: all values are equal,
or the method cannot be asked with so few examples."""
COST = """*s a draw* are seconds without compiling, where values that took less than ten seconds were made twice;
*first*, those of the first time, with it. A training on the union counts in full for each method that looks at it.
*MB*: the largest resident memory of a process while it makes the values, and what of it was there before (data, model,
contributors), as of a process that values nothing. The interval is 95 %, over resampled draws, contributors and seeds.
"""
MARKED = 8  # methods with a colour of their own: the best on all examples


def columns(lines: list[dict]) -> list[tuple[float, int, str]]:
    """(share, start, title) of what the values are compared with those of all examples."""
    pairs = sorted({(-x["share"], x["start"]) for x in select(lines, kind="stability summary")})
    return [
        (-share, start, "other starts" if start else f"{-share:.0%} of examples")
        for share, start in pairs
        if (share, start) != (-1.0, 0)
    ]


def grid_of(lines: list[dict]) -> tuple[np.ndarray, list[str]]:
    """(correlations with itself (methods, columns), methods: the most stable first)."""
    cells = {(x["method"], x["share"], x["start"]): x["itself"] for x in select(lines, kind="stability summary")}
    names = list(dict.fromkeys(name for name, _, _ in cells))
    grid = np.array([[cells[name, share, start] for share, start, _ in columns(lines)] for name in names], float)
    order = np.argsort(-np.nan_to_num(grid, nan=-1).mean(1), kind="stable")
    return grid[order], [names[i] for i in order]


def heat(lines: list[dict]) -> Figure | None:
    """Methods x shares, coloured by the agreement of a method with itself."""
    grid, names = grid_of(lines)
    titles = [title for _, _, title in columns(lines)]
    return heat_map(grid, [METHODS[name].title for name in names], titles, "Spearman correlation with itself")


def budgets(lines: list[dict]) -> Figure | None:
    """Correlation with the truth against seconds (left) and against memory (right), a line a method over its shares."""
    every = [x for x in select(lines, kind="stability summary", start=0) if x["truth"] is not None and x["seconds"]]
    if not every:
        return None
    best = sorted((x for x in every if x["share"] == 1), key=lambda x: -x["truth"])[:MARKED]
    colours = {x["method"]: colour for x, colour in zip(best, COLOURS, strict=False)}
    taken = select(lines, kind="memory")
    memory = {(x["method"], x["share"]): x["peak_megabytes"] for x in taken}
    figure = Figure(figsize=(11, 4.6))
    panels = figure.subplots(1, 2, sharey=True)
    for name in dict.fromkeys(x["method"] for x in every):
        chosen = sorted(select(every, method=name), key=lambda x: x["share"])
        style = {"color": colours.get(name, GREY), "lw": 1.3 if name in colours else 0.6, "marker": "o"}
        label = METHODS[name].title if name in colours else None
        sizes = [3 + 4 * x["share"] for x in chosen]
        for panel, cost in zip(panels, (_seconds, lambda x: memory.get((x["method"], x["share"]))), strict=True):
            points = [(cost(x), x["truth"], size) for x, size in zip(chosen, sizes, strict=True) if cost(x)]
            if points:
                x, y, _ = zip(*points, strict=True)
                panel.plot(x, y, ms=3.5, label=label, zorder=2 if name in colours else 1, **style)
                panel.plot(x[-1:], y[-1:], "o", ms=7, color=style["color"])
    panels[0].set(xscale="log", xlabel="seconds for all contributors of a draw", ylabel="Spearman with the truth")
    panels[1].set(xscale="log", xlabel="memory of a process that makes the values, MB")
    if taken:
        panels[1].axvline(float(np.median([x["megabytes_before"] for x in taken])), color=GREY, ls=":", lw=1)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=8)
    return figure


def _seconds(line: dict) -> float | None:
    return line["seconds"]


FIGURES: Figures = {
    "stability": (heat, "How much of its order a method keeps on fewer examples, and from other starts."),
    "budgets": (
        budgets,
        "What an order costs. A line is a method on 1, 10, 25, 50 and 100 % (large dot) of the examples of every "
        "contributor; methods of equal cost stand above one another. Grey: the methods that order worse. Memory was "
        "measured on 1 and 100 %; dotted: that of a process that values nothing.",
    ),
}


def write(workdir: str | Path) -> Path:
    """Draws the figures and writes workdir/report.md; its path."""
    lines, workdir = results.finished(workdir), Path(workdir)
    grid, names = grid_of(lines)
    head = ["method", *(title for _, _, title in columns(lines))]
    known = [[decimal(None if np.isnan(rho) else rho) for rho in row] for row in grid]
    rows = [[METHODS[name].title, *row] for name, row in zip(names, known, strict=True)]
    made = draw_all(FIGURES, lines, workdir / "figures")
    parts = ["# Is a value stable, and what does a budget buy?", provenance(lines[0]), WHAT, table(head, rows)]
    return study.write_page(workdir, "\n\n".join([*parts, *_budget(lines), *_equal(lines), *shown(made)]) + "\n")


def _budget(lines: list[dict]) -> list[str]:
    """The table of correlation with the truth, seconds and memory at every share."""
    memory = {(x["method"], x["share"]): x for x in select(lines, kind="memory")}
    rows = []
    for line in select(lines, kind="stability summary", start=0):
        taken = memory.get((line["method"], line["share"]))
        more = [f"{taken[field]:,.0f}" if taken else "–" for field in ("peak_megabytes", "megabytes_before")]
        seconds = [_in_seconds(line[field]) for field in ("seconds", "first_seconds")]
        rows.append([METHODS[line["method"]].title, f"{line['share']:.0%}", _judged(line), *seconds, *more])
    head = ["method", "examples", "Spearman with the truth", "s a draw", "first", "MB", "MB before"]
    return ["## Budgets", COST.rstrip(), table(head, rows)]


def equal_seconds(lines: list[dict]) -> str:
    """The table of what methods reach within the same seconds, a column a budget; "" without a truth."""
    every = select(lines, kind="equal seconds")
    if not every or all(line["truth"] is None for line in every):
        return ""
    budgets = {line["times"]: line["budget"] for line in every}
    cells = {(line["method"], line["times"]): line for line in every}
    names = list(dict.fromkeys(line["method"] for line in every))
    order = sorted(names, key=lambda name: -max(_rank(cells.get((name, times))) for times in budgets))
    rows = [
        [METHODS[name].title, *(cell for times in budgets for cell in _within(cells.get((name, times))))]
        for name in order
    ]
    head = [title for seconds in budgets.values() for title in (f"within {seconds:.2f} s", "on")]
    return table(["method", *head], rows)


def _equal(lines: list[dict]) -> list[str]:
    made = equal_seconds(lines)
    said = (
        "The seconds of the method of choice on all examples, and ten times that: how well each method orders on the "
        "largest share of the examples with which it stays within them. A dash: it never does."
    )
    return ["## Equal seconds", said, made] if made else []


def _within(line: dict | None) -> tuple[str, str]:
    return ("–", "") if line is None else (_judged(line), f"{line['share']:.0%}")


def _rank(line: dict | None) -> float:
    return -2.0 if line is None or line["truth"] is None else line["truth"]


def _judged(line: dict) -> str:
    """The correlation with the truth and its interval."""
    return decimal(None) if line["truth"] is None else with_span(line["truth"], line["interval"], decimal)


def _in_seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.2f}"
