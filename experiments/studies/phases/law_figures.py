"""Figures of the laws fitted in the scaling studies: which one wins, where its breakpoints lie, what to buy."""

import jax
import numpy as np
from matplotlib.figure import Figure

from experiments.reporting.figures import COLOURS, MARKERS, Figures
from experiments.runtime.results import select
from experiments.studies.phases.curves import REAL, Curve
from experiments.studies.phases.reading import (
    VAGUE,
    curve_of,
    curves,
    example,
    fit_of,
    label,
    law_error,
    points_of,
    verdict_of,
)
from theory.phases import breakpoints, expected_error
from theory.plan import best_purchase

NAMES = {"power": "power", "rectified": "rectified", "three_phase": "three-phase", "piecewise": "piecewise"}
STUDY_NAMES = {
    "simulation": "(a) simulation",
    "facts": "(b) facts",
    "numbers": "(c) numbers",
    "nextword": "(d) next word, network",
    "counts": "(d) next word, counted",
}
MECHANISMS = {
    "truncation": ("s", "cut imposed"),
    "top_p": ("o", "top-p"),
    "temperature": ("v", "temperature"),
    "finite": ("D", "finite pool"),
}
PRICES = (10.0, 1.0)  # of a real and of a synthetic example


def law_comparison(lines: list[dict]) -> Figure | None:
    """Left: the four laws on one curve. Right: how much worse than the best each is, for every curve."""
    every = [curve for curve in curves(lines) if curve.study != "simulation"] or curves(lines)
    shown = example(lines, "facts") or example(lines, every[0].study) or every[0]
    figure = Figure(figsize=(11, max(3.5, 0.24 * len(every) + 1.6)))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    points = points_of(lines, shown)
    left.plot([p["n"] for p in points], [p["error"] for p in points], "o", ms=3, color="black", label="measured")
    sizes = np.geomspace(min(p["n"] for p in points), max(p["n"] for p in points), 200)
    for i, law in enumerate(NAMES):
        fit = fit_of(lines, shown, law)
        left.plot(sizes, law_error(fit, sizes, shown.share), color=COLOURS[i], lw=1.3, label=f"{NAMES[law]} law")
    left.set(xscale="log", yscale="log", xlabel="training examples n", ylabel="test error")
    left.set_title(f"{STUDY_NAMES[shown.study]}: {label(shown)}")
    left.legend(fontsize=8)
    for y, curve in enumerate(reversed(every)):
        fits = select(lines, kind="fit", **curve._asdict())
        criteria = {line["law"]: max(line["aicc"], line["bic"]) for line in fits if line["aicc"] is not None}
        right.axhline(y, color="0.92", lw=0.6, zorder=0)
        for i, law in enumerate(NAMES):
            if law in criteria:  # few points say nothing of a law with as many parameters
                worse = criteria[law] - min(criteria.values())
                right.plot(worse, y, MARKERS[i], color=COLOURS[i], ms=7 if worse == 0 else 4.5)
    for i, name in enumerate(NAMES.values()):
        right.plot([], [], MARKERS[i], color=COLOURS[i], label=name)
    right.set_xscale("symlog", linthresh=10)
    right.axvspan(0, 10, color="0.95", zorder=-1)
    right.set_yticks(range(len(every)), [f"{STUDY_NAMES[c.study]}: {label(c)}" for c in reversed(every)], fontsize=7)
    right.set_xlabel("criterion above that of the best law (grey: no clear difference)")
    right.set_xlim(-0.8)
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=4, fontsize=8)
    return figure


def predicted_breakpoints(lines: list[dict]) -> Figure | None:
    """Breakpoints fitted to curves against those predicted from the generator alone."""
    figure = Figure(figsize=(9.5, 4.9))
    axes = figure.subplots(1, 2)
    titles = ("T1: the head is saturated", "T2: learning of the tail begins")
    for axis, which, title in zip(axes, range(2), titles, strict=True):
        for curve in curves(lines):
            verdict = verdict_of(lines, curve)
            fit = fit_of(lines, curve, "three_phase")
            if curve.mechanism != REAL:
                predicted = verdict["described"][("first", "second")[which]]
                interval = fit["intervals"][("first_breakpoint", "second_breakpoint")[which]]
                dot(axis, curve, predicted, fit["breakpoints"][which], interval, filled=verdict["three_phases"])
        diagonal(axis)
        axis.set(title=title, xlabel="predicted from the generator, training examples")
    axes[0].set_ylabel("fitted to the curve, training examples")
    legend(figure, lines, "hollow: no three phases")
    return figure


def ratio(lines: list[dict]) -> Figure | None:
    """T2/T1 read off each curve with its share unknown, against s/pi at the share it was made with."""
    figure = Figure(figsize=(8, 5.6))
    axis = figure.subplots()
    for line in select(lines, kind="verdict"):
        if "share_test" in line:
            test = line["share_test"]
            curve = curve_of(line)
            dot(axis, curve, test["known_ratio"], test["ratio"], test["ratio_interval"], filled=test["holds"])
    diagonal(axis)
    axis.set(xlabel="s/π at the known real share π", ylabel="T2/T1 fitted to the curve, the share unknown")
    legend(figure, lines, "hollow: rejected")
    return figure


def dot(axis, curve: Curve, x: float, y: float | None, interval, *, filled: bool) -> None:
    """A fitted value with its interval; nothing where the data set no limit."""
    low, high = interval
    if y is None or low is None or high is None or high > VAGUE * y or low < y / VAGUE:
        return
    colour = COLOURS[list(STUDY_NAMES).index(curve.study)]
    mark, face = MECHANISMS[curve.mechanism][0], colour if filled else "white"
    spread = [[max(y - low, 0)], [max(high - y, 0)]]
    axis.errorbar(x, y, spread, fmt=mark, color=colour, ms=5.5, lw=1, mfc=face)


def diagonal(axis) -> None:
    """Logarithmic axes and the line of equal values."""
    axis.set(xscale="log", yscale="log")
    ends = max(axis.get_xlim()[0], axis.get_ylim()[0]), min(axis.get_xlim()[1], axis.get_ylim()[1])
    axis.plot(ends, ends, color="0.6", lw=0.8, zorder=0)


def legend(figure, lines: list[dict], hollow: str) -> None:
    """Colours: studies; marks: mechanisms; hollow: as said."""
    there, axis = curves(lines), figure.axes[0]
    for i, (name, words) in enumerate(STUDY_NAMES.items()):
        if any(curve.study == name for curve in there):
            axis.plot([], [], "-", lw=3, color=COLOURS[i], label=words)
    for name, (mark, words) in MECHANISMS.items():
        if any(curve.mechanism == name for curve in there):
            axis.plot([], [], mark, color="0.4", label=words)
    axis.plot([], [], "o", mfc="white", mec="0.4", label=hollow)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=8)


def plan(lines: list[dict]) -> Figure | None:
    """Expected error over real and synthetic examples, iso-cost lines, and the best purchase at each budget."""
    shown = example(lines, "facts") or example(lines, "simulation")
    if shown is None:
        return None
    fit = fit_of(lines, shown, "three_phase")["parameters"]
    law = {"exponent": fit["exponent"], "cutoff": fit["cutoff"]}
    with jax.enable_x64(True):
        needed = float(breakpoints(1.0, **law).second)
        counts = np.geomspace(needed / 100, needed * 100, 80)
        real, synthetic = np.meshgrid(counts, counts * PRICES[0])
        error = fit["floor"] + fit["amplitude"] * np.asarray(expected_error(real, synthetic, **law))
    figure = Figure(figsize=(6.8, 5.6))
    axis = figure.subplots()
    drawn = axis.contourf(real, synthetic, error, 14, cmap="cividis")
    figure.colorbar(drawn, label="expected test error")
    budgets = PRICES[0] * np.geomspace(needed / 10, needed * 50, 7)
    along = np.linspace(0.0005, 0.9995, 400)
    for budget in budgets:
        axis.plot(along * budget / PRICES[0], (1 - along) * budget / PRICES[1], color="white", lw=0.7)
    bought = [best_purchase(0, 0, b, price_real=PRICES[0], price_synthetic=PRICES[1], **law) for b in budgets]
    at = [max(b.real, counts[0]) for b in bought], [max(b.synthetic, counts[0] * PRICES[0]) for b in bought]
    words = "best purchase at each budget (on an edge: none of the other kind)"
    axis.plot(*at, "o-", color=COLOURS[5], ms=6, lw=1.2, clip_on=False, label=words)
    axis.plot([], [], color="0.8", lw=1, label="equal cost")
    axis.axvline(needed, color=COLOURS[6], ls="--", lw=1.4, label="real examples at which learning of the tail begins")
    axis.set(xscale="log", yscale="log", xlim=counts[[0, -1]], ylim=PRICES[0] * counts[[0, -1]])
    axis.set(xlabel="real examples, price 10 each", ylabel="synthetic examples, price 1 each")
    axis.set_title(f"law fitted to {STUDY_NAMES[shown.study]}: {label(shown)}")
    figure.legend(loc="outside lower center", ncols=1, fontsize=8)
    return figure


FIGURES: Figures = {
    "law_comparison": (
        law_comparison,
        "Four laws on one curve, and for every curve the distance from the best law in the larger of AICc and BIC.",
    ),
    "predicted_breakpoints": (
        predicted_breakpoints,
        "Breakpoints of the fitted three-phase law (95 % profile likelihood) against those that the cutoff measured "
        "on the generator predicts. Grey line: equal. Curves that set no limit to a breakpoint are left out.",
    ),
    "ratio": (
        ratio,
        "T2/T1 from fits that do not know the real share, with 95 % intervals, against s/π. Grey line: equal. "
        "Hollow: the interval of the share misses the known one. Curves that set no limit are left out.",
    ),
    "plan": (plan, "What to buy when a real example costs ten times a synthetic one, by the law fitted to that curve."),
}
