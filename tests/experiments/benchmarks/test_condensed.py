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
        learn=drawn(EACH, 1.0), validation=drawn(40, 1.0), test=drawn(40, 1.0), classes=CLASSES, many=30, model=model,
        condense=lambda real, each, key, /, *, concentration=0.0, trained=None: drawn(each, 2.0**-concentration),
        fitted=lambda sets, rate, key: [model.params] * len(sets),
        trained=lambda seed, purpose: model.params,
    )  # fmt: skip


def test_every_line_is_described_and_support_shrinks_with_the_weight(given):
    both = [{"salt": "d", "seed": seed} for seed in (0, 1)]
    rates = dict.fromkeys([(name, 5) for name in condensed.KINDS], 0.1)
    lines = [line for about in both for line in condensed.accuracies(given, 5, about, rates)]
    lines += [line for about in both for weight in (0.0, 2.0, 4.0) for line in condensed.support(given, weight, about)]
    lines += condensed.judged(lines)
    for line in lines:
        check_described(line, STUDIES["condensed"])
    (dial,) = [line for line in lines if line["kind"] == "condensed dial"]
    assert dial["spearman_recall"] < -0.8
    assert {len(line["test"]) for line in lines if line["kind"] == "condensed accuracy"} == {condensed.TRAININGS}


def test_the_gain_is_that_of_splits_and_seeds_paired():
    means = {
        condensed.RANDOM: (0.5, 0.6, 0.4),
        condensed.CHOSEN: (0.6, 0.6, 0.6),
        condensed.CONDENSED: (0.7, 0.75, 0.65),
    }
    pairs = (("d", 0), ("e", 0), ("e", 1))
    lines = [
        {
            "kind": "condensed accuracy",
            "each": 1,
            "images": name,
            "salt": salt,
            "seed": seed,
            "test": [x - 0.1, x + 0.1],
        }
        for name, values in means.items()
        for (salt, seed), x in zip(pairs, values, strict=True)
    ]
    random, chosen = condensed.judged(lines)
    assert (random["over"], chosen["over"]) == (condensed.RANDOM, condensed.CHOSEN)
    assert (random["real"], random["condensed"], random["gain"]) == pytest.approx((0.5, 0.7, 0.2))
    assert random["standard_error"] == pytest.approx(np.std([0.2, 0.15, 0.25], ddof=1) / np.sqrt(3))
    assert random["of_splits"] == pytest.approx([0.2, 0.2])
    assert chosen["of_splits"] == pytest.approx([0.1, 0.1])


def test_chosen_images_are_different_ones_in_the_middle_of_clumps():
    """Three clumps far apart, each a point with others around it: these points are chosen. No image is chosen twice."""
    rng = np.random.default_rng(0)
    middle = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    around = np.concatenate([middle + 0.5 * np.array(step) for step in ((1, 0), (-1, 0), (0, 1), (0, -1))])
    images = np.concatenate([around, middle]).reshape(-1, 2, 1, 1)
    rows = condensed.nearest_to_centres(images, 3, rng)
    assert sorted(rows) == [12, 13, 14]
    assert sorted(condensed.nearest_to_centres(images, 15, rng)) == list(range(15))
