"""The checks that the answers deserve: a few real trainings, with and without sources, beside what was predicted."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import scipy.stats
from jax.sharding import Mesh

from experiments.studies.sources.answer import Check, Value
from experiments.tasks.own_data import Prepared
from experiments.training.fit import fit
from experiments.training.recipe import Part

TRAINED = "order and signs, by training"
REAL = ""  # source of a training on the real examples alone
CLEAR = 0.975  # the quantile of Student's t that a trained gain must exceed, in standard errors, to be clear of 0


class Training(NamedTuple):
    """What to train on: the real examples, with those of a source (REAL: alone), from a seed."""

    source: str
    seed: int


def metrics(
    prepared: Prepared, trainings: Sequence[Training], key: jax.Array, devices: Mesh, checkpoint: Path | None
) -> list[float]:
    """The metric on the validation set of a model trained on each, all together.

    Trainings of one seed share their start, so that they differ in their data alone. checkpoint: as in fit.
    """
    problem = prepared.problem
    places = {one.name: number for number, one in enumerate(problem.contributors)}
    real = problem.contributors[0].index
    rows = [
        real if source == REAL else np.concatenate([real, problem.contributors[places[source]].index])
        for source, _ in trainings
    ]
    models = fit(
        prepared.recipe,
        [Part(problem.pool, one) for one in rows],
        [jax.random.fold_in(key, seed) for _, seed in trainings],
        mesh=devices,
        names=[f"{source or 'the real examples'}, seed {seed}" for source, seed in trainings],
        title="checks",
        checkpoint=checkpoint,
    )
    return [prepared.measure(problem.model._replace(params=params), problem.validation) for params in models]


def wanted(values: Sequence[Value], sources: int, seeds: int) -> list[Training]:
    """The trainings that check the values: the best and the worst source first, seed after seed."""
    ends = itertools.zip_longest(values[: -(-len(values) // 2)], values[: -(len(values) // 2) - 1 : -1])
    names = [one.source for pair in ends for one in pair if one is not None][:sources]
    return [Training(name, seed) for seed in range(seeds) for name in (REAL, *names)]


def judged(values: Sequence[Value], trained: dict[Training, float]) -> Check:
    """How right order and signs of the predicted gains were.

    trained: the metric of every training that was made. Gains are differences within a seed.
    """
    gains = {
        value.source: [
            trained[Training(value.source, seed)] - trained[Training(REAL, seed)]
            for source, seed in trained
            if source == value.source and Training(REAL, seed) in trained
        ]
        for value in values
    }
    found = [(value, np.array(gains[value.source])) for value in values if gains[value.source]]
    if not found:
        return not_done(TRAINED, "no time was left for a training with a source")
    means = np.array([gain.mean() for _, gain in found])
    errors = [float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else None for _, gain in found]
    clear = [
        error is not None and abs(mean) > scipy.stats.t.ppf(CLEAR, len(gain) - 1) * error
        for mean, error, (_, gain) in zip(means, errors, found, strict=True)
    ]
    right = [np.sign(value.value) == np.sign(mean) for (value, _), mean in zip(found, means, strict=True)]
    pairs = [
        (value.value - other.value) * (means[i] - means[j]) > 0
        for (i, (value, _)), (j, (other, _)) in itertools.combinations(enumerate(found), 2)
    ]
    signs = sum(r for r, c in zip(right, clear, strict=True) if c)
    seeds = max(len(gain) for _, gain in found)
    words = [f"{len(found)} of {len(values)} sources were trained on with the real examples, {seeds} times each."]
    words.append(
        f"The predicted sign was right for {signs} of the {sum(clear)} whose trained gain is clear of 0 (by Student's "
        "t over the seeds; other examples or other validation rows could have told otherwise)."
    )
    if pairs:
        words.append(f"{sum(pairs)} of {len(pairs)} pairs of sources came out in the predicted order.")
    words.append("Models were scored on the validation set that the values saw.")
    numbers = {
        value.source: {
            "trained_gain": float(mean),
            "standard_error": error,
            "predicted_gain": value.gain,
            "value": value.value,
        }
        for (value, _), mean, error in zip(found, means, errors, strict=True)
    }
    return Check(TRAINED, True, " ".join(words), numbers)


def not_done(name: str, why: str) -> Check:
    """A check that was not made."""
    return Check(name, False, why, {})
