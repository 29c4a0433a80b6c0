"""Outputs at target tokens alone are those of the whole rows."""

import jax.numpy as jnp
import numpy as np

from tests.problems import sequences
from valuation.kernel import likelihoods
from valuation.target_positions import target_positions
from valuation.target_tokens import mean_log_likelihoods


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
