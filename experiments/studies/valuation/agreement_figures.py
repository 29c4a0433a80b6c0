"""Figures of how well values agree with the truth, drawn from the lines of results.jsonl and nothing else."""

import numpy as np
from matplotlib.figure import Figure

from experiments.reporting.figures import COLOURS, MARKERS
from experiments.runtime.results import select
from experiments.studies.valuation.reading import ACCURACY, contributors, first_draw, metric, synthetic_part, utilities
from valuation.methods import METHODS


def value_against_truth(lines: list[dict]) -> Figure | None:
    """A panel a method, the contributors of the first draw."""
    draw = first_draw(lines)
    truth = utilities(lines, draw).mean(0)
    spread = utilities(lines, draw).std(0)
    mechanisms = [synthetic_part(line) for line in contributors(lines, draw)]
    known = sorted(set(mechanisms))
    runs = select(lines, kind="values", draw=draw)
    columns = 5
    rows = -(-len(runs) // columns)
    figure = Figure(figsize=(11, 2.15 * rows + 0.5))
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axis, run in zip(axes.flat, runs, strict=False):
        values = np.array(run["values"])
        for i, mechanism in enumerate(known):
            at = np.array([m == mechanism for m in mechanisms])
            style = {"fmt": MARKERS[i], "color": COLOURS[i], "ms": 4.5, "elinewidth": 0.6, "alpha": 0.9}
            axis.errorbar(values[at], truth[at], yerr=spread[at], label=mechanism, **style)
        measured = select(lines, kind="correlation", draw=draw, method=run["method"])
        rho = measured[0]["spearman"] if measured else None
        axis.set_title(METHODS[run["method"]].title + (f"\nρ = {rho:.2f}" if rho is not None else "\nρ undefined"))
        if "classification" in METHODS[run["method"]].predicts and metric(lines) == ACCURACY:
            axis.plot([truth.min(), truth.max()], [truth.min(), truth.max()], color="0.75", lw=0.8, zorder=0)
        axis.locator_params(axis="x", nbins=4)
    for axis in axes.flat[len(runs) :]:
        axis.axis("off")
    for axis in axes[:, 0]:
        axis.set_ylabel(metric(lines))
    figure.supxlabel("value (higher = more useful)", fontsize=9)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(known), title="synthetic part")
    return figure


def correlations(lines: list[dict]) -> Figure | None:
    """Mean within-draw Spearman with its interval, single draws as ticks, and what the truth itself allows."""
    summary = sorted(select(lines, kind="summary"), key=lambda x: (x["spearman"] is not None, x["spearman"]))
    if not summary:
        return None
    figure = Figure(figsize=(7, 0.27 * len(summary) + 1.3))
    axis = figure.subplots()
    for y, line in enumerate(summary):
        single = [x["spearman"] for x in select(lines, kind="correlation", method=line["method"])]
        single = [x for x in single if x is not None]
        axis.plot(single, [y] * len(single), "|", color="0.6", ms=7, zorder=1)
        if line["spearman"] is not None:
            axis.plot(line["low_high"], [y, y], color=COLOURS[0], lw=1.6, zorder=2)
            axis.plot(line["spearman"], y, "o", color=COLOURS[0], ms=5, zorder=3)
    agreement = select(lines, kind="agreement")[0]["seed_agreement"]
    if agreement is not None:
        axis.axvline(agreement, color=COLOURS[5], lw=1, ls="--")
        axis.annotate(
            f"one seed of the truth predicts another: r = {agreement:.3f}",
            (agreement, len(summary) - 0.3), ha="right", va="bottom", fontsize=8, color=COLOURS[5],
        )  # fmt: skip
    axis.axvline(0, color="0.8", lw=0.8, zorder=0)
    axis.set_yticks(range(len(summary)), [METHODS[x["method"]].title for x in summary])
    axis.set_ylim(-0.7, len(summary) + 0.5)
    axis.set_xlabel("Spearman correlation of values with the truth, within a draw")
    return figure


def validation_sizes(lines: list[dict]) -> Figure | None:
    """Mean within-draw Spearman against the number of validation examples, a line a method, single draws as dots."""
    summaries = select(lines, kind="validation summary")
    if not summaries:
        return None
    figure = Figure(figsize=(6.5, 3.8))
    axis = figure.subplots()
    for i, name in enumerate(dict.fromkeys(x["method"] for x in summaries)):
        of_method, colour = select(summaries, method=name), COLOURS[i % len(COLOURS)]
        means = [_or_nan(x["spearman"]) for x in of_method]
        axis.plot([x["examples"] for x in of_method], means, MARKERS[i % len(MARKERS)] + "-", color=colour, ms=5,
                  label=METHODS[name].title)  # fmt: skip
        for x in of_method:
            single = [_or_nan(y) for y in x["by_draw"]]
            axis.plot([x["examples"]] * len(single), single, ".", color=colour, ms=3, alpha=0.5)
    agreement = select(lines, kind="agreement")[0]
    for field, dashes, words in (
        ("ceiling", ":", "a perfect value"),
        ("validation_ceiling", "--", "a perfect predictor of validation performance, all examples"),
    ):
        if agreement.get(field) is not None:
            axis.axhline(agreement[field], color="0.5", lw=1, ls=dashes, label=words, zorder=0)
    sizes = sorted({x["examples"] for x in summaries})
    axis.set_xscale("log")
    axis.set_xticks(sizes, [str(n) for n in sizes])
    axis.minorticks_off()
    axis.set_xlabel("validation examples")
    axis.set_ylabel("mean Spearman correlation")
    figure.legend(loc="outside upper center", ncols=2, fontsize=8)
    return figure


def cost(lines: list[dict]) -> Figure | None:
    """Seconds a draw against mean correlation: a method pays where it stands high, and left of the truth's own cost."""
    summary = sorted(
        (x for x in select(lines, kind="summary") if x["spearman"] is not None), key=lambda x: x["spearman"]
    )
    if not summary:
        return None
    figure = Figure(figsize=(7.5, 4.6))
    axis = figure.subplots()
    seconds = [max(line["seconds"], 1e-3) for line in summary]
    truth = select(lines, kind="agreement")[0]["seconds"]
    right = 3 * max(*seconds, truth)
    heights = np.linspace(min(0, summary[0]["spearman"]), 1, len(summary))  # names stand in a column, none on another
    for x, line, height in zip(seconds, summary, heights, strict=True):
        method = METHODS[line["method"]]
        kind = 4 if method.checkpoints else 2 if method.retrained else 1 if method.trains else 0 if method.labels else 3
        axis.plot(x, line["spearman"], MARKERS[kind], color=COLOURS[kind], ms=6)
        axis.plot([x, right], [line["spearman"], height], color="0.8", lw=0.5, zorder=0)
        axis.annotate(f" {method.title}", (right, height), va="center", fontsize=7.5, annotation_clip=False)
    axis.axvline(truth, color="0.5", lw=1, ls="--", zorder=0)
    axis.annotate("the truth itself", (truth, axis.get_ylim()[0]), rotation=90, va="bottom", ha="right", fontsize=8)
    axis.set_xscale("log")
    axis.set_xlabel("seconds a draw, all contributors (below 1 ms shown as 1 ms)")
    axis.set_ylabel("mean Spearman correlation")
    names = ("validation labels", "labels, short trainings", "labels, some full trainings", "no labels, no training",
             "labels, a training on the union")  # fmt: skip
    for kind in range(5):
        axis.plot([], [], MARKERS[kind], color=COLOURS[kind], label=names[kind])
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return figure


def calibration(lines: list[dict]) -> Figure | None:
    """Predicted against real accuracy, all draws, for the methods whose value is an accuracy."""
    runs = [x for x in select(lines, kind="values") if "classification" in METHODS[x["method"]].predicts]
    names = list(dict.fromkeys(x["method"] for x in runs))
    if not names or metric(lines) != ACCURACY:
        return None
    figure = Figure(figsize=(11, 2.4))
    axes = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)
    for i, (axis, name) in enumerate(zip(axes.flat, names, strict=True)):
        for run in select(runs, method=name):
            truth = utilities(lines, run["draw"]).mean(0)
            axis.plot(run["values"], truth, ".", color=COLOURS[i % len(COLOURS)], alpha=0.7, ms=4)
        axis.plot([0, 1], [0, 1], color="0.7", lw=0.8, zorder=0)
        axis.set_title(METHODS[name].title)
        axis.set_xlabel("predicted accuracy")
    axes[0, 0].set_ylabel(ACCURACY)
    return figure


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
