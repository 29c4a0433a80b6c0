"""Jackknives against closed forms, and how often intervals hold what they are of."""

import numpy as np
import pytest
import scipy.stats

from valuation.intervals import (
    crossed_difference,
    difference,
    jackknife_variance,
    level,
    mean_interval,
    variance_of_mean,
)
from valuation.unions import Scores, halvings, layout, remembered, taken


def test_the_jackknife_of_a_mean_is_its_variance():
    """Of means over g equal groups it is the variance of group means over g, whatever the rows; sizes may differ."""
    rng = np.random.default_rng(0)
    values, ones = rng.normal(size=24), np.ones(1)
    groups = np.split(values, 8)
    left = np.array([[np.delete(values, range(3 * g, 3 * g + 3)).mean()] for g in range(8)])
    expected = np.var([group.mean() for group in groups], ddof=1) / 8
    found = jackknife_variance(np.array([values.mean()]), left, np.full(8, 3), ones)
    assert found == pytest.approx(expected)
    sizes = np.array([2, 10, 12])
    cuts = np.split(values, np.cumsum(sizes)[:-1])
    left = np.array([[(values.sum() - cut.sum()) / (24 - len(cut))] for cut in cuts])
    found = jackknife_variance(np.array([values.mean()]), left, sizes, ones)
    pseudo = [24 / n * values.mean() - (24 / n - 1) * one for n, one in zip(sizes, left[:, 0], strict=True)]
    by_hand = np.mean((np.array(pseudo) - values.mean()) ** 2 / (24 / sizes - 1))
    assert found == pytest.approx(by_hand)


def test_the_variance_of_a_mean_is_that_of_its_bootstrap():
    rng = np.random.default_rng(1)
    values, weights = rng.normal(size=300), rng.integers(1, 5, 300).astype(float)
    rows = rng.integers(0, 300, (4000, 300))
    means = (values[rows] * weights[rows]).sum(1) / weights[rows].sum(1)
    assert variance_of_mean(values, weights) == pytest.approx(means.var(), rel=0.1)
    assert variance_of_mean(values, np.ones(300)) == pytest.approx(values.var(ddof=1) / 300)
    assert variance_of_mean(values[:1], weights[:1]) == 0


def gaussian_fits(rng, sizes, wrong: float):
    """A function of unions: ridge with a Gaussian kernel on random points of the plane; rows are 100 new ones."""
    blocks = layout(sizes, [halvings(size, least=size) for size in sizes], key=None)
    x, rows = rng.normal(size=(sum(sizes), 2)), rng.normal(size=(100, 2))
    y, truth = (np.sign(one @ [1.0, 0.5] + 0.3 * rng.normal(size=len(one))) for one in (x, rows))
    flipped = (np.arange(len(x)) >= sizes[0]) & (rng.random(len(x)) < wrong)
    y, place = np.where(flipped, -y, y), np.repeat(np.arange(len(blocks.owner)), blocks.counts)
    inner, outer = (np.exp(-np.square(one[:, None] - x).sum(-1) / 4) for one in (x, rows))
    inner[np.diag_indices_from(inner)] += 0.1

    def evaluate(union) -> Scores:
        kept = np.flatnonzero(union[place])
        predicted = outer[:, kept] @ np.linalg.solve(inner[np.ix_(kept, kept)], y[kept])
        return Scores(-np.square(predicted - truth), (predicted * truth > 0).astype(float), np.ones(100))

    return blocks, remembered(evaluate)


@pytest.mark.parametrize(("wrong", "unit"), [(0.0, "own"), (0.4, "metric")])
def test_intervals_hold_the_mean_difference_as_often_as_they_say(wrong, unit):
    """Of 60 draws of examples and rows more than 85 % of the intervals hold the mean over all draws."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(60):
        blocks, evaluate = gaussian_fits(rng, (32, 32), wrong)
        union = taken(blocks, {0: 32, 1: 32})
        found.append(difference(evaluate, blocks, union, taken(blocks, {0: 32}), unit=unit))
    middle, spread = np.mean([one.value for one in found]), np.std([one.value for one in found])
    held = [one.interval[0] <= middle <= one.interval[1] for one in found]
    assert np.mean(held) > 0.85
    assert 0.7 < np.sqrt(np.mean([one.examples**2 + one.rows**2 for one in found])) / spread < 1.6


def test_what_both_halves_chose_alike_is_the_plain_difference():
    blocks, evaluate = gaussian_fits(np.random.default_rng(4), (16, 16), 0.0)
    both, alone, half = taken(blocks, {0: 16, 1: 16}), taken(blocks, {0: 16}), np.arange(100) < 50
    plain = difference(evaluate, blocks, both, alone)
    assert crossed_difference(evaluate, blocks, (both, both), alone, half) == plain
    mixed = crossed_difference(evaluate, blocks, (both, alone), alone, half)
    gap = (evaluate(both).metric - evaluate(alone).metric)[~half]
    assert mixed.value == pytest.approx(gap.sum() / 100)  # the first half is scored by what the second chose: nothing


def test_a_level_is_as_sure_as_means_are():
    """Of a mean of examples: its variance is that over examples; rows that all say the same add nothing."""
    values, blocks = np.random.default_rng(5).normal(size=32), layout([32], [halvings(32, least=32)], key=None)
    parts = np.repeat(np.arange(8), 4)

    def evaluate(union) -> Scores:
        return Scores(*[np.full(5, np.average(values, weights=union[parts]))] * 2, np.ones(5))

    found = level(evaluate, blocks, np.ones(8))
    assert (found.value, found.rows) == (pytest.approx(values.mean()), pytest.approx(0, abs=1e-12))
    assert found.examples**2 == pytest.approx(np.var([part.mean() for part in np.split(values, 8)], ddof=1) / 8)


def test_what_is_the_same_differs_by_nothing():
    blocks, evaluate = gaussian_fits(np.random.default_rng(3), (16, 16), 0.0)
    union = taken(blocks, {0: 16})
    assert difference(evaluate, blocks, union, union) == (0.0, (0.0, 0.0), 0.0, 0.0)
    opposite = [difference(evaluate, blocks, *pair, unit="own").interval
                for pair in ((union, taken(blocks, {1: 16})), (taken(blocks, {1: 16}), union))]  # fmt: skip
    assert opposite[0] == pytest.approx((-opposite[1][1], -opposite[1][0]))


def test_the_interval_of_a_mean_is_that_of_the_t_test():
    values = np.random.default_rng(0).normal(size=7)
    expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(mean_interval(values), expected, rtol=1e-12)
    with pytest.raises(ValueError, match="needs two numbers, got 1"):
        mean_interval(values[:1])
