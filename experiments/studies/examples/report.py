"""Page and figure of the study of single examples, from its lines alone."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from experiments.reporting.figures import COLOURS, GREY, MARKERS, Figures, draw_all, shown
from experiments.reporting.markdown import decimal, provenance, table, with_span
from experiments.reporting.pages import write_report
from experiments.runtime.results import select

WHAT = """*LDS*: for every test example, the Spearman correlation over random halves of the train examples between
the sum of the scores of those that a half holds and the margin that models trained on that half have there (mean over
seeds); mean over test examples, 95 % bootstrap over them. *Wrong labels found*: area under the ROC curve of finding
labels that were made wrong by low mean scores; 0.5 is chance. The last columns: mean test accuracy under the curves
below, over the shares that are left out or kept; a good order has little *without the best*, much *without the worst*
and with *only the best*. Methods look at one training on all examples, at their defaults."""


def write(workdir: str | Path) -> Path:
    """Draws the figure and writes workdir/report.md. Raises ValueError if the run is not finished."""
    return write_report(workdir, sections)


def sections(lines: list[dict], workdir: Path) -> list[str]:
    """The report's sections; the figure is drawn into workdir/figures."""
    made = draw_all(FIGURES, lines, workdir / "figures")
    return [
        "# Values of single examples",
        provenance(lines[0]),
        f"{WHAT} One seed of the halves foretells another with {decimal(seeds(lines))}.",
        methods(lines),
        *shown(made),
    ]


def methods(lines: list[dict]) -> str:
    """Every method: LDS, wrong labels found, seconds, and the area under the curve of every way."""
    areas, found = areas_of(lines), {line["method"]: line["auc"] for line in select(lines, kind="wrong labels")}
    ways = list(dict.fromkeys(way for _, way in areas))
    rows = [
        [
            line["method"],
            with_span(line["lds"], line["interval"], decimal),
            decimal(found[line["method"]]),
            f"{line['seconds']:.2f}",
            *(decimal(areas.get((line["method"], way))) for way in ways),
        ]
        for line in sorted(select(lines, kind="attribution"), key=lambda line: -line["lds"])
    ]
    return table(["method", "LDS (95 %)", "wrong labels found", "seconds", *ways], rows)


def areas_of(lines: list[dict]) -> dict[tuple[str, str], float]:
    """(method, way) -> area under its curve over the width of that: mean test accuracy, over shares and seeds."""
    every, areas = select(lines, kind="part"), {}
    for method, way in dict.fromkeys((line["method"], line["way"]) for line in every):
        chosen = sorted(select(every, method=method, way=way), key=lambda line: line["share"])
        shares, reached = [x["share"] for x in chosen], [float(np.mean(x["accuracy"])) for x in chosen]
        width = shares[-1] - shares[0]
        areas[method, way] = float(np.trapezoid(reached, shares)) / width if width else reached[0]
    return areas


def seeds(lines: list[dict]) -> float | None:
    """Mean over test examples of the Spearman correlation, over halves, of the margins of two seeds."""
    halves = select(lines, kind="half")
    numbers = sorted({line["seed"] for line in halves})
    if len(numbers) < 2:
        return None
    margins = [np.array([x["margins"] for x in select(halves, seed=seed)]) for seed in numbers[:2]]
    ranks = [np.argsort(np.argsort(one, 0), 0) - (len(one) - 1) / 2 for one in margins]
    return float(((ranks[0] * ranks[1]).sum(0) / (ranks[0] ** 2).sum(0)).mean())


def curves(lines: list[dict]) -> Figure | None:
    """Test accuracy over the share of examples that is left out, or kept alone; a panel a way."""
    every = select(lines, kind="part")
    if not every:
        return None
    ways, names = (list(dict.fromkeys(line[field] for line in every)) for field in ("way", "method"))
    figure = Figure(figsize=(3.4 * len(ways), 3.4))
    for axis, way in zip(figure.subplots(1, len(ways), squeeze=False)[0], ways, strict=True):
        for i, name in enumerate(names):
            chosen = sorted(select(every, way=way, method=name), key=lambda line: line["share"])
            reached = np.array([line["accuracy"] for line in chosen])
            colour = GREY if name == "random" else COLOURS[i % len(COLOURS)]
            axis.errorbar([line["share"] for line in chosen], reached.mean(1), reached.std(1), color=colour, lw=1.1,
                          marker=MARKERS[i % len(MARKERS)], ms=4, capsize=2, label=name)  # fmt: skip
        axis.set(title=way, xlabel="share of the examples")
    figure.axes[0].set_ylabel("test accuracy")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(names), fontsize=8)
    return figure


FIGURES: Figures = {
    "curves": (
        curves,
        "Test accuracy of models trained without the best, or without the worst examples by each method, and on the "
        "best ones alone; bars: deviation over seeds. A good order loses much on the left, nothing in the middle, and "
        "little on the right.",
    )
}
