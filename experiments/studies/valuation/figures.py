"""Figures of a valuation run, drawn from the lines of results.jsonl and nothing else."""

import base64
import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from experiments.reporting.figures import COLOURS, MARKERS
from experiments.runtime.results import select
from valuation.methods import METHODS

ACCURACY = "test accuracy"
LOST = {"own_set": "", "leave_one_out": " lost without it"}


def value_against_truth(lines: list[dict]) -> Figure | None:
    """A panel a method, the contributors of the first draw."""
    draw = _first_draw(lines)
    truth = np.mean([x["utility"] for x in select(lines, kind="truth", draw=draw)], axis=0)
    spread = np.std([x["utility"] for x in select(lines, kind="truth", draw=draw)], axis=0)
    mechanisms = [
        x["spec"]["mechanism"] if x["real"] < x["examples"] else "all real" for x in _contributors(lines, draw)
    ]
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
        found = select(lines, kind="correlation", draw=draw, method=run["method"])
        rho = found[0]["spearman"] if found else None
        axis.set_title(METHODS[run["method"]].title + (f"   ρ = {rho:.2f}" if rho is not None else "   ρ undefined"))
        if METHODS[run["method"]].accuracy and _metric(lines) == ACCURACY:
            axis.plot([truth.min(), truth.max()], [truth.min(), truth.max()], color="0.75", lw=0.8, zorder=0)
        axis.locator_params(axis="x", nbins=4)
    for axis in axes.flat[len(runs) :]:
        axis.axis("off")
    for axis in axes[:, 0]:
        axis.set_ylabel(_metric(lines))
    figure.supxlabel("value (higher = more useful)", fontsize=9)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(known), title="synthetic part")
    return figure


def correlations(lines: list[dict]) -> Figure | None:
    """Mean within-draw Spearman with its interval, single draws behind, and what the truth itself allows."""
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


def score_terms(lines: list[dict]) -> Figure | None:
    """The four costs of the score by contributor, each in units of its spread, best contributor on top."""
    draw = _first_draw(lines)
    terms = select(lines, kind="terms", draw=draw)
    if not terms:
        return None
    truth = np.mean([x["utility"] for x in select(lines, kind="truth", draw=draw)], axis=0)
    order = np.argsort(truth)
    names = [label(x) for x in _contributors(lines, draw)]
    figure = Figure(figsize=(11, 0.2 * len(order) + 1))
    axes = figure.subplots(1, 5, sharey=True, width_ratios=(1, 1, 1, 1, 1))
    costs = terms[0]["terms"] | {_metric(lines): truth}
    for i, (axis, (name, cost)) in enumerate(zip(axes, costs.items(), strict=True)):
        axis.barh(range(len(order)), np.array(cost)[order], color=COLOURS[i] if i < 4 else "0.4")
        axis.set_title(name if i == 4 else f"{name} (a cost)")
        axis.margins(y=0.01)
        axis.locator_params(axis="x", nbins=3)
    axes[0].set_yticks(range(len(order)), [names[i] for i in order], fontsize=7)
    return figure


def samples(lines: list[dict]) -> Figure | None:
    """A strip of images of every contributor of the first draw, best first."""
    draw = _first_draw(lines)
    contributors = _contributors(lines, draw)
    if "thumbnails" not in contributors[0]:
        return None
    truth = np.mean([x["utility"] for x in select(lines, kind="truth", draw=draw)], axis=0)
    order = np.argsort(-truth)
    rows = -(-len(order) // 2)
    figure = Figure(figsize=(9, 0.75 * rows))
    axes = figure.subplots(rows, 2, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, i in zip(axes.T.flat, order, strict=False):
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(contributors[i]["thumbnails"]))))
        axis.imshow(pixels, cmap="gray", vmin=0, vmax=255)
        axis.set_title(f"{truth[i]:.2f}  {label(contributors[i])}", fontsize=7, loc="left", pad=2)
    return figure


def calibration(lines: list[dict]) -> Figure | None:
    """Predicted against real accuracy, all draws, for the methods whose value is an accuracy."""
    runs = [x for x in select(lines, kind="values") if METHODS[x["method"]].accuracy]
    names = list(dict.fromkeys(x["method"] for x in runs))
    if not names or _metric(lines) != ACCURACY:
        return None
    figure = Figure(figsize=(11, 2.4))
    axes = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)
    for i, (axis, name) in enumerate(zip(axes.flat, names, strict=True)):
        for run in select(runs, method=name):
            truth = np.mean([x["utility"] for x in select(lines, kind="truth", draw=run["draw"])], axis=0)
            axis.plot(run["values"], truth, ".", color=COLOURS[i % len(COLOURS)], alpha=0.7, ms=4)
        axis.plot([0, 1], [0, 1], color="0.7", lw=0.8, zorder=0)
        axis.set_title(METHODS[name].title)
        axis.set_xlabel("predicted accuracy")
    axes[0, 0].set_ylabel(ACCURACY)
    return figure


def tails(lines: list[dict]) -> Figure | None:
    """Share of the words beyond every rank, validation in black, contributors coloured by their synthetic part."""
    held_out, draw = select(lines, kind="tail"), _first_draw(lines)
    if not held_out:
        return None
    contributors = _contributors(lines, draw)
    parts = [x["spec"]["mechanism"] if x["real"] < x["examples"] else "all real" for x in contributors]
    known = sorted(set(parts))
    figure = Figure(figsize=(6.5, 4))
    axis = figure.subplots()
    for line, part in zip(contributors, parts, strict=True):
        style = {
            "color": COLOURS[known.index(part)],
            "lw": 0.6 + 1.4 * (1 - line["real"] / line["examples"]),
            "alpha": 0.7,
        }
        axis.plot(line["tail"]["ranks"], line["tail"]["shares"], **style)
    axis.plot(held_out[0]["ranks"], held_out[0]["shares"], color="black", lw=2, ls="--", label="validation")
    for i, part in enumerate(known):
        axis.plot([], [], color=COLOURS[i], label=part)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("rank of the token in the train pool")
    axis.set_ylabel("share of tokens beyond the rank")
    axis.legend()
    return figure


FIGURES = {
    "correlations": (
        correlations,
        "How well each method orders the contributors. Dots: mean over draws of the within-draw Spearman correlation; "
        "bars: 95 % bootstrap over draws, contributors and seeds; ticks: single draws.",
    ),
    "value_against_truth": (
        value_against_truth,
        "Value against the truth, what training with the contributor really gives (first draw; error bars: "
        "standard deviation over seeds). Grey line: predicted = real.",
    ),
    "cost": (
        cost,
        "What a good order costs: seconds for all contributors of a draw, median over draws. The first method to need "
        "a kernel compiles it for all.",
    ),
    "calibration": (calibration, "Predicted against real accuracy, where a value is a predicted accuracy; all draws."),
    "score_terms": (
        score_terms,
        "The four terms of the score (our reconstruction) beside the truth; first draw, best contributor on top.",
    ),
    "tails": (
        tails,
        "How much of every contributor's text lies beyond a rank, first draw; the more synthetic, the thicker.",
    ),
    "samples": (
        samples,
        "Examples of each contributor of the first draw, best first, with its test metric in front; where a "
        "contributor has both, four real ones on the left and four synthetic ones on the right.",
    ),
}


def _metric(lines: list[dict]) -> str:
    return "test " + select(lines, kind="truth")[0]["metric"] + LOST[select(lines, kind="truth")[0]["truth"]]


def _first_draw(lines: list[dict]) -> int:
    return min(line["draw"] for line in lines if "draw" in line)


def _contributors(lines: list[dict], draw: int) -> list[dict]:
    return select(lines, kind="contributor", draw=draw)


def label(line: dict) -> str:
    """A contributor in words: '03: 536 examples, 50% real, generated 0.75, 7 groups kept, 10% wrong labels'."""
    spec = line["spec"]
    words = [f"{spec['real_share']:.0%} real"]
    if line["real"] < line["examples"]:
        strength = f" {spec['strength']:g}" if spec["strength"] else ""
        words.append(f"{spec['mechanism']}{strength}")
        words += [f"{spec['kept']} groups kept"] if spec["kept"] else []
    words += [f"{spec['label_noise']:.0%} wrong labels"] if spec["label_noise"] else []
    words += [f"{spec['duplicates']:.0%} repeats"] if spec["duplicates"] else []
    return f"{spec['name']}: {line['examples']} examples, {', '.join(words)}"
