"""The curve of real examples, where what is measured is a mean, whose errors are known."""

import numpy as np

from experiments.studies.sources import learning
from experiments.studies.sources.fits import Effort, Fits, amounts_of
from valuation.unions import Scores, layout

EFFORT = Effort(blocks=8, exact=0, points=16, orders=3, ridge=0.1)
SIZE, ROWS = 256, 4


def mean_of(values) -> Fits:
    """Fits whose metric is the mean of the examples that they hold, on every row alike."""
    blocks = layout([SIZE], [amounts_of(SIZE, EFFORT)], key=None)

    def evaluate(union) -> Scores:
        weights = np.repeat(union, blocks.counts)
        return Scores(*[np.full(ROWS, np.average(values, weights=weights))] * 2, np.ones(ROWS))

    return Fits((0,), (SIZE,), blocks, evaluate, np.arange(ROWS) < ROWS // 2)


def test_errors_of_a_mean_are_those_over_draws_of_its_examples():
    """Over 80 draws, in which half of an error would be seen: examples that several equal parts share count once."""
    rng = np.random.default_rng(0)
    curves = [learning.measured(mean_of(rng.normal(size=SIZE)), 0.0, EFFORT) for _ in range(80)]
    found = np.sqrt(np.mean([np.square(curve.deviations) for curve in curves], axis=0))
    expected = np.std([curve.metric for curve in curves], axis=0)
    np.testing.assert_array_less(0.75 * expected, found)
    np.testing.assert_array_less(found, 1.7 * expected)  # of two estimates the larger one is taken
    assert curves[0].sizes[-1] == SIZE
    assert curves[0].rows < 1e-12
