"""What is recorded of condensed images, with stand-ins for what condenses and trains, and what is said of it."""

import jax
import numpy as np
import pytest

from experiments.benchmarks import condensed
from experiments.runtime.kinds import STUDIES
from experiments.runtime.study import check_described
from models.mlp import mlp
from valuation.problem import Examples

CLASSES, EACH = 2, 60


@pytest.fixture(scope="module")
def given():
    """Two classes apart in the first pixel; condensed images are drawn near 0 the more, the larger the weight."""
    rng = np.random.default_rng(0)
    model = mlp((4, 3, CLASSES), jax.random.key(0))

    def drawn(each: int, spread: float) -> Examples:
        labels = np.repeat(np.arange(CLASSES, dtype=np.int32), each)
        images = rng.normal(scale=spread, size=(len(labels), 2, 2, 1))
        images[:, 0, 0, 0] += 3 * labels
        return Examples(images.astype(np.float32), labels)

    return condensed.Setting(
        learn=drawn(EACH, 1.0), validation=drawn(40, 1.0), test=drawn(40, 1.0), classes=CLASSES, model=model,
        condense=lambda real, each, key, /, *, concentration=0.0, trained=None: drawn(each, 2.0**-concentration),
        fitted=lambda sets, rate, key: [model.params] * len(sets),
        trained=lambda seed, purpose: model.params,
    )  # fmt: skip


def test_every_line_is_described_and_support_shrinks_with_the_weight(given):
    lines = [line for seed in (0, 1) for line in condensed.accuracies(given, 5, seed, dict.fromkeys(
        [(name, 5) for name in (condensed.RANDOM, condensed.CONDENSED)], 0.1))]  # fmt: skip
    lines += [line for seed in (0, 1) for weight in (0.0, 2.0, 4.0) for line in condensed.support(given, weight, seed)]
    lines += condensed.judged(lines)
    for line in lines:
        check_described(line, STUDIES["condensed"])
    (dial,) = [line for line in lines if line["kind"] == "condensed dial"]
    assert dial["spearman_recall"] < -0.8
    assert {len(line["test"]) for line in lines if line["kind"] == "condensed accuracy"} == {condensed.TRAININGS}


def test_the_gain_is_that_of_seeds_paired():
    lines = [
        {"kind": "condensed accuracy", "each": 1, "images": name, "seed": seed, "test": [mean - 0.1, mean + 0.1]}
        for name, means in ((condensed.RANDOM, (0.5, 0.6, 0.4)), (condensed.CONDENSED, (0.7, 0.75, 0.65)))
        for seed, mean in enumerate(means)
    ]
    (gain,) = condensed.judged(lines)
    assert gain["gain"] == pytest.approx(0.2)
    assert gain["random"] == pytest.approx(0.5)
    assert gain["standard_error"] == pytest.approx(np.std([0.2, 0.15, 0.25], ddof=1) / np.sqrt(3))
