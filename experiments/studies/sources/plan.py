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


def checked_prices(prices: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    """The same prices. Raises ValueError for a name that is neither REAL nor a source's, and what is no price."""
    for name, price in prices.items():
        if name not in (REAL, *names):
            raise ValueError(f"prices: {name!r} is no source: expected {', '.join((REAL, *names))}")
        if not 0 < price < np.inf:
            raise ValueError(f"prices: expected a price above 0, found {price} for {name}")
    return dict(prices)


def best_plan(
    reach: Reach, amounts: Sequence[Amount], prices: dict[str, float], budget: float
) -> dict[str, Any] | None:
    """What to buy for a budget: real examples, examples of one source, or both.

    The metric of n real examples with a of a source is taken as that of the equivalent real count, to which bought real
    examples add. reach: the curve of real examples. amounts: the curves of the sources. prices: of what is for sale.
    {"budget", "buy": {name: examples}, "predicted": the metric, "rivals": the best of each way alone}; None where
    nothing can be said.
    """
    if not prices or budget <= 0 or len(reach.sizes) < 2:
        return None
    ways: list[dict[str, Any]] = []
    for source, bought, count in _bought(reach, amounts, prices, budget):
        left = budget - bought * prices.get(source, 0.0)
        real = int(left / prices[REAL]) if REAL in prices else 0
        metric = float(np.interp(np.log(count + real), np.log(reach.sizes), reach.metric))
        buy = {name: amount for name, amount in ((REAL, real), (source, bought)) if amount}
        ways.append({"buy": buy, "predicted": metric})
    best = max(ways, key=lambda way: way["predicted"])
    alone: dict[str, dict[str, Any]] = {}
    for way in ways:
        name = " and ".join(way["buy"]) or "nothing"
        if name not in alone or way["predicted"] > alone[name]["predicted"]:
            alone[name] = way
    return {"budget": budget, **best, "rivals": [way for way in alone.values() if way is not best]}


def _bought(reach: Reach, amounts: Sequence[Amount], prices: dict[str, float], budget: float):
    """(source, examples of it, the equivalent real count with them) for every amount that the budget allows."""
    yield REAL, 0, float(reach.real)
    for amount in amounts:
        if amount.source not in prices:
            continue
        for point in amount.curve:
            if point.amount and point.amount * prices[amount.source] <= budget:
                equivalent = equivalent_real_count(reach.sizes, reach.metric, point.predicted)
                yield amount.source, point.amount, equivalent.count
