"""Answer 3, its measurements: the learning curve of the real examples, and how far it is known or extrapolated."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.studies.sources.answer import Point
from experiments.studies.sources.fits import Effort, Fits, amounts_of, fits_of, point, whole
from experiments.studies.sources.laws import Learning, drops
from experiments.tasks.own_data import Prepared
from valuation.curves import real_curve
from valuation.intervals import level
from valuation.unions import Layout

FACTORS = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)  # times as many real examples: so far a curve is extrapolated
ROUGH = 1e-3  # of an error: what is known of it at best


class RealCurve(NamedTuple):
    """The metric on subsets of the real examples, their sizes increasing, (n,) each.

    deviations: standard errors from which examples they are, each on its own: larger subsets hold the smaller ones, so
    that their errors go together. rows: standard error of the last from validation rows.
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

    @property
    def now(self) -> float:
        """The metric of those that there are."""
        return float(self.metric[self.sizes.index(self.real)])


def curve_of(prepared: Prepared, effort: Effort, key) -> RealCurve:
    """The metric on the real examples that fits take, at amounts that halve, and at equal parts."""
    return measured(fits_of(prepared, (0,), (amounts_of,), effort, key), prepared.offset, effort)


def measured(fits: Fits, offset: float, effort: Effort) -> RealCurve:
    """The curve of the only contributor of fits; at equal parts it is a mean over effort.orders of their blocks.

    Standard errors are those of a mean of n examples: of variance s^2 / n, with s^2 from the jackknife of all, or from
    how far equal parts are apart where that is more; shared examples of several parts are counted once.
    """
    (size,) = fits.sizes
    curve = real_curve(fits.evaluate, fits.blocks)
    turned = {one: _turned(fits, part, effort) for part, one in _parts(fits.blocks, effort.blocks).items()}
    metric = [float(np.mean(turned.get(n, [u]))) for n, u in zip(curve.amounts, curve.utilities(), strict=True)]
    all_of_them = level(fits.evaluate, fits.blocks, whole(fits), about=effort.blocks)
    shared = {n: _shared(fits, part, effort) for part, n in _parts(fits.blocks, effort.blocks).items()}
    apart = [
        np.var(several, ddof=1) / (1 / n - shared[n] / n**2)
        for n, several in turned.items()
        if len(several) > 1 and shared[n] < n
    ]
    unit = max(size * all_of_them.examples**2, float(np.mean(apart)) if apart else 0.0)
    deviations = []
    for n in curve.amounts:
        count = len(turned.get(n, [0]))
        deviations.append(float(np.sqrt(unit * (1 / n + (count - 1) * shared.get(n, 0.0) / n**2) / count)))
    return RealCurve(list(curve.amounts), [offset + u for u in metric], deviations, all_of_them.rows)


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
    return [fits.evaluate(union).utility() for union in _rotations(fits, part, effort)]


def _shared(fits: Fits, part: int, effort: Effort) -> float:
    """How many examples two of these have in common, on average; 0 for one."""
    held = np.array(_rotations(fits, part, effort))
    common = (held * fits.blocks.counts) @ held.T
    return float(common[~np.eye(len(held), dtype=bool)].mean()) if len(held) > 1 else 0.0


def _rotations(fits: Fits, part: int, effort: Effort) -> list[Float[np.ndarray, " B"]]:
    ends = list(_parts(fits.blocks, effort.blocks).values())
    place = np.searchsorted(ends, fits.blocks.ends)  # of each block, its part
    starts = np.unique(np.arange(effort.orders) * effort.blocks // effort.orders) if part < effort.blocks else [0]
    return [((place - start) % effort.blocks < part).astype(float) for start in starts]
