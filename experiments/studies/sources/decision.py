"""Three sentences that somebody who buys data understands: which source, how much of it, what more would buy."""

from collections.abc import Sequence

from experiments.studies.sources.answer import Amount, Data, More, Value
from experiments.studies.sources.leaks import leaks_of
from experiments.studies.sources.plan import REAL
from experiments.studies.sources.words import share


def sentences(data: Data, values: Sequence[Value], amounts: Sequence[Amount], more: More | None) -> list[str]:
    """The decision, one sentence a question. values: the best first."""
    return [which(data, values), how_much(data, values, amounts), what_more(data, values, amounts, more)]


def which(data: Data, values: Sequence[Value]) -> str:
    """Which source is worth it. A source that holds validation examples is named, and none to take."""
    if not values:
        return "No source was valued."
    leaking = [value for value in values if value.verdict != "harms" and leaks_of(data, value)]  # a leak flatters
    helps, harms, undecided = (
        [value for value in values if value.verdict == verdict and value not in leaking]
        for verdict in ("helps", "harms", "open")
    )
    if helps:
        best = helps[0]
        text = (
            f"Take {best.source}: beside {_real(data)} it lifts the predicted {data.metric} from "
            f"{best.predicted - best.gain:.3f} to {best.predicted:.3f} (a gain between {best.interval[0]:+.3f} and "
            f"{best.interval[1]:+.3f})"
        )
        if helps[1:]:
            text += f"; {_listed(helps[1:])} {'helps' if len(helps) == 2 else 'help'} too"
    else:
        text = f"Take none of the sources as they are: none is sure to help beside {_real(data)}"
    if undecided:
        text += f"; {_listed(undecided)} may help or harm"
    if harms:
        text += f"; leave out {_listed(harms)}, which would make it worse"
    if leaking:
        found = " and ".join(f"{share(leaks_of(data, value))} of the examples of {value.source}" for value in leaking)
        text += (
            f"; do not trust the numbers of {_listed(leaking)} yet: {found} stand in validation or nearly so, and "
            "--config.leave_out_leaks=True leaves them out"
        )
    return text + "."


def how_much(data: Data, values: Sequence[Value], amounts: Sequence[Amount]) -> str:
    """How much of it to mix in: of the best source that is sure to help, or else of the best."""
    found = {amount.source: amount for amount in amounts}
    known = [value for value in values if value.source in found and not leaks_of(data, value)]
    value = next((value for value in known if value.verdict == "helps"), next(iter(known), None))
    if value is None:
        return "How much to mix in was not computed."
    best = found[value.source]
    if not best.best or best.gain < 0:
        return f"Mix in nothing: no amount of {best.source} is known to raise the predicted {data.metric}."
    start = "Mix in" if value.verdict == "helps" else "No amount is sure to pay; the best guess is to mix in"
    text = f"{start} {_amount(data, best)} of {best.source}"
    if best.equivalent_real is not None:
        text += f": with {_real(data)} they do as well as {_equivalent(best)}"
        ends = best.equivalent_interval
        text += f" (95 %: {ends[0]:,.0f} to {ends[1]:,.0f})" if ends else ""
    return text + "."


def _equivalent(amount: Amount) -> str:
    """The equivalent number of real examples, and why it is only a limit or a forecast, where it is one."""
    why = amount.censored or ""
    if why.startswith(("more than", "fewer than")):
        limit, _, why = why.partition(", ")
    else:
        limit = f"about {amount.equivalent_real:,.0f}"
    return f"{limit} real ones{', ' if why else ''}{why}"


def what_more(data: Data, values: Sequence[Value], amounts: Sequence[Amount], more: More | None) -> str:
    """What more real examples would buy."""
    if more is None or not more.forecasts:
        return "What more real examples would buy was not computed."
    now, (first, *_) = (more.trained or more.curve)[-1:], more.forecasts
    times = "Twice" if first.times == 2 else f"{first.times:g} times"
    start = f" from {now[0].predicted:.3f}" if now else ""
    text = (
        f"{times} as many real examples ({first.amount:,}) would bring the {data.metric}{start} to about "
        f"{first.predicted:.3f} (95 %: {first.interval[0]:.3f} to {first.interval[1]:.3f})"
    )
    if more.plan:
        buy = " and ".join(_bought(name, count) for name, count in more.plan["buy"].items()) or "nothing"
        text += f"; a budget of {more.plan['budget']:g} is spent best on {buy}"
    return text + "."


def _bought(name: str, count: int) -> str:
    return f"{count:,} real examples" if name == REAL else f"{count:,} of {name}"


def _amount(data: Data, amount: Amount) -> str:
    """How much to take. Where the fits take but a part of the source, its end is no optimum, which is said."""
    source = next(one for one in data.sources if one.name == amount.source)
    end = max((point.amount for point in amount.curve), default=source.used)
    if amount.best < end:
        return f"about {amount.best:,} of the {source.used:,} examples"
    if end < source.used:
        return f"{end:,} or more (the fits take no more than {end:,} of the {source.used:,} examples)"
    return f"all {source.used:,} examples"


def _real(data: Data) -> str:
    """The real examples that the numbers stand on."""
    real = data.real
    if real.fitted < real.used:
        return f"{real.fitted:,} of your {real.used:,} real examples (as many as the fits take)"
    return f"your {real.used:,} real examples"


def _listed(values: Sequence[Value]) -> str:
    names = [value.source for value in values]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
