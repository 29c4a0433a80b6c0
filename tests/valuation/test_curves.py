"""Curves and choices over made-up scores, whose best is known, and over fits of real problems."""

import jax
import numpy as np
import pytest

from valuation import curves
from valuation.curves import Curve, added_curve, best_amount, best_of, best_weights, joint_curve, real_curve
from valuation.unions import Scores, layout

SIZES = (8, 16, 12)
BLOCKS = layout(SIZES, [[2, 4], [4, 8], [3, 6]], key=None)
ROWS = 40
HALF = curves.halves(ROWS, key=jax.random.key(0))


def scored(own) -> Scores:
    """Scores of which the metric is twice the own unit."""
    own = np.broadcast_to(np.asarray(own, float), (ROWS,))
    return Scores(own, 2 * own, np.ones(ROWS))


def held(union):
    """A utility: log of real examples, plus what each source's weighted examples are worth, best at 8 of the first."""
    real, first, second = (float((union * BLOCKS.counts)[BLOCKS.owner == number].sum()) for number in range(3))
    return scored(np.log(real) - 0.01 * (first - 8) ** 2 - 0.1 * second)


def test_halves_split_the_rows():
    assert HALF.sum() == ROWS // 2
    assert curves.halves(7, key=jax.random.key(1)).sum() == 3
    assert not np.array_equal(HALF, curves.halves(ROWS, key=jax.random.key(1)))


def test_curves_are_of_nested_amounts():
    curve = added_curve(held, BLOCKS, 1, beside={0: 4})
    assert curve.amounts == (0, 4, 8, 16)
    np.testing.assert_allclose(curve.utilities("own"), np.log(4) - 0.01 * np.array([64, 16, 0, 64]))
    np.testing.assert_allclose(curve.utilities(), 2 * curve.utilities("own"))
    assert real_curve(held, BLOCKS).amounts == (2, 4, 8)


def test_all_sources_together_take_equal_shares():
    curve, each = joint_curve(held, BLOCKS, [1, 2], beside={0: 8}, steps=3)
    assert each == ({1: 0, 2: 0}, {1: 8, 2: 6}, {1: 16, 2: 12})
    assert curve.amounts == (0, 8 + 6, 16 + 12)
    np.testing.assert_allclose(curve.utilities("own"), np.log(8) + np.array([-0.64, -0.6, -0.64 - 1.2]))


def test_the_best_amount_is_found():
    curve = added_curve(held, BLOCKS, 1, beside={0: 4})
    choice = best_amount(curve, HALF)
    assert (curve.amounts[choice.best], choice.chosen) == (8, (2, 2))
    assert choice.scores.utility("own") == pytest.approx(np.log(4))


def test_no_row_is_scored_under_a_fit_that_it_chose():
    """Noise alone: choosing by all rows gains, choosing by the other half does not, over 100 choices among ten."""
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(100):
        scores = [scored(rng.normal(size=ROWS)) for _ in range(10)]
        choice = best_of(scores, HALF)
        gains.append((scores[choice.best].utility("own"), choice.scores.utility("own")))
    biased, crossed = np.mean(gains, axis=0)
    assert biased > 0.2
    assert abs(crossed) < 4 / np.sqrt(100 * ROWS)


def test_equal_fits_leave_the_first():
    choice = best_of([scored(0.0)] * 3, HALF)
    assert (choice.best, choice.chosen) == (0, (0, 0))


def test_weights_are_set_in_turn():
    found = best_weights(held, BLOCKS, {1: 16, 2: 12}, HALF, beside={0: 8})
    assert found.best == {1: 0.5, 2: 1 / 300}
    assert found.chosen == (found.best, found.best)
    assert found.scores.utility("own") == pytest.approx(np.log(8) - 0.1 * 12 / 300)
    assert best_weights(held, BLOCKS, {1: 8}, HALF, beside={0: 8}).best == {1: 1.0}


def test_a_curve_has_a_utility_for_each_amount():
    curve = Curve((0, 5), (scored(1.0), scored(2.0)))
    assert curve.utilities("own").tolist() == [1.0, 2.0]
