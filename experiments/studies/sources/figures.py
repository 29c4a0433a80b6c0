"""Figures of an Answer, drawn from it alone: the sources in order, curves over amounts, the learning curve."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.reporting.figures import COLOURS, GREY, Figures, literal
from experiments.reporting.markdown import with_span
from experiments.reporting.plain_text import shortened
from experiments.studies.sources import words
from experiments.studies.sources.answer import Amount, Answer, Point

WIDTH = 4.6  # inches: so narrow that a telephone shows the letters large enough
TONES = {"helps": (COLOURS[0], "o"), "harms": (COLOURS[5], "s"), "open": (GREY, "D")}
COLUMNS = 3  # of panels
ROOM = 0.19  # of an axis, that the number at a mark needs


def ranking(answer: Answer) -> Figure | None:
    """The gain of every source with its interval, the best on top; None without sources."""
    if not answer.values:
        return None
    figure = Figure(figsize=(WIDTH, 0.26 * len(answer.values) + 1.0))
    axis = figure.subplots()
    for y, value in enumerate(answer.values):
        colour, marker = TONES[value.verdict]
        axis.plot(value.interval, [y, y], color=colour, lw=2, solid_capstyle="round")
        axis.plot(value.gain, y, marker, color=colour, ms=5.5)
    for verdict in dict.fromkeys(value.verdict for value in answer.values):
        axis.plot([], [], TONES[verdict][1], color=TONES[verdict][0], ms=5, label=words.VERDICTS[verdict][0])
    axis.axvline(0, color=GREY, lw=0.8, ls="--", zorder=0)
    names = [literal(words.name(value.source, 24)) for value in answer.values]
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.locator_params(axis="x", nbins=5)
    axis.set_xlabel(f"gain in {_metric(answer)}")
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return figure


def ranking_alt(answer: Answer) -> str:
    """The same in words."""
    form = words.forms(answer)
    gains = [f"{words.name(one.source)} {with_span(one.gain, one.interval, form.gain)}" for one in answer.values]
    return f"Gain in {words.metric(answer)}: {'; '.join(gains)}."


def amounts(answer: Answer) -> Figure | None:
    """A panel a source with its curve over amounts, all on one scale; None where no curve was computed."""
    curves = with_curves(answer)
    if not curves:
        return None
    columns = min(COLUMNS, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(3.4 * columns, 2.5 * rows))
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axis, amount in zip(axes.flat, curves, strict=False):
        _curve(axis, answer, amount)
    for axis in axes.flat[len(curves) :]:
        axis.axis("off")
    for axis in axes[:, 0]:
        axis.set_ylabel(_metric(answer))
    figure.supxlabel("examples added to the real ones", fontsize=9)
    return figure


def one_amount(answer: Answer, amount: Amount) -> Figure:
    """One of these panels as a figure of its own, on the scale of all."""
    figure = Figure(figsize=(3.6, 2.5))
    axis = figure.subplots()
    _curve(axis, answer, amount)
    axis.set_ylabel(_metric(answer))
    axis.set_xlabel("examples added to the real ones")
    return figure


def curve_alt(answer: Answer, amount: Amount) -> str:
    """The same in words."""
    form = words.forms(answer)
    points = [f"{form.utility(point.predicted)} with {point.amount:,}" for point in sorted(amount.curve)]
    return f"{words.name(amount.source)}, predicted {words.metric(answer)}: {', '.join(points)} examples added."


def with_curves(answer: Answer) -> list[Amount]:
    return [amount for amount in answer.amounts if amount.curve]


def more(answer: Answer) -> Figure | None:
    """Predicted metric over the number of real examples, forecasts and trainings; None where nothing is predicted."""
    if answer.more is None or not (answer.more.curve or answer.more.forecasts):
        return None
    figure = Figure(figsize=(WIDTH, 3.0))
    axis = figure.subplots()
    curve = answer.more.curve
    if answer.more.breakpoints:
        axis.axvspan(*answer.more.breakpoints, color=GREY, alpha=0.15, lw=0, label="flat part")
    axis.axvline(answer.data.real.used, color=GREY, lw=0.8, ls="--", label="what there is")
    _with_interval(axis, curve, COLOURS[0])
    axis.plot([p.amount for p in curve], [p.predicted for p in curve], "o-", color=COLOURS[0], ms=4, label="predicted")
    ahead = [Point(*one[1:]) for one in answer.more.forecasts]
    for points, colour, marker, name in (
        (ahead, COLOURS[5], "D", "forecast, 95 %"), (answer.more.trained, GREY, "s", "trained, to check"),
    ):  # fmt: skip
        for point in points:
            if point.interval:
                axis.plot([point.amount] * 2, point.interval, color=colour, lw=1.5)
        if points:
            axis.plot([p.amount for p in points], [p.predicted for p in points], marker, color=colour, ms=5, label=name)
    axis.set_xscale("log")
    _ticks(axis, [point.amount for point in (*curve, *ahead)])
    axis.set_xlabel("real examples")
    axis.set_ylabel(_metric(answer))
    figure.legend(loc="outside upper center", ncols=2, fontsize=8)
    return figure


def more_alt(answer: Answer) -> str:
    """The same in words."""
    form, said = words.forms(answer), answer.more
    points = [*said.curve, *(Point(*one[1:]) for one in said.forecasts)] if said else []
    listed = ", ".join(f"{form.utility(point.predicted)} with {point.amount:,}" for point in points)
    return f"Predicted {words.metric(answer)}: {listed} real examples."


def _metric(answer: Answer) -> str:
    return literal(shortened(answer.data.metric, 32))


def _curve(axis: Axes, answer: Answer, amount: Amount) -> None:
    curve = sorted(amount.curve)
    given = [point.amount for point in curve]
    _with_interval(axis, curve, COLOURS[0])
    axis.plot(given, [point.predicted for point in curve], "-", color=COLOURS[0], lw=1.6)
    axis.axhline(curve[0].predicted, color=GREY, lw=0.8, ls="--", zorder=0)
    axis.axvline(amount.best, color=COLOURS[5], lw=1, ls=":")
    best = [point.predicted for point in curve if point.amount == amount.best]
    axis.plot([amount.best] * len(best), best, "o", color=COLOURS[5], ms=6, clip_on=False)
    if positive := [size for size in given if size > 0]:
        axis.set_xscale("symlog", linthresh=positive[0], linscale=0.5)
    _ticks(axis, given)
    ends = [end for one in with_curves(answer) for point in one.curve for end in point.interval or (point.predicted,)]
    room = 0.05 * (max(ends) - min(ends)) or 0.05
    axis.set_ylim(min(ends) - room, max(ends) + room)
    axis.set_title(literal(f"{words.name(amount.source, 24)}: take {words.taken(answer.data, amount)}"), loc="left")


def _with_interval(axis: Axes, curve: Sequence[Point], colour: str) -> None:
    known = [(point.amount, point.interval) for point in curve if point.interval]
    low, high = ([interval[end] for _, interval in known] for end in (0, 1))
    axis.fill_between([amount for amount, _ in known], low, high, color=colour, alpha=0.2, lw=0)


def _ticks(axis: Axes, amounts: Sequence[int]) -> None:
    """Marks at the last, the first and so many other amounts as there is room for, with their numbers written out."""
    known = sorted(set(amounts))
    places = axis.xaxis.get_transform().transform(np.array(known, float))
    shown: list[int] = []
    for i in (len(known) - 1, *range(len(known) - 1)):
        if all(abs(places[i] - places[j]) >= ROOM * (places[-1] - places[0]) for j in shown):
            shown.append(i)
    axis.set_xticks([known[i] for i in shown], [f"{known[i]:,}" for i in shown])
    axis.minorticks_off()


FIGURES: Figures[Answer] = {
    "ranking": (
        ranking,
        "What each source adds to the real examples: predicted gain and its 95 % interval. The dashed line is the real "
        "examples alone. Colours and marks show the verdict, which the finer score decides: it may be sure where this "
        "interval still holds 0.",
    ),
    "amounts": (
        amounts,
        "How much to add: predicted metric over the number of examples added to all real ones, with a 95 % band from "
        "validation examples alone. Dashed: without the source; dotted: the amount to take. To the right the numbers "
        "are ever closer (a logarithmic scale).",
    ),
    "more": (
        more,
        "What more real examples would bring: predicted metric on parts of the real examples, and forecasts with their "
        "95 % intervals. Numbers of examples on a logarithmic scale.",
    ),
}
ALT: Mapping[str, Callable[[Answer], str]] = {"ranking": ranking_alt, "more": more_alt}  # what they show, in words
