"""What a budget buys best, given prices of an example."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.studies.sources.answer import Amount
from experiments.studies.sources.learning import Reach
from valuation.exchange import equivalent_real_count

REAL = "real"


def prices_of(text: str, names: Sequence[str]) -> dict[str, float]:
    """Name -> price of an example, of "real=0.5,a=0.01". names: of the sources.

    Raises ValueError that names the part which is no such pair, and as checked_prices.
    """
    prices: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.rpartition("=")
        try:
            prices[name.strip()] = float(number)
        except ValueError:
            raise ValueError(f"config.prices: expected a price above 0 in {part!r}, as real=0.5") from None
    return checked_prices(prices, names)


def checked_prices(prices: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    """The same prices. Raises ValueError for a name that is neither REAL nor a source's, and what is no price."""
    for name, price in prices.items():
        if name not in (REAL, *names):
            raise ValueError(f"prices: {name!r} is no source: expected {', '.join((REAL, *names))}")
        if isinstance(price, str) or not 0 < price < np.inf:
            raise ValueError(f"prices: expected a price above 0, found {price} for {name}")
    return dict(prices)


def best_plan(
    reach: Reach, amounts: Sequence[Amount], prices: dict[str, float], budget: float
) -> dict[str, Any] | None:
    """What to buy for a budget: real examples, examples of one source, or both.

    The metric of n real examples with a of a source is taken as that of the equivalent real count, to which bought real
    examples add. reach: the curve of real examples. amounts: the curves of the sources. prices: of what is for sale.
    Nothing is bought beyond the last count of reach, of which nothing is known, and money may be left; of ways that do
    as well, the cheapest.
    {"budget", "buy": {name: examples}, "predicted": the metric, "rivals": the best of each way alone, "limits": in
    words}; None where nothing can be said.
    """
    if not prices or budget <= 0 or len(reach.sizes) < 2:
        return None
    ways: list[dict[str, Any]] = []
    last, cut = reach.sizes[-1], False
    for source, bought, count in _bought(reach, amounts, prices, budget):
        spent = bought * prices.get(source, 0.0)
        affordable = int((budget - spent) / prices[REAL]) if REAL in prices else 0
        real = min(affordable, int(last - count))
        cut |= real < affordable
        metric = float(np.interp(np.log(count + real), np.log(reach.sizes), reach.metric))
        buy = {name: amount for name, amount in ((REAL, real), (source, bought)) if amount}
        ways.append({"buy": buy, "predicted": metric, "spent": spent + real * prices.get(REAL, 0.0)})
    best = max(ways, key=lambda way: (way["predicted"], -way["spent"]))
    alone: dict[str, dict[str, Any]] = {}
    for way in ways:
        name = " and ".join(way["buy"]) or "nothing"
        if name not in alone or way["predicted"] > alone[name]["predicted"]:
            alone[name] = way
    rivals = [way for way in alone.values() if way is not best]
    return {"budget": budget, **best, "rivals": rivals, "limits": _limits(reach, cut)}


def _limits(reach: Reach, cut: bool) -> str:
    """What the plan does not know, in words."""
    text = (
        f"counted from the {reach.real:,} real examples that are fitted; more than {reach.real:,} are a forecast; ways "
        "are compared on the validation rows that they are chosen by, so that the best one looks a little too good"
    )
    if cut:
        text += f"; nothing is known beyond {reach.sizes[-1]:,} real examples, and no more than that is bought"
    return text


def _bought(reach: Reach, amounts: Sequence[Amount], prices: dict[str, float], budget: float):
    """(source, examples of it, the equivalent real count with them) for every amount that the budget allows."""
    yield REAL, 0, float(reach.real)
    for amount in amounts:
        if amount.source not in prices:
            continue
        for point in amount.curve:
            if point.amount and point.amount * prices[amount.source] <= budget:
                gain = point.predicted - amount.curve[0].predicted
                found = equivalent_real_count(reach.sizes, reach.metric, reach.now + gain, through=reach.real)
                yield amount.source, point.amount, found.count
