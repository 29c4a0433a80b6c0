"""Figures of the scaling studies' curves, drawn from the lines of results.jsonl and nothing else."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from experiments.reporting.figures import COLOURS, MARKERS, Figures
from experiments.studies.phases import law_figures
from experiments.studies.phases.curves import REAL, Curve
from experiments.studies.phases.reading import curves, example, fit_of, label, law_error, points_of, verdict_of

PREDICTED, FITTED = COLOURS[1], COLOURS[0]
TITLES = {
    "simulation": "(a) simulation",
    "facts": "(b) fact recall by a network",
    "numbers": "(c) images of two-digit numbers",
    "nextword": "(d) next word in reviews, by a network",
    "counts": "(d) next word in reviews, by counting",
}


def simulation(lines: list[dict]) -> Figure | None:
    """A panel a cutoff: the learner's errors, the closed form through them, both breakpoints of each share."""
    every = curves(lines, "simulation")
    if not every:
        return None
    cutoffs = sorted({curve.strength for curve in every})
    figure = Figure(figsize=(5.2 * len(cutoffs), 4.4))
    axes = figure.subplots(1, len(cutoffs), sharey=True, squeeze=False)
    for axis, cutoff in zip(axes[0], cutoffs, strict=True):
        for i, curve in enumerate(curve for curve in every if curve.strength == cutoff):
            points = points_of(lines, curve)
            sizes, mean, spread = averages(points)
            colour = COLOURS[i % len(COLOURS)]
            axis.errorbar(sizes, mean, spread, fmt=MARKERS[i % len(MARKERS)], ms=3.5, lw=0.8, color=colour,
                          label=f"{curve.share:g}")  # fmt: skip
            law = {point["n"]: point["law"] for point in points}
            axis.plot(sizes, [law[n] for n in sizes], color=colour, lw=1)
            described = verdict_of(lines, curve)["described"]
            for name, marker in (("first", "v"), ("second", "^")):
                where = described[name]
                if where <= sizes[-1]:
                    height = np.exp(np.interp(np.log(where), np.log(sizes), np.log([law[n] for n in sizes])))
                    axis.plot(where, height, marker, ms=9, mfc="none", mec="black", mew=1)
        axis.set(xscale="log", yscale="log", xlabel="training examples n, real + synthetic")
        axis.set_title(f"synthetic data stop at rank {cutoff:g}")
    axes[0, 0].set_ylabel("test error")
    axes[0, 0].legend(title="real share π", fontsize=8, loc="lower left")
    return figure


def trained(name: str) -> Callable[[list[dict]], Figure | None]:
    """The figure of one study on trained networks: a panel a curve, both pairs of breakpoints marked."""

    def figure(lines: list[dict]) -> Figure | None:
        every = curves(lines, name)
        if not every:
            return None
        columns = min(len(every), 4)
        rows = -(-len(every) // columns)
        figure = Figure(figsize=(2.9 * columns, 2.5 * rows + 0.6))
        axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
        for axis, curve in zip(axes.flat, every, strict=False):
            panel(axis, lines, curve)
        for axis in axes.flat[len(every) :]:
            axis.axis("off")
        for i, axis in enumerate(axes.flat[: len(every)]):
            if i + columns >= len(every):
                axis.set_xlabel("training examples n")
                axis.tick_params(labelbottom=True)
        for axis in axes[:, 0]:
            axis.set_ylabel("test error")
        for colour, style, text in (
            (PREDICTED, "--", "breakpoints predicted from the generator"),
            (FITTED, "-", "breakpoints fitted, 95 % interval shaded"),
        ):
            axes.flat[0].plot([], [], style, color=colour, label=text)
        axes.flat[0].plot([], [], "-", color="0.4", label="three-phase law, fitted")
        axes.flat[0].errorbar([], [], [], fmt="o", ms=3, color="black", label="measured, ± deviation over seeds")
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2, fontsize=8)
        return figure

    return figure


def panel(axis, lines: list[dict], curve: Curve) -> None:
    """One measured curve with its fit and its breakpoints."""
    sizes, mean, spread = averages(points_of(lines, curve))
    fit = fit_of(lines, curve, "three_phase")
    verdict = verdict_of(lines, curve)
    fine = np.geomspace(sizes[0], sizes[-1], 100)
    axis.plot(fine, law_error(fit, fine, curve.share), color="0.4", lw=1)
    axis.errorbar(sizes, mean, spread, fmt="o", ms=3, lw=0.8, color="black")
    if curve.mechanism != REAL:
        for name in ("first", "second"):
            axis.axvline(verdict["described"][name], color=PREDICTED, ls="--", lw=1.3)
        for where, name in zip(fit["breakpoints"], ("first_breakpoint", "second_breakpoint"), strict=True):
            low, high = fit["intervals"][name]
            left, right = max(low or 0.0, sizes[0] / 2), min(high or np.inf, 2 * sizes[-1])
            if left < right:  # an interval outside the sampled sizes is not shown
                axis.axvspan(left, right, color=FITTED, alpha=0.12, lw=0)
            if where:
                axis.axvline(where, color=FITTED, lw=1)
    words = "three phases" if verdict["three_phases"] else f"{verdict['best'].replace('_', '-')} law best"
    if verdict["best"] == "three_phase" and not verdict["three_phases"]:
        words = "no three phases"
    axis.set_title(f"{label(curve)}\n{words}", fontsize=8)
    axis.set(xscale="log", yscale="log", xlim=(sizes[0] / 1.5, sizes[-1] * 1.5))


def head_and_tail(lines: list[dict]) -> Figure | None:
    """Error on what the synthetic data keep and on what they lose, one curve of every study."""
    chosen = [curve for name in TITLES if (curve := example(lines, name))]
    figure = Figure(figsize=(3 * len(chosen), 3.2))
    axes = figure.subplots(1, len(chosen), squeeze=False)
    for axis, curve in zip(axes[0], chosen, strict=True):
        points = points_of(lines, curve)
        for i, part in enumerate(("head", "tail")):
            sizes, mean, spread = averages(points, part)
            seen = mean > 1e-5
            style = {"fmt": MARKERS[i] + "-", "ms": 3.5, "lw": 1, "color": COLOURS[1 - i]}
            words = f"{part}: {('kept', 'lost')[i]} by the generator"
            axis.errorbar(sizes[seen], mean[seen], spread[seen], label=words, **style)
        sizes, mean, _ = averages(points)
        axis.plot(sizes, mean, color="0.6", lw=3, alpha=0.5, zorder=0, label="together")
        axis.set(xscale="log", yscale="log", xlabel="training examples n", ylim=(mean.min() / 30, 1))
        axis.set_title(f"{TITLES[curve.study]}\n{label(curve)}", fontsize=8)
    axes[0, 0].set_ylabel("part of the test error")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=8)
    return figure


def averages(points: list[dict], part: str = "error") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sizes, and mean and standard deviation over seeds at each, of one part: "error", "head" or "tail"."""
    sizes = sorted({point["n"] for point in points})
    groups = [[point[part] for point in points if point["n"] == n] for n in sizes]
    spread = [np.std(group, ddof=1) if len(group) > 1 else 0.0 for group in groups]
    return np.array(sizes, float), np.array([np.mean(group) for group in groups]), np.array(spread)


FIGURES: Figures = {
    "simulation": (
        simulation,
        "(a) A learner that knows what it has seen (marks: mean and standard deviation over seeds) and the closed form "
        "(lines). Down-pointing triangle: the head is saturated, T1; up-pointing: learning of the tail begins, T2.",
    ),
    "facts": (trained("facts"), "(b) A network recalls facts; most of its training data come from a generator."),
    "numbers": (
        trained("numbers"),
        "(c) A network reads images of two-digit numbers, some far more frequent than others.",
    ),
    "nextword": (
        trained("nextword"),
        "(d) A network learns which word follows which, from reviews and from sampled text.",
    ),
    "counts": (trained("counts"), "(d) The same by counting, at sizes that no network reaches here."),
    "head_and_tail": (
        head_and_tail,
        "Where the plateau comes from: what the generator keeps is learned early, what it lost only from real data.",
    ),
    **law_figures.FIGURES,
}
