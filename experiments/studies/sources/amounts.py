"""Answer 2: how much of each source to mix in, and how many real examples that stands for."""

from typing import NamedTuple

import numpy as np

from experiments.studies.sources.answer import Amount
from experiments.studies.sources.fits import LEAST, Fits, points
from experiments.studies.sources.learning import Reach, error_of
from experiments.tasks.own_data import Prepared
from valuation.curves import NOISES, Choice, Curve, added_curve, best_amount, best_of, best_weights, joint_curve
from valuation.exchange import average_rate, equivalent_real_count, marginal_rate
from valuation.unions import taken

ALL = "all"
CENSORED = {
    "above": "more than {count:,.0f}: so far the curve of real examples is known or extrapolated, and no farther",
    "below": "fewer than {count:,.0f}, the fewest that the curve of real examples begins with",
}


class Together(NamedTuple):
    """What all sources at once say.

    amount: how much of all. dropped: source -> metric of all minus that of all but it. sizes, errors: of the whole
    mixture, real examples too, at growing shares of every set. real_share: of the mixture.
    """

    amount: Amount
    dropped: dict[str, float]
    sizes: list[int]
    errors: list[float]
    real_share: float


def amount_of(prepared: Prepared, fits: Fits, reach: Reach) -> Amount:
    """How much of one source. fits: of fits.beside_real. reach: the curve of real examples."""
    curve = added_curve(fits.evaluate, fits.blocks, 1, beside={0: fits.sizes[0]})
    best = best_amount(curve, fits.half)
    weighed = curve.amounts[best.best] or fits.sizes[1]
    weight = best_weights(fits.evaluate, fits.blocks, {1: weighed}, fits.half, beside={0: fits.sizes[0]}).best[1]
    return _amount(prepared, prepared.problem.contributors[fits.numbers[1]].name, curve, best, weight, reach)


def together_of(prepared: Prepared, fits: Fits, reach: Reach) -> Together:
    """How much of all sources, the same share of each, and what each of them adds to the others.

    fits: of fits.together.
    """
    real, sources = fits.sizes[0], range(1, len(fits.sizes))
    curve = joint_curve(fits.evaluate, fits.blocks, sources, beside={0: real})
    best = best_amount(curve, fits.half)
    every = dict(enumerate(fits.sizes))
    weighed = [fits.evaluate(taken(fits.blocks, every, dict.fromkeys(sources, 1 / noise))) for noise in NOISES]
    weight = 1 / NOISES[best_of(weighed, fits.half).best]
    most = curve.scores[-1].utility()
    without = {
        prepared.problem.contributors[fits.numbers[source]].name: most
        - fits.evaluate(taken(fits.blocks, {**every, source: 0})).utility()
        for source in sources
    }
    sizes, errors = _mixture(prepared, fits)
    return Together(_amount(prepared, ALL, curve, best, weight, reach), without, sizes, errors, real / sum(fits.sizes))


def _mixture(prepared: Prepared, fits: Fits) -> tuple[list[int], list[float]]:
    """(sizes of the whole mixture, LEAST or more, errors) at the shares of all sets at which their blocks end."""
    ends = [fits.blocks.ends[fits.blocks.owner == place] for place in range(len(fits.sizes))]
    if len({len(one) for one in ends}) > 1:  # sets too small for the same shares
        return [], []
    amounts = [dict(enumerate(row)) for row in np.transpose(ends).tolist() if sum(row) >= LEAST]
    sizes = [sum(one.values()) for one in amounts]
    errors = [error_of(prepared, fits.evaluate(taken(fits.blocks, one)).utility()) for one in amounts]
    return sizes, errors


def _amount(prepared: Prepared, name: str, curve: Curve, best: Choice, weight: float, reach: Reach) -> Amount:
    amount, utilities = curve.amounts[best.best], prepared.offset + curve.utilities()
    if len(reach.sizes) > 1:
        equivalent = equivalent_real_count(reach.sizes, reach.metric, float(utilities[best.best]))
        marginal = marginal_rate(reach.sizes, reach.metric, curve.amounts, utilities, amount)
    else:
        equivalent, marginal = None, None
    return Amount(
        source=name,
        curve=points(prepared, curve),
        best=amount,
        chosen=[curve.amounts[number] for number in best.chosen],
        gain=best.scores.utility() - curve.scores[0].utility(),
        weight=weight,
        equivalent_real=equivalent.count if equivalent else None,
        censored=CENSORED[equivalent.censored].format(count=equivalent.count)
        if equivalent and equivalent.censored
        else None,
        exchange_rate=average_rate(equivalent, reach.real, amount) if equivalent and amount else None,
        marginal_rate=None if marginal is None else float(np.asarray(marginal)),
    )
