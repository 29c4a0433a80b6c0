"""The steps of the work, in order of importance, and what is left out where time ends."""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from experiments.runtime import results
from experiments.runtime.study import Step
from experiments.studies.sources import checks, costs, learning
from experiments.studies.sources.amounts import amount_of, together_of
from experiments.studies.sources.answer import Amount, Data, Drivers, plain
from experiments.studies.sources.assembly import amounts_in, trainings_in, values_in
from experiments.studies.sources.checks import REAL, TRAINED, Training
from experiments.studies.sources.drivers import examples_of, of_sources
from experiments.studies.sources.fits import Effort, Fits, beside_real, taken_sizes, together, tuned
from experiments.studies.sources.laws import Anchor, forecasts, laws_of, phase_of
from experiments.studies.sources.learning import Reach, RealCurve
from experiments.studies.sources.plan import best_plan
from experiments.studies.sources.values import value_of
from experiments.tasks.own_data import Prepared

FITS, TRAININGS, DRAWS = range(3)  # purposes of the key
TELLING = 5.0  # seconds of steps, from which on their pace is that of the others
KEPT = 2**30  # bytes of fits that are kept from a source's value until its curve


class Settings(NamedTuple):
    """What is asked for: keys of configs/sources.py of the same names. prices: by name, "real" of real examples."""

    effort: Effort
    minutes: float
    show_examples: bool
    check: bool
    check_sources: int
    check_seeds: int
    train: bool
    times: tuple[float, ...]
    prices: Mapping[str, float]
    budget: float


class Work(NamedTuple):
    """What there is to do with. key: of everything random. devices, folder: of trainings, and of their checkpoints.

    clock: seconds. speed: operations a second. begun: seconds that reading took.
    """

    prepared: Prepared
    data: Data
    settings: Settings
    key: jax.Array
    devices: Mesh
    folder: Path | None
    clock: Callable[[], float]
    speed: float
    begun: float


class Part(NamedTuple):
    """A step, the operations that it takes, the seconds that come to it beside them, and how messages call it."""

    step: Step
    flops: float
    seconds: float
    name: str


def steps(work: Work, lines: list[dict]) -> Iterator[Step]:
    """What is to be made, one after another, as far as time allows; of the rest, lines that name it.

    lines: that are there; the list grows with every step.
    """
    work = _tuned(work)
    yield Step([{"kind": "data"}], lambda: [{"kind": "data", "content": plain(work.data), "seconds": work.begun}])
    for what in limits(work):
        line = {"kind": "left out", "what": what}
        yield Step([line], functools.partial(list, [line]))
    done = beside = 0.0
    for part in parts(work, lines):
        there = all(results.select(lines, **line) for line in part.step.lines)
        spent = sum(line.get("seconds", 0.0) for line in lines)
        slower = pace(done / work.speed, spent - work.begun - beside)
        first = not results.select(lines, kind="value")
        if there or first or spent + part.seconds + slower * part.flops / work.speed <= 60 * work.settings.minutes:
            yield part.step
        else:
            yield _left_out(work, part)
        done, beside = done + part.flops, beside + part.seconds


def _tuned(work: Work) -> Work:
    """The work with its ridge chosen, and said."""
    begun = work.clock()
    effort = tuned(work.prepared, work.settings.effort, jax.random.fold_in(work.key, FITS))
    said = work.data.surrogate + (f", ridge {effort.ridge:g}" if effort.ridge else "")
    return work._replace(
        settings=work.settings._replace(effort=effort),
        data=work.data._replace(surrogate=said),
        begun=work.begun + work.clock() - begun,
    )


def limits(work: Work) -> list[str]:
    """Which examples fits do not take, in words: those of more features than inducing points can stand for."""
    contributors, out = work.prepared.problem.contributors, []
    for numbers in [(0, number) for number in range(1, len(contributors))] + [tuple(range(len(contributors)))]:
        taken = sum(taken_sizes(work.prepared, numbers, work.settings.effort))
        total = sum(len(contributors[number].index) for number in numbers)
        name = contributors[numbers[1]].name if len(numbers) == 2 else "all sources"
        if taken < total:
            out.append(f"fits on real examples and {name} take {taken:,} of {total:,} examples, drawn at random")
    return list(dict.fromkeys(out))


def pace(foreseen: float, taken: float) -> float:
    """How many times longer steps take than their operations would: as those that are done, once these tell it.

    foreseen, taken: seconds of these. At least 1; 1 while fewer than TELLING seconds were foreseen.
    """
    return max(taken / foreseen, 1.0) if foreseen >= TELLING else 1.0


def estimate(work: Work) -> str:
    """What the work takes, in words, before it begins."""
    every = list(parts(work, []))
    seconds = sum(part.seconds + part.flops / work.speed for part in every)
    sizes, effort = costs.sizes_of(work.prepared), work.settings.effort
    return (
        f"estimate: about {seconds:,.0f} s of at most {60 * work.settings.minutes:,.0f} s, "
        f"{costs.memory(sizes, effort) / 1e9:.1f} GB of memory, a few MB of disk; "
        f"{len(_trainings(work, []))} trainings"
    )


def parts(work: Work, lines: list[dict]) -> Iterator[Part]:
    """All steps, the most important first: values, the real curve, amounts, forecasts, all together, checks, phases."""
    prepared, effort, sizes = work.prepared, work.settings.effort, costs.sizes_of(work.prepared)
    names = [one.name for one in work.data.sources]
    fits = _kept_fits(work, costs.memory(sizes, effort))
    drivers = functools.cache(lambda: of_sources(prepared))
    for number, name in enumerate(names, start=1):
        step = _step(work, {"kind": "value", "source": name}, functools.partial(_value, work, fits, drivers, number))
        yield Part(step, costs.value(sizes, number, effort), costs.COMPILED, f"the value of {name}")
    step = _step(work, {"kind": "learning"}, functools.partial(_learning, work))
    yield Part(step, costs.curve(sizes, effort), costs.LAWS, "the learning curve of real examples")
    for number, name in enumerate(names, start=1):
        made = functools.partial(_amount, work, fits, number, lines)
        yield Part(
            _step(work, {"kind": "amount", "source": name}, made),
            costs.amount(sizes, number, effort),
            0.0,
            f"how much of {name}",
        )
    if len(names) > 1:
        step = _step(work, {"kind": "together"}, functools.partial(_together, work, lines))
        yield Part(step, costs.together(sizes, effort), costs.COMPILED, "how much of all sources together")
    for seed, wanted in itertools.groupby(_trainings(work, lines), key=lambda one: one.seed):
        some = list(wanted)
        step = _trained(work, some)
        yield Part(step, len(some) * costs.training(sizes), costs.COMPILED, f"{len(some)} trainings of seed {seed}")
    if results.select(lines, kind="learning") or not lines:
        step = _step(work, {"kind": "more"}, functools.partial(_more, work, lines))
        yield Part(step, 0.0, costs.LAWS, "what more real examples buy")
    if results.select(lines, kind="together") or (not lines and len(names) > 1):
        step = _step(work, {"kind": "phase"}, functools.partial(_phase, lines))
        yield Part(step, 0.0, costs.PHASE, "the phase of the mixture")
    yield Part(_step(work, {"kind": "check"}, functools.partial(_check, work, lines)), 0.0, 0.0, "the check")


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


def _kept_fits(work: Work, memory: int) -> Callable[[int], Fits]:
    """Contributor -> fits on it and the real examples, as many of them kept as there is memory for."""
    key = jax.random.fold_in(work.key, FITS)

    @functools.lru_cache(maxsize=max(KEPT // max(memory, 1), 1))
    def fits(number: int) -> Fits:
        return beside_real(work.prepared, number, work.settings.effort, key)

    return fits


def _value(work: Work, fits: Callable[[int], Fits], drivers: Callable[[], list[Drivers]], number: int) -> dict:
    shown = examples_of(work.prepared, number, shown=work.settings.show_examples)
    value = value_of(work.prepared, fits(number), work.settings.effort.blocks, drivers()[number - 1], shown)
    return {"content": plain(value)}


def _learning(work: Work) -> dict:
    curve = learning.curve_of(work.prepared, work.settings.effort, jax.random.fold_in(work.key, FITS))
    return {"curve": plain(curve)}


def _real_curve(lines: list[dict]) -> RealCurve | None:
    found = results.select(lines, kind="learning")
    return RealCurve(**found[0]["curve"]) if found else None


def _reach(work: Work, lines: list[dict]) -> Reach:
    """The real curve as far as it is known; without one, no count can be said."""
    curve = _real_curve(lines)
    return learning.reach_of(work.prepared, curve) if curve else Reach(work.data.real.used, [], np.zeros(0))


def _amount(work: Work, fits: Callable[[int], Fits], number: int, lines: list[dict]) -> dict:
    return {"content": plain(amount_of(work.prepared, fits(number), _reach(work, lines)))}


def _together(work: Work, lines: list[dict]) -> dict:
    key = jax.random.fold_in(work.key, FITS)
    found = together_of(work.prepared, together(work.prepared, work.settings.effort, key), _reach(work, lines))
    return {
        "content": plain(found.amount),
        "dropped": found.dropped,
        "sizes": found.sizes,
        "errors": found.errors,
        "real_share": found.real_share,
    }


def _more(work: Work, lines: list[dict]) -> dict:
    prepared, settings, curve = work.prepared, work.settings, _real_curve(lines)
    assert curve is not None  # parts yields this step where there is one
    trained = trainings_in(lines).get(Training(REAL, 0))
    points, real = learning.learning(prepared, curve), work.data.real.used
    anchor = Anchor(curve.sizes[-1], curve.metric[-1], curve.rows)
    if trained is not None:
        anchor = Anchor(real, trained, curve.rows)
    seed = np.asarray(jax.random.key_data(jax.random.fold_in(work.key, DRAWS)))
    ahead = forecasts(points, real, settings.times, anchor, prepared.most, np.random.default_rng(seed))
    amounts: list[Amount] = [one for one in amounts_in(lines) if one.source in settings.prices]
    plan = best_plan(learning.reach_of(prepared, curve), amounts, dict(settings.prices), settings.budget)
    return {
        "content": {
            "curve": plain(learning.curve_points(prepared, curve)),
            "trained": [] if trained is None else [{"amount": real, "predicted": trained, "interval": None}],
            "laws": plain(laws_of(points)),
            "forecasts": plain(ahead),
            "plan": plan,
        }
    }


def _phase(lines: list[dict]) -> dict:
    (found,) = results.select(lines, kind="together")
    phase, breakpoints = phase_of(found["sizes"], found["errors"], found["real_share"])
    return {"phase": phase, "breakpoints": breakpoints}


def _trainings(work: Work, lines: list[dict]) -> list[Training]:
    settings = work.settings
    if not settings.check:
        return [Training(REAL, 0)] if settings.train else []
    values = values_in(lines)
    if not lines:  # asked before anything is known: how many there will be
        names = [one.name for one in work.data.sources][: settings.check_sources]
        return [Training(name, seed) for seed in range(settings.check_seeds) for name in (REAL, *names)]
    return checks.wanted(values, settings.check_sources, settings.check_seeds)


def _trained(work: Work, wanted: list[Training]) -> Step:
    """The step of trainings that are made together; each has its share of the seconds."""
    every = [{"kind": "training", **one._asdict()} for one in wanted]
    key = jax.random.fold_in(work.key, TRAININGS)
    folder = work.folder / f"seed-{wanted[0].seed}" if work.folder else None

    def make() -> list[dict]:
        begun = work.clock()
        metrics = checks.metrics(work.prepared, wanted, key, work.devices, folder)
        seconds = (work.clock() - begun) / len(wanted)
        return [line | {"metric": one, "seconds": seconds} for line, one in zip(every, metrics, strict=True)]

    return Step(every, make, remake=({"kind": "training", "seed": wanted[0].seed},))


def _check(work: Work, lines: list[dict]) -> dict:
    if not work.settings.check:
        why = "nothing was trained to compare with: config.check=true does it"
        return {"content": plain(checks.not_done(TRAINED, why))}
    return {"content": plain(checks.judged(values_in(lines), trainings_in(lines)))}
