"""Laws fitted to a predicted learning curve, what they say of more examples, and which phase the data show."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.studies.sources.answer import Forecast, Interval, Law
from theory.fit import Fit, compare, fit
from theory.laws import LAWS
from theory.likelihood import Optimum, optimum
from theory.measured import curve
from valuation.intervals import NORMAL

FEW = 8  # different sizes, below which no phases are looked for
PLAIN = ("power", "rectified", "piecewise")
RESAMPLED = 40  # times that the curve is drawn anew, for the interval of a forecast
WIDE = 1e4  # times a parameter, or 1: an interval that reaches farther says nothing of it


class Learning(NamedTuple):
    """Errors at sizes, (n,) each, and their standard errors: 1 minus a metric, or a loss."""

    sizes: Float[np.ndarray, " n"]
    errors: Float[np.ndarray, " n"]
    deviations: Float[np.ndarray, " n"]


class Anchor(NamedTuple):
    """From where forecasts start: so many examples, the metric there, trained or predicted, and its standard error."""

    size: int
    metric: float
    deviation: float


def laws_of(points: Learning) -> list[Law]:
    """Laws of few phases fitted to the errors, the best first: those that have fewer parameters than there are points.

    With fewer than 4 different sizes there is none.
    """
    if len(np.unique(points.sizes)) < 4:
        return []
    known = [name for name in PLAIN if len(LAWS[name].names) + 2 < len(points.sizes)]
    fits = [
        fit(points.sizes, points.errors, law=name, real_share=1.0, standard_errors=points.deviations) for name in known
    ]
    return [_law(one) for one in sorted(fits, key=lambda one: one.criterion)]


def drops(
    points: Learning, size: int, sizes: Float[np.ndarray, " k"], rng: np.random.Generator | None
) -> Float[np.ndarray, "r k"] | None:
    """By how much the power law's error at `size` falls until each of `sizes`, (1, k); with rng then that of RESAMPLED
    curves drawn with their standard errors, (1 + RESAMPLED, k). None with fewer than 4 different sizes.

    Each point is drawn on its own, though larger subsets hold the smaller ones: errors that go together tilt a curve
    less, so that the spread is rather too large than too small.
    """
    if len(np.unique(points.sizes)) < 4:
        return None
    out = []
    for noise in (0.0, *(rng.normal(size=(RESAMPLED, len(points.errors))) if rng else ())):
        errors = np.maximum(points.errors + noise * points.deviations, points.errors / 10)
        best = optimum(LAWS["power"], curve(points.sizes, errors, 1.0, points.deviations))
        out.append(_errors(best, np.array([size], float)) - _errors(best, np.asarray(sizes, float)))
    return np.array(out)


def misfit(points: Learning) -> float:
    """By how much the power law misses the errors, of a degree of freedom, beyond their standard errors."""
    best = optimum(LAWS["power"], curve(points.sizes, points.errors, 1.0, points.deviations))
    squares = np.square(points.errors - _errors(best, points.sizes)).sum() / max(len(points.errors) - 3, 1)
    return float(np.sqrt(max(squares - np.mean(np.square(points.deviations)), 0.0)))


def forecasts(
    points: Learning, real: int, times: tuple[float, ...], anchor: Anchor, most: float, rng: np.random.Generator
) -> list[Forecast]:
    """The metric at `times` as many examples as `real`: that of the anchor plus what the power law's error falls by
    from there on. most: the best metric there is.

    Intervals hold the spread of the curve's points, the anchor's standard error, and how far the law misses the points.
    """
    amounts = [round(real * factor) for factor in times]
    fallen = drops(points, anchor.size, np.array(amounts, float), rng)
    if fallen is None:
        return []
    missed = misfit(points)
    out: list[Forecast] = []
    for place, (factor, amount) in enumerate(zip(times, amounts, strict=True)):
        spread = float(np.sqrt(fallen[1:, place].var(ddof=1) + anchor.deviation**2 + missed**2))
        middle = anchor.metric + float(fallen[0, place])
        low, high = (float(min(middle + sign * NORMAL * spread, most)) for sign in (-1, 1))
        out.append(Forecast(float(factor), amount, float(min(middle, most)), (low, high)))
    return out


def phase_of(sizes: list[int], errors: list[float], real_share: float) -> tuple[str, Interval | None]:
    """(in which phase a mixture is, in words, as far as its curve shows one; the breakpoints of that curve).

    sizes, errors: of the mixture, (n,) each, the last of all that there is. real_share: of each.
    """
    if len(sizes) < FEW:
        return f"too few sizes to tell phases: {FEW} are needed, there are {len(sizes)}", None
    size, compared = sizes[-1], compare(np.array(sizes), np.array(errors), real_share=real_share)
    best = compared.fits[compared.best]
    if not compared.three_phases or best.breakpoints is None:
        return compared.verdict, None
    first, second = best.breakpoints
    where = "before the first breakpoint: more of the same mixture helps as it did"
    if size > second:
        where = "beyond the second breakpoint: the tail is being learned, and what is real counts"
    elif size > first:
        where = "on the plateau between the breakpoints: more of the same mixture hardly helps, real examples do"
    return f"{compared.verdict}; the {size:,} examples that there are lie {where}", (float(first), float(second))


def _law(one: Fit) -> Law:
    parameters = {name: value for name, value in one.parameters.items() if np.isfinite(value)}
    known = {
        name: (float(low), float(high))
        for name, (low, high) in one.intervals.items()
        if np.isfinite((low, high)).all()
        and (name not in parameters or max(abs(low), abs(high)) <= WIDE * max(abs(parameters[name]), 1.0))
    }
    return Law(one.law, parameters, known, one.criterion if np.isfinite(one.criterion) else None)


def _errors(best: Optimum, sizes: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Those of the power law at its optimum: floor + amplitude n^-c."""
    log_amplitude, floor, decay = best.parameters
    return floor + np.exp(log_amplitude - decay * np.log(sizes))
