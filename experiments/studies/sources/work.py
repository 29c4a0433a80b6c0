"""What there is to do with, and what makes each line of a run: the other fields of a line, from the work and lines."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from experiments.runtime import results
from experiments.runtime.study import Step
from experiments.studies.sources import checks, learning
from experiments.studies.sources.amounts import Mixture, amount_of, mixture_of, together_of
from experiments.studies.sources.answer import Amount, Data, Drivers, Point, plain
from experiments.studies.sources.assembly import amounts_in, trainings_in, values_in
from experiments.studies.sources.checks import REAL, TRAINED, Training
from experiments.studies.sources.drivers import examples_of
from experiments.studies.sources.fits import Effort, Fits, around, beside_real, together, tuned
from experiments.studies.sources.laws import Anchor, forecasts, laws_of, phase_of
from experiments.studies.sources.learning import Reach, RealCurve
from experiments.studies.sources.plan import best_plan
from experiments.studies.sources.values import value_of
from experiments.tasks.own_data import Prepared

FITS, TRAININGS, DRAWS = range(3)  # purposes of the key


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


def with_ridge(work: Work) -> Work:
    """The work with its ridge chosen, and said."""
    begun, given = work.clock(), work.settings.effort.ridge
    effort = tuned(work.prepared, work.settings.effort, jax.random.fold_in(work.key, FITS))
    said = work.data.surrogate + (f", ridge {effort.ridge:g}" if effort.ridge else "")
    said += " (with which real examples foretell each other best)" if effort.ridge and not given else ""
    return work._replace(
        settings=work.settings._replace(effort=effort),
        data=work.data._replace(surrogate=said),
        begun=work.begun + work.clock() - begun,
    )


def kept_fits(work: Work, count: int) -> Callable[[int], Fits]:
    """Contributor -> fits on it and the real examples, so many of them kept from a source's value until its curve."""
    key = jax.random.fold_in(work.key, FITS)

    @functools.lru_cache(maxsize=count)
    def fits(number: int) -> Fits:
        return beside_real(work.prepared, number, work.settings.effort, key)

    return fits


def value_line(work: Work, fits: Callable[[int], Fits], drivers: Callable[[], list[Drivers]], number: int) -> dict:
    """What a source is worth. fits: of kept_fits. drivers: () -> those of all sources. number: of the contributor."""
    shown = examples_of(work.prepared, number, shown=work.settings.show_examples)
    value = value_of(work.prepared, fits(number), work.settings.effort.blocks, drivers()[number - 1], shown)
    return {"content": plain(value)}


def learning_line(work: Work) -> dict:
    """The learning curve of the real examples."""
    curve = learning.curve_of(work.prepared, work.settings.effort, jax.random.fold_in(work.key, FITS))
    return {"curve": plain(curve)}


def _real_curve(lines: list[dict]) -> RealCurve | None:
    found = results.select(lines, kind="learning")
    return RealCurve(**found[0]["curve"]) if found else None


def _reach(work: Work, lines: list[dict]) -> Reach:
    """The real curve as far as it is known; without one, no count can be said."""
    curve = _real_curve(lines)
    return learning.reach_of(work.prepared, curve) if curve else Reach(work.data.real.fitted, [], np.zeros(0))


def amount_line(work: Work, fits: Callable[[int], Fits], number: int, lines: list[dict]) -> dict:
    """How much of a source to mix in; counts need the real curve of the lines."""
    return {"content": plain(amount_of(work.prepared, fits(number), _reach(work, lines), work.settings.effort.blocks))}


def together_line(work: Work, lines: list[dict]) -> dict:
    """How much of all sources to mix in, and what each adds to the others."""
    effort = work.settings.effort
    fits = together(work.prepared, effort, jax.random.fold_in(work.key, FITS))
    found = together_of(work.prepared, fits, _reach(work, lines), effort.blocks)
    return {
        "content": plain(found.amount),
        "dropped": found.dropped,
        "dropped_interval": plain(found.dropped_interval),
        **plain(found.mixture),
    }


def more_line(work: Work, lines: list[dict]) -> dict:
    """What more real examples buy, from the real curve of the lines, and from trainings if they hold some.

    The anchor's error is that of validation rows, of which examples were drawn, and of several trainings' seeds; of a
    single training nobody knows how much its seed did.
    """
    prepared, settings, curve = work.prepared, work.settings, _real_curve(lines)
    assert curve is not None  # parts yields this step where there is one
    points, real = learning.learning(prepared, curve), work.data.real.used
    last, *_ = learning.curve_points(prepared, curve)[::-1]
    anchor, trained = Anchor(last.amount, last.predicted, float(np.hypot(curve.rows, curve.deviations[-1]))), []
    if metrics := [metric for one, metric in trainings_in(lines).items() if one.source == REAL]:
        between = np.std(metrics, ddof=1) / np.sqrt(len(metrics)) if len(metrics) > 1 else 0.0
        anchor = Anchor(real, float(np.mean(metrics)), float(np.hypot(anchor.deviation, between)))
        ends = around(anchor.metric, anchor.deviation, prepared.most) if len(metrics) > 1 else None
        trained = [Point(real, anchor.metric, ends)]
    seed = np.asarray(jax.random.key_data(jax.random.fold_in(work.key, DRAWS)))
    ahead = forecasts(points, real, settings.times, anchor, prepared.most, np.random.default_rng(seed))
    amounts: list[Amount] = [one for one in amounts_in(lines) if one.source in settings.prices]
    plan = best_plan(learning.reach_of(prepared, curve), amounts, dict(settings.prices), settings.budget)
    return {
        "content": {
            "curve": plain(learning.curve_points(prepared, curve)),
            "trained": plain(trained),
            "laws": plain(laws_of(points)),
            "forecasts": plain(ahead),
            "plan": plan,
        }
    }


def phase_line(work: Work, lines: list[dict]) -> dict:
    """In which phase the mixture is: that of the lines, or that of the only source, of which there is no such line."""
    found = [Mixture(*(line[name] for name in Mixture._fields)) for line in results.select(lines, kind="together")]
    if not found:
        effort, key = work.settings.effort, jax.random.fold_in(work.key, FITS)
        found = [mixture_of(work.prepared, together(work.prepared, effort, key))]
    phase, breakpoints = phase_of(*found[0])
    return {"phase": phase, "breakpoints": breakpoints}


def wanted_trainings(work: Work, lines: list[dict]) -> list[Training]:
    """What is to be trained, given the values in the lines; as many where there are no lines yet."""
    settings = work.settings
    if not settings.check:
        return [Training(REAL, 0)] if settings.train else []
    values = values_in(lines)
    if not lines:  # asked before anything is known: how many there will be
        names = [one.name for one in work.data.sources][: settings.check_sources]
        return [Training(name, seed) for seed in range(settings.check_seeds) for name in (REAL, *names)]
    return checks.wanted(values, settings.check_sources, settings.check_seeds)


def training_step(work: Work, wanted: list[Training]) -> Step:
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


def check_line(work: Work, lines: list[dict]) -> dict:
    """How right order and signs were, from the trainings in the lines."""
    if not work.settings.check:
        why = "nothing was trained to compare with: config.check=true does it"
        return {"content": plain(checks.not_done(TRAINED, why))}
    return {"content": plain(checks.judged(values_in(lines), trainings_in(lines)))}
