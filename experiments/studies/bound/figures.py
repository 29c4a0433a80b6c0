"""The figure and the table of experiments/studies/bound/study.py, from lines of results.jsonl only."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments.reporting import markdown
from experiments.reporting.figures import COLOURS, save

LABELS = {
    "n": "examples n",
    "real_share": "share of real data ω",
    "shift": "shift of the synthetic mean",
    "head": "mass H kept by truncation",
    "wrong": "share of wrong synthetic labels",
}
ELSEWHERE: dict[str, dict[str, float]] = {  # where an axis is varied, if not at the first value of each other
    "head": {"shift": 0.0},
    "wrong": {"n": 10000, "real_share": 0.2, "shift": 0.0},
}


class Term(NamedTuple):
    """How a term is drawn; ball: the field that has it for the whole ball; bounds: the field that it bounds, or ""."""

    label: str
    colour: str
    hatch: str = ""
    marker: str = ""
    ball: str = ""
    bounds: str = ""


TERMS = {
    "loss": Term("empirical loss", "#999999"),
    "discrepancy": Term("discrepancy (total variation)", COLOURS[4], "//", "s", "term_discrepancy", "transfer_gap"),
    "kernel": Term("kernel", COLOURS[1], "", "o", "ball_kernel", "gap"),
    "size": Term("size", COLOURS[3], "..", "^", "ball_size", "spread"),
}


def along(lines: list[dict], axis: str) -> list[dict]:
    """The lines in which only `axis` departs from the first line, or from ELSEWHERE, in its order."""
    fixed = {name: lines[0][name] for name in LABELS if name != axis} | ELSEWHERE.get(axis, {})
    kept = [line for line in lines if all(line[name] == value for name, value in fixed.items())]
    return sorted(kept, key=lambda line: line[axis])


def draw(lines: list[dict], path: str | Path) -> None:
    """Terms of the bound along each axis (top), and how many times larger each is than what it bounds (bottom)."""
    figure = Figure(figsize=(18, 7.5), layout="constrained")
    panels = figure.subplots(2, len(LABELS), sharex="col", sharey="row")
    for (axis, label), (top, bottom) in zip(LABELS.items(), panels.T, strict=True):
        rows = along(lines, axis)
        places = np.arange(len(rows))
        floor = np.zeros(len(rows))
        for name, term in TERMS.items():
            height, style = _column(rows, f"term_{name}"), {"color": term.colour, "label": term.label}
            top.bar(places, height, bottom=floor, hatch=term.hatch, edgecolor="white", width=0.7, **style)
            floor = floor + height
            if term.bounds:
                above, below = _column(rows, term.ball), _column(rows, term.bounds)
                ratio = np.where(below > 1e-3, above / np.maximum(below, 1e-3), np.nan)
                bottom.plot(places, ratio, marker=term.marker, **style)
        top.plot(places, _column(rows, "true"), "kD", label="true test loss")
        top.plot(places, _column(rows, "best_total"), "k_", markersize=22, label="total at the best real weight")
        top.plot(places, _column(rows, "reference_total"), "k^", mfc="none", label="total through a reference")
        top.plot(places, _column(rows, "inputs_total"), "kv", mfc="none", label="inputs' discrepancy alone (not valid)")
        top.plot(places, _column(rows, "paper_total"), "kx", label="paper's form, our reconstruction (not valid)")
        top.tick_params(labelbottom=True)
        bottom.set_xticks(places, [f"{row[axis]:g}" for row in rows])
        bottom.set_xlabel(label)
        top.axhline(1, color="black", linewidth=0.8, linestyle=":")
    panels[0, 0].set_ylabel("terms of the bound, loss in [0, 1]")
    panels[0, 0].text(4.4, 1.01, "vacuous above", ha="right", va="bottom", fontsize=9)
    panels[1, 0].set_ylabel("looseness: term / what it bounds")
    panels[1, 0].set(yscale="log", ylim=(1, 30))
    panels[1, 0].set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    panels[1, 0].minorticks_off()
    handles, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4, frameon=False)
    save(figure, Path(path), dpi=130)


def table(lines: list[dict]) -> str:
    """Markdown: each setting with the terms, totals, true loss and the share of draws in which a bound failed."""
    head = ["n", "ω", "shift", "H", "wrong", "true", "loss", "discrepancy", "kernel", "size", "total", "total / true"]
    head += ["best weight", "its total", "price", "failed", "worst in the ball failed"]
    head += ["through a reference", "failed", "inputs alone", "failed"]
    rows = []
    for line in lines:
        terms = [line["true"], *(line[f"term_{name}"] for name in (*TERMS, "total")), line["term_total"] / line["true"]]
        best = [line["best_weight"], line["best_total"], line["best_price"]]
        failed = [line["failures"]["ridge"], line["failures"]["worst_in_ball"]]
        claims = [x for name in ("reference", "inputs") for x in (line[f"{name}_total"], line["failures"][name])]
        setting = [f"{line[name]:g}" for name in LABELS]
        rows.append([*setting, *(f"{value:.3f}" for value in terms + best + failed + claims)])
    first = lines[0]
    caption = f"Means over {first['draws']} draws a setting, delta {first['delta']:g}, commit {first['commit']}.\n\n"
    return caption + markdown.table(head, rows) + "\n"


def _column(rows: list[dict], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows])
