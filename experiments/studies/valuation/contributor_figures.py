"""Figures of the contributors of the first draw, drawn from the lines of results.jsonl and nothing else."""

import base64
import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from experiments.reporting.figures import COLOURS
from experiments.runtime.results import select
from experiments.studies.valuation.reading import contributors, first_draw, label, metric, synthetic_part, utilities


def score_terms(lines: list[dict]) -> Figure | None:
    """The recorded costs by contributor, beside the truth, best contributor on top."""
    draw = first_draw(lines)
    terms = select(lines, kind="terms", draw=draw)
    if not terms:
        return None
    truth = utilities(lines, draw).mean(0)
    order = np.argsort(truth)
    names = [label(x) for x in contributors(lines, draw)]
    costs = {f"{name} (a cost)": cost for name, cost in terms[0]["terms"].items()}
    figure = Figure(figsize=(2.2 * (len(costs) + 1), 0.2 * len(order) + 1))
    axes = figure.subplots(1, len(costs) + 1, sharey=True)
    colours = [*COLOURS[: len(costs)], "0.4"]
    shown = costs | {metric(lines): truth}
    for axis, colour, (name, cost) in zip(axes, colours, shown.items(), strict=True):
        axis.barh(range(len(order)), np.array(cost)[order], color=colour)
        axis.set_title(name)
        axis.margins(y=0.01)
        axis.locator_params(axis="x", nbins=3)
    axes[0].set_yticks(range(len(order)), [names[i] for i in order], fontsize=7)
    return figure


def samples(lines: list[dict]) -> Figure | None:
    """A strip of images of every contributor of the first draw, best first."""
    draw = first_draw(lines)
    shown = contributors(lines, draw)
    if "thumbnails" not in shown[0]:
        return None
    truth = utilities(lines, draw).mean(0)
    order = np.argsort(-truth)
    rows = -(-len(order) // 2)
    figure = Figure(figsize=(9, 0.75 * rows))
    axes = figure.subplots(rows, 2, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, i in zip(axes.T.flat, order, strict=False):
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown[i]["thumbnails"]))))
        axis.imshow(pixels, cmap="gray", vmin=0, vmax=255)
        axis.set_title(f"{truth[i]:.2f}  {label(shown[i])}", fontsize=7, loc="left", pad=2)
    return figure


def tails(lines: list[dict]) -> Figure | None:
    """Share of the words beyond every rank, validation in black, contributors coloured by their synthetic part."""
    held_out, draw = select(lines, kind="tail"), first_draw(lines)
    if not held_out:
        return None
    every = contributors(lines, draw)
    parts = [synthetic_part(line) for line in every]
    known = sorted(set(parts))
    figure = Figure(figsize=(6.5, 4))
    axis = figure.subplots()
    for line, part in zip(every, parts, strict=True):
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
