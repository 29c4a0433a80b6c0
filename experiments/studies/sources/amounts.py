"""Answer 2: how much of each source to mix in, and how many real examples that stands for."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from experiments.studies.sources.answer import Amount, Interval
from experiments.studies.sources.fits import LEAST, Fits, around, points
from experiments.studies.sources.learning import Reach, error_of
from experiments.tasks.own_data import Prepared
from valuation.curves import Choice, Curve, Joint, added_curve, best_amount, best_weights, joint_curve
from valuation.exchange import Equivalent, average_rate, equivalent_real_count, marginal_rate
from valuation.intervals import crossed_difference, variance_of_mean
from valuation.unions import Scores, taken

ALL = "all"
CENSORED = {
    "above": "more than {count:,.0f}, as far as the curve of your {real:,} real examples is extrapolated",
    "below": "fewer than {count:,.0f}, the fewest that the curve of your {real:,} real examples begins with",
}
CLOSE = 1e-9  # a count that rounding alone sets apart from another
FORECAST = "by the forecast beyond your {real:,} real examples"


class Mixture(NamedTuple):
    """sizes, errors: of the whole mixture, real examples too, at growing shares of every set. real_share: of it."""

    sizes: list[int]
    errors: list[float]
    real_share: float


class Together(NamedTuple):
    """What all sources at once say.

    amount: how much of all. dropped: source -> metric of all minus that of all but it; dropped_interval: of it, over
    validation rows. mixture: its curve.
    """

    amount: Amount
    dropped: dict[str, float]
    dropped_interval: dict[str, Interval]
    mixture: Mixture


def amount_of(prepared: Prepared, fits: Fits, reach: Reach, blocks: int) -> Amount:
    """How much of one source. fits: of fits.beside_real. reach: the curve of real examples.

    blocks: that the jackknife leaves out of each set.
    """
    curve = added_curve(fits.evaluate, fits.blocks, 1, beside={0: fits.sizes[0]})
    name = prepared.problem.contributors[fits.numbers[1]].name
    return _amount(prepared, name, fits, Joint(curve, tuple({1: amount} for amount in curve.amounts)), reach, blocks)


def together_of(prepared: Prepared, fits: Fits, reach: Reach, blocks: int) -> Together:
    """How much of all sources, the same share of each, and what each of them adds to the others.

    fits: of fits.together. The rest as in amount_of.
    """
    sources = range(1, len(fits.sizes))
    joint = joint_curve(fits.evaluate, fits.blocks, sources, beside={0: fits.sizes[0]})
    every = dict(enumerate(fits.sizes))
    most, dropped, intervals = joint.curve.scores[-1], {}, {}
    for source in sources:
        name = prepared.problem.contributors[fits.numbers[source]].name
        without = fits.evaluate(taken(fits.blocks, {**every, source: 0}))
        dropped[name] = most.utility() - without.utility()
        gaps = variance_of_mean(most.metric - without.metric, most.weights)
        intervals[name] = around(dropped[name], float(np.sqrt(gaps)))
    amount = _amount(prepared, ALL, fits, joint, reach, blocks)
    return Together(amount, dropped, intervals, mixture_of(prepared, fits))


def mixture_of(prepared: Prepared, fits: Fits) -> Mixture:
    """The curve at the shares of all sets at which their blocks end; sets too small for the same shares have none.

    fits: of fits.together.
    """
    ends = [fits.blocks.ends[fits.blocks.owner == place] for place in range(len(fits.sizes))]
    real_share = fits.sizes[0] / sum(fits.sizes)
    if len({len(one) for one in ends}) > 1:
        return Mixture([], [], real_share)
    amounts = [dict(enumerate(row)) for row in np.transpose(ends).tolist() if sum(row) >= LEAST]
    errors = [error_of(prepared, fits.evaluate(taken(fits.blocks, one)).utility()) for one in amounts]
    return Mixture([sum(one.values()) for one in amounts], errors, real_share)


def _amount(prepared: Prepared, name: str, fits: Fits, joint: Joint, reach: Reach, blocks: int) -> Amount:
    curve, beside = joint.curve, {0: fits.sizes[0]}
    choice = best_amount(curve, fits.half)
    gains = _gain(choice.scores, curve.scores[0], "own") > 0
    amount = curve.amounts[choice.best] if gains else 0
    unions = [taken(fits.blocks, {**beside, **each}) for each in joint.each]
    first, second = (unions[place] for place in choice.chosen)
    gain = crossed_difference(fits.evaluate, fits.blocks, (first, second), unions[0], fits.half, about=blocks)
    weights, weighted = _weights(prepared, fits, joint.each[choice.best if amount else -1])
    middle, low, high = (_equivalent(reach, more) for more in (gain.value if amount else 0.0, *gain.interval))
    return Amount(
        source=name,
        curve=points(prepared, curve),
        best=amount,
        chosen=[curve.amounts[place] for place in choice.chosen],
        gain=gain.value,
        interval=gain.interval,
        weight=None if name == ALL else next(iter(weights.values())),
        weights=weights,
        weighted_gain=weighted,
        equivalent_real=middle and middle.count,
        equivalent_interval=(low.count, high.count) if amount and low and high else None,
        censored=_censored(reach, middle),
        exchange_rate=_rate(reach, middle, curve, choice) if amount else None,
        marginal_rate=_marginal(reach, curve, choice, fits.half) if amount else None,
    )


def _weights(prepared: Prepared, fits: Fits, amounts: Mapping[int, int]) -> tuple[dict[str, float], float]:
    """(source -> its weight beside the real examples and these amounts, what weights add to the metric): chosen on one
    half and scored on the other; all are 1 where that does not gain in the surrogate's own unit.
    """
    beside = {0: fits.sizes[0]}
    found = best_weights(fits.evaluate, fits.blocks, amounts, fits.half, beside=beside, sweeps=1)
    alike = fits.evaluate(taken(fits.blocks, {**beside, **amounts}))
    gains = _gain(found.scores, alike, "own") > 0
    names = {source: prepared.problem.contributors[fits.numbers[source]].name for source in amounts}
    weights = {name: found.best[source] if gains else 1.0 for source, name in names.items()}
    return weights, _gain(found.scores, alike, "metric")


def _gain(scores: Scores, other: Scores, unit: str) -> float:
    return scores.utility(unit) - other.utility(unit)


def _equivalent(reach: Reach, gain: float) -> Equivalent | None:
    """How many real examples do better than those that there are by so much; None without a curve."""
    if len(reach.sizes) < 2:
        return None
    return equivalent_real_count(reach.sizes, reach.metric, reach.now + gain, through=reach.real)


def _censored(reach: Reach, found: Equivalent | None) -> str | None:
    """Why a count is no measured one."""
    if found is None:
        return None
    if found.censored:
        return CENSORED[found.censored].format(count=found.count, real=reach.real)
    return FORECAST.format(real=reach.real) if found.count > reach.real * (1 + CLOSE) else None


def _rate(reach: Reach, found: Equivalent | None, curve: Curve, choice: Choice) -> float | None:
    """Real examples that each of the chosen ones stands for, on average over both halves as the gain is."""
    added = np.mean([curve.amounts[place] for place in choice.chosen])
    return average_rate(found, reach.real, float(added)) if found and added else None


def _marginal(reach: Reach, curve: Curve, choice: Choice, half: Bool[np.ndarray, " m"]) -> float | None:
    """The rate of what is added next to what one half chose, by the other half; None where one of them has none."""
    if len(reach.sizes) < 2:
        return None
    rates = [
        marginal_rate(
            reach.sizes, reach.metric, curve.amounts, _mixed(reach, curve, rows), curve.amounts[place],
            through=reach.real,
        )
        for place, rows in zip(choice.chosen, (~half, half), strict=True)
    ]  # fmt: skip
    known = [rate for rate in rates if rate is not None]
    return float(np.mean(known)) if len(known) == len(rates) else None


def _mixed(reach: Reach, curve: Curve, rows: Bool[np.ndarray, " m"]) -> Float[np.ndarray, " a"]:
    """The metric of real examples and each amount, by some rows: what these gain on top of what there is."""
    each = np.array([one.utility("metric", rows) for one in curve.scores])
    return reach.now + each - each[0]
