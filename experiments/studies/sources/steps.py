"""The steps of the work, in order of importance, and what is left out where time ends."""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from experiments.runtime import results
from experiments.runtime.study import Step
from experiments.studies.sources import costs
from experiments.studies.sources.answer import plain
from experiments.studies.sources.drivers import of_sources
from experiments.studies.sources.work import (
    Work,
    amount_line,
    check_line,
    kept_fits,
    learning_line,
    more_line,
    phase_line,
    together_line,
    training_step,
    value_line,
    wanted_trainings,
    with_ridge,
)

TELLING = 5.0  # seconds of steps, from which on their pace is that of the others


class Part(NamedTuple):
    """A step, the operations that it takes, the seconds that come to it beside them, and how messages call it.

    ahead: seconds that it leaves to what matters more and needs it. kept: whether it is made in any case, once what it
    is made from is there.
    """

    step: Step
    flops: float
    seconds: float
    name: str
    ahead: float = 0.0
    kept: bool = False


def steps(work: Work, lines: list[dict]) -> Iterator[Step]:
    """What is to be made, one after another, as far as time allows; of the rest, lines that name it.

    lines: that are there; the list grows with every step.
    """
    work = with_ridge(work)
    yield Step([{"kind": "data"}], lambda: [{"kind": "data", "content": plain(work.data), "seconds": work.begun}])
    done = beside = 0.0
    for part in parts(work, lines):
        there = all(results.select(lines, **line) for line in part.step.lines)
        spent = sum(line.get("seconds", 0.0) for line in lines)
        slower = pace(done / work.speed, spent - work.begun - beside)
        takes = part.seconds + slower * part.flops / work.speed
        kept = part.kept or not takes or not results.select(lines, kind="value")
        if there or kept or spent + takes + part.ahead <= 60 * work.settings.minutes:
            yield part.step
        else:
            yield _left_out(work, part)
        done, beside = done + part.flops, beside + part.seconds


def pace(foreseen: float, taken: float) -> float:
    """How many times longer steps take than their operations would: as those that are done, once these tell it.

    foreseen, taken: seconds of these. At least 1; 1 while both are fewer than TELLING.
    """
    return max(taken / foreseen, 1.0) if foreseen and max(foreseen, taken) >= TELLING else 1.0


def estimate(work: Work) -> str:
    """What the work takes, in words, before it begins."""
    every = list(parts(work, []))
    seconds = sum(part.seconds + part.flops / work.speed for part in every)
    sizes, effort = costs.sizes_of(work.prepared), work.settings.effort
    return (
        f"estimate: about {seconds:,.0f} s of at most {60 * work.settings.minutes:,.0f} s, "
        f"{costs.memory(sizes, effort) / 1e9:.1f} GB of memory beside the files that were read, a few MB of disk; "
        f"{len(wanted_trainings(work, []))} trainings"
    )


def check_memory(work: Work, free: int) -> None:
    """Raises ValueError, with a way out, for work that does not fit into so many bytes; 0: not known."""
    needed = costs.memory(costs.sizes_of(work.prepared), work.settings.effort)
    if free and needed > free:
        raise ValueError(
            f"the work needs {needed / 1e9:.2g} GB, {free / 1e9:.2g} GB are free: give fewer rows, or lower "
            "config.points or config.exact; config.available, in bytes, overrules what is free"
        )


def parts(work: Work, lines: list[dict]) -> Iterator[Part]:
    """All steps, the most important first: values, the real curve, amounts, all together, forecasts, checks, phases.

    Trainings are made before the forecasts that start from them, and leave them their time.
    """
    prepared, effort, sizes = work.prepared, work.settings.effort, costs.sizes_of(work.prepared)
    names = [one.name for one in work.data.sources]
    fits = kept_fits(work, costs.kept(sizes, effort))
    drivers = functools.cache(lambda: of_sources(prepared))
    for number, name in enumerate(names, start=1):
        step = _step(
            work, {"kind": "value", "source": name}, functools.partial(value_line, work, fits, drivers, number)
        )
        yield Part(step, costs.value(sizes, number, effort), costs.COMPILED, f"the value of {name}")
    step = _step(work, {"kind": "learning"}, functools.partial(learning_line, work))
    yield Part(step, costs.curve(sizes, effort), costs.LAWS, "the learning curve of real examples")
    for number, name in enumerate(names, start=1):
        made = functools.partial(amount_line, work, fits, number, lines)
        yield Part(
            _step(work, {"kind": "amount", "source": name}, made),
            costs.amount(sizes, number, effort),
            0.0,
            f"how much of {name}",
        )
    if len(names) > 1:
        step = _step(work, {"kind": "together"}, functools.partial(together_line, work, lines))
        yield Part(step, costs.together(sizes, effort), costs.COMPILED, "how much of all sources together")
    for seed, wanted in itertools.groupby(wanted_trainings(work, lines), key=lambda one: one.seed):
        some = list(wanted)
        step = training_step(work, some)
        flops = len(some) * costs.training(sizes)
        yield Part(step, flops, costs.COMPILED, f"{len(some)} trainings of seed {seed}", ahead=costs.LAWS)
    if results.select(lines, kind="learning") or not lines:
        step = _step(work, {"kind": "more"}, functools.partial(more_line, work, lines))
        yield Part(step, 0.0, costs.LAWS, "what more real examples buy", kept=True)
    if results.select(lines, kind="together") or not lines or len(names) == 1:
        step = _step(work, {"kind": "phase"}, functools.partial(phase_line, work, lines))
        flops = costs.mixture(sizes, effort) if len(names) == 1 else 0.0
        yield Part(step, flops, costs.PHASE, "the phase of the mixture")
    yield Part(_step(work, {"kind": "check"}, functools.partial(check_line, work, lines)), 0.0, 0.0, "the check")


def _step(work: Work, about: dict[str, Any], make: Callable[[], dict]) -> Step:
    """A step of one line. make: () -> its other fields."""

    def made() -> list[dict]:
        begun = work.clock()
        return [about | make() | {"seconds": work.clock() - begun}]

    return Step([about], made)


def _left_out(work: Work, part: Part) -> Step:
    line = {"kind": "left out", "what": part.name}
    return Step(
        [line],
        lambda: [line | {"operations": part.flops, "seconds_beside": part.seconds, "minutes": work.settings.minutes}],
    )
