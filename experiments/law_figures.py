"""Figures of the laws fitted in the scaling studies: which one wins, where its breakpoints lie, what to buy."""

import jax
import matplotlib.pyplot as plt
import numpy as np

from experiments.figures import COLOURS, MARKERS
from experiments.results import select
from experiments.study import REAL, Curve
from theory.laws import LAWS
from theory.phases import breakpoints, expected_error
from theory.plan import best_purchase

NAMES = {"power": "power", "rectified": "rectified", "three_phase": "three-phase", "piecewise": "piecewise"}
STUDY_NAMES = {"simulation": "simulation", "facts": "facts", "numbers": "numbers", "nextword": "next word"}
UNITS = {
    "top_p": "top-p {:g}",
    "temperature": "temperature {:g}",
    "finite": "pool of {:g}",
    "truncation": "cut at {:g}",
}
PRICES = (10.0, 1.0)  # of a real and of a synthetic example


def curves(lines: list[dict], study: str | None = None) -> list[Curve]:
    """The curves that have a verdict, in the order of the file."""
    found = [Curve(*(line[field] for field in Curve._fields)) for line in select(lines, kind="verdict")]
    return [curve for curve in found if study in (None, curve.study)]


def label(curve: Curve) -> str:
    """A curve in words: 'top-p 0.8, 2 % real'."""
    if curve.mechanism == REAL:
        return "all real"
    return f"{UNITS[curve.mechanism].format(curve.strength)}, {100 * curve.share:g} % real"


def example(lines: list[dict], study: str) -> Curve | None:
    """The curve that stands for a study: the first one whose data show three phases, else its first."""
    own = [curve for curve in curves(lines, study) if curve.mechanism != REAL]
    good = [curve for curve in own if select(lines, kind="verdict", **curve._asdict())[0]["three_phases"]]
    return (good or own or [None])[0]


def law_error(fit: dict, sizes: np.ndarray, share: float) -> np.ndarray:
    """The fitted law at total sizes."""
    law, parameters = LAWS[fit["law"]], fit["parameters"]
    own = [
        np.log(parameters[name]) if log else parameters[name] for name, log in zip(law.names, law.in_logs, strict=True)
    ]
    with jax.enable_x64(True):
        shape = np.asarray(law.shape(np.array(own), share * sizes, (1 - share) * sizes, 1.0))
    return parameters["floor"] + parameters["amplitude"] * np.exp(shape)


def law_comparison(lines: list[dict]):
    """Left: the four laws on one curve. Right: how much worse than the best each is, for every curve."""
    every = [curve for curve in curves(lines) if curve.study != "simulation" or 0.001 < curve.share < 0.3]
    shown = example(lines, "facts") or example(lines, every[0].study)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 0.24 * len(every) + 1.6), width_ratios=(1, 1.15))
    points = select(lines, kind="point", **shown._asdict())
    left.plot([p["n"] for p in points], [p["error"] for p in points], "o", ms=3, color="black", label="measured")
    sizes = np.geomspace(min(p["n"] for p in points), max(p["n"] for p in points), 200)
    for i, law in enumerate(NAMES):
        fit = select(lines, kind="fit", law=law, **shown._asdict())[0]
        left.plot(sizes, law_error(fit, sizes, shown.share), color=COLOURS[i], lw=1.3, label=NAMES[law])
    left.set(xscale="log", yscale="log", xlabel="training examples n", ylabel="test error")
    left.set_title(f"{STUDY_NAMES[shown.study]}: {label(shown)}")
    left.legend(fontsize=8)
    for y, curve in enumerate(reversed(every)):
        bics = {line["law"]: line["bic"] for line in select(lines, kind="fit", **curve._asdict())}
        for i, law in enumerate(NAMES):
            worse = bics[law] - min(bics.values())
            right.plot(
                worse,
                y,
                MARKERS[i],
                color=COLOURS[i],
                ms=7 if worse == 0 else 4.5,
                label=NAMES[law] if y == 0 else None,
            )
    right.set_xscale("symlog", linthresh=10)
    right.axvspan(0, 10, color="0.93", zorder=0)
    right.set_yticks(range(len(every)), [f"{STUDY_NAMES[c.study]}: {label(c)}" for c in reversed(every)], fontsize=7)
    right.set_xlabel("BIC above that of the best law (grey: no clear difference)")
    right.set_xlim(-0.8)
    return figure


def predicted_breakpoints(lines: list[dict]):
    """Breakpoints fitted to curves against those predicted from the generator alone."""
    chosen = [curve for curve in curves(lines) if curve.mechanism != REAL]
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.6))
    for axis, which, title in zip(
        axes, (0, 1), ("T1: the head is saturated", "T2: learning of the tail begins"), strict=True
    ):
        ends = []
        for curve in chosen:
            verdict = select(lines, kind="verdict", **curve._asdict())[0]
            fit = select(lines, kind="fit", law="three_phase", **curve._asdict())[0]
            x, y = verdict["described"][("first", "second")[which]], fit["breakpoints"][which]
            low, high = fit["intervals"][("first_breakpoint", "second_breakpoint")[which]]
            largest = max(p["n"] for p in select(lines, kind="point", **curve._asdict()))
            if y is None or low is None or high is None or y > largest or high > 100 * y or low < y / 100:
                continue  # the data set no limit
            i = list(STUDY_NAMES).index(curve.study)
            axis.errorbar(x, y, [[max(y - low, 0)], [max(high - y, 0)]], fmt=MARKERS[i], color=COLOURS[i], ms=5, lw=1,
                          mfc=COLOURS[i] if verdict["three_phases"] else "white")  # fmt: skip
            ends += [x, y]
        if ends:
            axis.plot([min(ends), max(ends)], [min(ends), max(ends)], color="0.6", lw=0.8, zorder=0)
        axis.set(xscale="log", yscale="log", title=title, xlabel="predicted from the generator, examples")
    axes[0].set_ylabel("fitted to the curve, examples")
    for i, name in enumerate(STUDY_NAMES):
        if curves(lines, name):
            axes[0].plot([], [], MARKERS[i], color=COLOURS[i], label=STUDY_NAMES[name])
    axes[0].plot([], [], "o", mfc="white", mec="0.4", label="hollow: no three phases there")
    axes[0].legend(fontsize=8)
    return figure


def ratio(lines: list[dict]):
    """T2/T1 read off each curve with its share unknown, against s/pi at the share it was made with."""
    chosen = [line for line in select(lines, kind="verdict") if "share_test" in line]
    if not chosen:
        return None
    figure, axis = plt.subplots(figsize=(6, 5))
    ends = []
    for line in chosen:
        test = line["share_test"]
        low, high = test["ratio_interval"]
        i = list(STUDY_NAMES).index(line["study"])
        if low is None or high is None or high > 300 * test["ratio"] or low < test["ratio"] / 300:
            continue
        axis.errorbar(test["known_ratio"], test["ratio"], [[max(test["ratio"] - low, 0)], [max(high - test["ratio"], 0)]],
                      fmt=MARKERS[i], color=COLOURS[i], ms=5, lw=1, mfc=COLOURS[i] if test["holds"] else "white")  # fmt: skip
        ends.append(test["known_ratio"])
    if not ends:
        plt.close(figure)
        return None
    axis.plot([1, 2 * max(ends)], [1, 2 * max(ends)], color="0.6", lw=0.8, zorder=0)
    for i, name in enumerate(STUDY_NAMES):
        if curves(lines, name):
            axis.plot([], [], MARKERS[i], color=COLOURS[i], label=STUDY_NAMES[name])
    axis.plot([], [], "o", mfc="white", mec="0.4", label="hollow: the interval of the share misses the known one")
    axis.set(
        xscale="log", yscale="log", xlabel="s/π at the known real share π", ylabel="T2/T1 fitted, the share unknown"
    )
    axis.legend(fontsize=8)
    return figure


def plan(lines: list[dict]):
    """Expected error over real and synthetic examples, iso-cost lines, and the best purchase at each budget."""
    shown = example(lines, "facts") or example(lines, "simulation")
    if shown is None:
        return None
    fit = select(lines, kind="fit", law="three_phase", **shown._asdict())[0]["parameters"]
    law = {"exponent": fit["exponent"], "cutoff": fit["cutoff"]}
    with jax.enable_x64(True):
        needed = float(breakpoints(1.0, **law).second)
        axes_of = np.geomspace(needed / 100, needed * 100, 80)
        real, synthetic = np.meshgrid(axes_of, axes_of * 10)
        error = fit["floor"] + fit["amplitude"] * np.asarray(expected_error(real, synthetic, **law))
    figure, axis = plt.subplots(figsize=(6.4, 5))
    drawn = axis.contourf(real, synthetic, error, 14, cmap="cividis")
    figure.colorbar(drawn, label="expected test error")
    budgets = np.geomspace(needed / 10 * PRICES[0], needed * 100 * PRICES[0], 7)
    along = np.linspace(0.0005, 0.9995, 400)
    for budget in budgets:
        axis.plot(along * budget / PRICES[0], (1 - along) * budget / PRICES[1], color="white", lw=0.7)
    bought = [best_purchase(0, 0, b, price_real=PRICES[0], price_synthetic=PRICES[1], **law) for b in budgets]
    axis.plot([b.real for b in bought], [max(b.synthetic, axes_of[0] * 10) for b in bought], "o-", color=COLOURS[5], ms=5, lw=1.2,
              label="best purchase at each budget")  # fmt: skip
    axis.plot([], [], color="white", lw=0.7, label="equal cost")
    axis.axvline(needed, color=COLOURS[6], ls="--", lw=1.2, label="real examples that end the plateau")
    axis.set(xscale="log", yscale="log", xlim=(axes_of[0], axes_of[-1]), ylim=(axes_of[0] * 10, axes_of[-1] * 10))
    axis.set(
        xlabel="real examples (10 each)",
        ylabel="synthetic examples (1 each)",
        title=f"{STUDY_NAMES[shown.study]}: {label(shown)}",
    )
    axis.legend(fontsize=8, labelcolor="white", facecolor="0.3", frameon=True, loc="lower right")
    return figure


FIGURES = {
    "law_comparison": (
        law_comparison,
        "Four laws on one curve, and for every curve the distance in BIC from the best law.",
    ),
    "predicted_breakpoints": (
        predicted_breakpoints,
        "Breakpoints of the fitted three-phase law (95 % profile likelihood) against those that the cutoff measured on the "
        "generator predicts. Grey line: equal. Curves that set no limit to a breakpoint are left out.",
    ),
    "ratio": (
        ratio,
        "T2/T1 from fits that do not know the real share, with 95 % intervals, against s/π. Grey line: equal. Curves that "
        "set no limit are left out.",
    ),
    "plan": (plan, "What to buy when a real example costs ten times a synthetic one, by the law fitted to that curve."),
}
