"""Answer 3, its measurements: the learning curve of the real examples, and how far it is known or extrapolated."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.studies.sources.answer import Point
from experiments.studies.sources.fits import Effort, Fits, amounts_of, fits_of, point, spread
from experiments.studies.sources.laws import Learning, drops
from experiments.tasks.own_data import Prepared
from valuation.curves import real_curve
from valuation.unions import Layout

FACTORS = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)  # times as many real examples: so far a curve is extrapolated
ROUGH = 1e-3  # of an error: what is known of it at best


class RealCurve(NamedTuple):
    """The metric on subsets of the real examples, their sizes increasing, (n,) each.

    deviations: standard errors from which examples they are. rows: standard error of the last from validation rows.
    """

    sizes: list[int]
    metric: list[float]
    deviations: list[float]
    rows: float


class Reach(NamedTuple):
    """The metric of `sizes` real examples, known up to `real` and extrapolated from there on, (n,) each."""

    real: int
    sizes: list[int]
    metric: Float[np.ndarray, " n"]


def curve_of(prepared: Prepared, effort: Effort, key) -> RealCurve:
    """The metric at amounts that halve, and at equal parts: those are means over effort.orders of their blocks."""
    fits = fits_of(prepared, (0,), (amounts_of,), effort, key)
    (size,) = fits.sizes
    curve = real_curve(fits.evaluate, fits.blocks)
    turned = {one: _turned(fits, part, effort) for part, one in _parts(fits.blocks, effort.blocks).items()}
    metric = [float(np.mean(turned.get(n, [u]))) for n, u in zip(curve.amounts, curve.utilities(), strict=True)]
    variance = [n * np.var(several, ddof=1) for n, several in turned.items() if n < size and len(several) > 1]
    unit = float(np.mean(variance)) if variance else float(fits.blocks.counts.sum()) * spread(curve.scores[-1]) ** 2
    deviations = [np.sqrt(unit / (n * len(turned.get(n, [0])))) for n in curve.amounts]
    return RealCurve(
        list(curve.amounts), [prepared.offset + u for u in metric], list(map(float, deviations)),
        spread(curve.scores[-1]),
    )  # fmt: skip


def learning(prepared: Prepared, curve: RealCurve) -> Learning:
    """The same as errors: the best metric that there can be minus the metric."""
    errors = np.array([error_of(prepared, metric - prepared.offset) for metric in curve.metric])
    return Learning(np.array(curve.sizes, float), errors, np.maximum(curve.deviations, ROUGH * errors))


def error_of(prepared: Prepared, utility: float) -> float:
    """The best metric there is minus the metric; above 0, half a validation example's at least."""
    return max(prepared.most - prepared.offset - utility, 0.5 / len(prepared.problem.validation.inputs))


def reach_of(prepared: Prepared, curve: RealCurve) -> Reach:
    """The curve with what a power law says of up to ten times as many real examples."""
    real = curve.sizes[-1]
    further = [round(real * factor) for factor in FACTORS]
    fallen = drops(learning(prepared, curve), real, np.array(further, float), None)
    if fallen is None:
        return Reach(real, curve.sizes, np.array(curve.metric))
    return Reach(real, curve.sizes + further, np.concatenate([curve.metric, curve.metric[-1] + fallen[0]]))


def curve_points(prepared: Prepared, curve: RealCurve) -> list[Point]:
    """The curve with intervals over examples and validation rows."""
    return [
        point(n, metric, float(np.hypot(deviation, curve.rows)), prepared.most)
        for n, metric, deviation in zip(curve.sizes, curve.metric, curve.deviations, strict=True)
    ]


def _parts(blocks: Layout, count: int) -> dict[int, int]:
    """k -> where the first k of `count` equal parts end."""
    size = int(blocks.ends[-1])
    return {part: -(-size * part // count) for part in range(1, count + 1)}


def _turned(fits: Fits, part: int, effort: Effort) -> list[float]:
    """Utilities of so many equal parts, begun at different ones."""
    ends = list(_parts(fits.blocks, effort.blocks).values())
    place = np.searchsorted(ends, fits.blocks.ends)  # of each block, its part
    starts = np.unique(np.arange(effort.orders) * effort.blocks // effort.orders) if part < effort.blocks else [0]
    unions = [((place - start) % effort.blocks < part).astype(float) for start in starts]
    return [fits.evaluate(union).utility() for union in unions]
