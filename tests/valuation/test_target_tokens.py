"""Outputs at target tokens alone are those of the whole rows."""

import jax.numpy as jnp
import numpy as np

from tests.problems import sequences
from valuation.examples import Examples
from valuation.kernel import likelihoods
from valuation.target_tokens import mean_log_likelihoods, most_targets, target_positions


def test_target_tokens_need_no_outputs_elsewhere():
    """Of rows with targets that do not follow each other, and of one without any."""
    problem = sequences()
    examples = problem.validation
    mask = examples.mask.copy()
    mask[0, 3], mask[1] = False, False
    examples = examples._replace(mask=mask)
    for row, places in zip(mask, np.asarray(target_positions(jnp.asarray(mask), 5)), strict=True):
        np.testing.assert_array_equal(places[: row.sum()], np.flatnonzero(row))
    model = problem.model._replace(params=problem.initial[0])
    expected = likelihoods(model, examples, rows=10)
    np.testing.assert_allclose(mean_log_likelihoods(model, examples, rows=10), expected, rtol=1e-5)
    np.testing.assert_array_equal(mean_log_likelihoods(model._replace(readout=None), examples, rows=10), expected)


def test_positions_are_rounded_up_and_no_more_than_a_row_has():
    masks = (np.arange(40) < np.array([[0], [n]]) for n in (0, 8, 9, 37))
    assert [most_targets(Examples(mask, mask, mask)) for mask in masks] == [8, 8, 16, 40]
