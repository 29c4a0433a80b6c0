"""Laws fitted to a predicted learning curve, what they say of more examples, and which phase the data show."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from experiments.studies.sources.answer import Forecast, Interval, Law
from theory.fit import Comparison, Fit, compare, fit
from theory.laws import LAWS
from theory.likelihood import Optimum, optimum
from theory.measured import curve

FEW = 9  # different sizes, below which the power law alone is fitted
RESAMPLED = 40  # times that the curve is drawn anew, for the interval of a forecast
Z = 1.96


class Learning(NamedTuple):
    """Errors at sizes, (n,) each, and their standard errors: 1 minus a metric, or a loss."""

    sizes: Float[np.ndarray, " n"]
    errors: Float[np.ndarray, " n"]
    deviations: Float[np.ndarray, " n"]


def laws_of(points: Learning, real_share: float = 1.0) -> tuple[list[Law], Comparison | None]:
    """(laws fitted to the errors, the best first; the comparison of all four where there are sizes enough, else None).

    real_share: of the examples. With fewer than 4 different sizes there is no law.
    """
    different, given = len(np.unique(points.sizes)), {"real_share": real_share, "standard_errors": points.deviations}
    if different < 4:
        return [], None
    if different < FEW:
        return [_law(fit(points.sizes, points.errors, law="power", **given))], None
    compared = compare(points.sizes, points.errors, **given)
    return [_law(one) for one in sorted(compared.fits.values(), key=lambda one: one.bic)], compared


def drops(points: Learning, size: int, sizes: Float[np.ndarray, " k"], rng: np.random.Generator) -> np.ndarray | None:
    """By how much the power law's error at `size` falls until each of `sizes`: row 0 of the errors themselves, then of
    RESAMPLED curves drawn with their standard errors, (1 + RESAMPLED, k). None with fewer than 4 different sizes.
    """
    if len(np.unique(points.sizes)) < 4:
        return None
    out = []
    for number in range(1 + RESAMPLED):
        noise = rng.normal(size=len(points.errors)) * points.deviations if number else 0.0
        errors = np.maximum(points.errors + noise, points.errors / 10)
        best = optimum(LAWS["power"], curve(points.sizes, errors, 1.0, points.deviations))
        out.append(_errors(best, np.array([size], float)) - _errors(best, np.asarray(sizes, float)))
    return np.array(out)


def forecasts(
    points: Learning, size: int, times: tuple[float, ...], anchor: float, anchor_deviation: float, most: float,
    rng: np.random.Generator,
) -> list[Forecast]:  # fmt: skip
    """The metric at `times` as many examples: that of `size` ones plus what the power law's error falls by.

    anchor: the metric at `size`, of a training or predicted, and its standard error. most: the best metric there is.
    """
    amounts = [round(size * factor) for factor in times]
    fallen = drops(points, size, np.array(amounts, float), rng)
    if fallen is None:
        return []
    out = []
    for place, (factor, amount) in enumerate(zip(times, amounts, strict=True)):
        spread = float(np.hypot(fallen[1:, place].std(ddof=1), anchor_deviation))
        middle = anchor + float(fallen[0, place])
        low, high = (min(middle + sign * Z * spread, most) for sign in (-1, 1))
        out.append(Forecast(float(factor), amount, min(middle, most), (low, high)))
    return out


def phase_of(compared: Comparison | None, size: int) -> tuple[str, Interval | None]:
    """(which phase `size` examples are in, in words, as far as the curve shows one; its breakpoints)."""
    if compared is None:
        return f"too few sizes to tell phases: expected {FEW} or more", None
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
    finite = {name: pair for name, pair in one.intervals.items() if np.isfinite(pair).all()}
    parameters = {name: value for name, value in one.parameters.items() if np.isfinite(value)}
    return Law(one.law, parameters, {name: (float(low), float(high)) for name, (low, high) in finite.items()}, one.bic)


def _errors(best: Optimum, sizes: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Those of the power law at its optimum."""
    with jax.enable_x64(True):
        shape = np.asarray(LAWS["power"].shape(best.parameters[2:], sizes, 0 * sizes, 1.0))
    return best.parameters[1] + np.exp(best.parameters[0] + shape)
