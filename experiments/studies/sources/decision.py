"""Three sentences that somebody who buys data understands: which source, how much of it, what more would buy."""

from collections.abc import Sequence

from experiments.studies.sources.answer import Amount, Data, More, Value


def sentences(data: Data, values: Sequence[Value], amounts: Sequence[Amount], more: More | None) -> list[str]:
    """The decision, one sentence a question. values: the best first."""
    return [which(data, values), how_much(data, values, amounts), what_more(data, values, amounts, more)]


def which(data: Data, values: Sequence[Value]) -> str:
    """Which source is worth it."""
    helps, harms, undecided = (
        [value.source for value in values if value.verdict == verdict] for verdict in ("helps", "harms", "open")
    )
    if not values:
        return "No source was valued."
    if not helps:
        rest = f"{_listed(harms)} would make it worse" if harms else "none of them is known to harm"
        return (
            f"Take none of the sources: none is sure to help beside your {data.real.used:,} real examples, and {rest}."
        )
    best = values[0]
    alone = best.predicted - best.gain
    text = (
        f"Take {helps[0]}: beside your {data.real.used:,} real examples it lifts the predicted {data.metric} from "
        f"{alone:.3f} to {best.predicted:.3f} (a gain between {best.interval[0]:+.3f} and {best.interval[1]:+.3f})"
    )
    if helps[1:]:
        text += f"; {_listed(helps[1:])} {'helps' if len(helps) == 2 else 'help'} too"
    if undecided:
        text += f"; nothing sure can be said of {_listed(undecided)}"
    if harms:
        text += f"; leave out {_listed(harms)}, which would make it worse"
    return text + "."


def how_much(data: Data, values: Sequence[Value], amounts: Sequence[Amount]) -> str:
    """How much of it to mix in."""
    found = {amount.source: amount for amount in amounts}
    value = next((value for value in values if value.source in found), None)
    if value is None:
        return "How much to mix in was not computed."
    best = found[value.source]
    if not best.best:
        return f"Mix in nothing: no amount of {best.source} raises the predicted {data.metric}."
    size = next(one.used for one in data.sources if one.name == best.source)
    amount = f"all {size:,} examples" if best.best == size else f"about {best.best:,} of the {size:,} examples"
    start = "Mix in" if value.verdict == "helps" else "No amount is sure to pay; the best guess is to mix in"
    text = f"{start} {amount} of {best.source}"
    if best.equivalent_real is not None:
        real = data.real.used
        bound = "more than " if best.censored and best.equivalent_real > real else ""
        text += f": your {real:,} real examples with them do as well as {bound}{best.equivalent_real:,.0f} real ones"
    every = found.get("all")
    if every and every.curve and every.best:
        top = max(point.predicted for point in every.curve)
        text += f"; all sources together reach {top:.3f}"
    return text + "."


def what_more(data: Data, values: Sequence[Value], amounts: Sequence[Amount], more: More | None) -> str:
    """What more real examples would buy."""
    if more is None or not more.forecasts:
        return "What more real examples would buy was not computed."
    parts = [
        f"{one.times:g} times as many real examples ({one.amount:,}): {one.predicted:.3f} "
        f"({one.interval[0]:.3f} to {one.interval[1]:.3f})"
        for one in more.forecasts
    ]
    text = f"More real data: {data.metric} with {'; '.join(parts)}"
    if more.plan:
        buy = " and ".join(f"{count:,} of {name}" for name, count in more.plan["buy"].items()) or "nothing"
        text += f"; a budget of {more.plan['budget']:g} is spent best on {buy}"
    return text + "."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
