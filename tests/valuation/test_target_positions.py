"""Gradients that are asked for at target tokens alone are those of the whole rows."""

import jax
import numpy as np

from models.decoder import decoder
from tests.models.test_decoder import LLAMA, TOKENS, spread
from valuation import target_positions
from valuation.examples import Examples
from valuation.gradients import per_example_gradients
from valuation.mean_gradients import mean_gradient
from valuation.outputs import log_likelihood
from valuation.stream import gradient_products
from valuation.target_positions import at_targets, most_targets


def test_gradients_at_target_tokens_are_those_of_whole_rows(monkeypatch):
    """Of a decoder whose last block computes nothing elsewhere: inner products, and the gradient of a mean."""
    monkeypatch.setattr(target_positions, "STEP", 2)
    model = spread(decoder(LLAMA, jax.random.key(0)))
    mask = np.isin(np.arange(7), [2, 5, 6]) & (np.arange(5) > 0)[:, None]
    mask[1, 3] = True
    examples = Examples(TOKENS, np.roll(TOKENS, -1, 1), mask)

    def scalar(params, frozen, example):
        one = Examples(*(leaf[None] for leaf in example))
        return log_likelihood(model.apply(params, frozen, one.inputs), one)[0]

    exact = np.asarray(jax.jit(lambda: per_example_gradients(scalar, model, examples, chunk=5))())
    assert not exact[0].any()
    narrow, at_four = at_targets(model, examples)
    assert narrow.apply(model.params, model.frozen, at_four.inputs).shape == (5, 4, 30)
    found = gradient_products(model, log_likelihood, examples, examples.take(slice(1, 3)))
    np.testing.assert_allclose(found, exact @ exact[1:3].T, rtol=1e-4, atol=1e-5 * np.abs(found).max())
    weights = np.arange(5.0)
    mean = mean_gradient(model, log_likelihood, examples, weights)
    np.testing.assert_allclose(mean, weights @ exact / 10, rtol=1e-4, atol=1e-5 * np.abs(mean).max())


def test_positions_are_rounded_up_and_no_more_than_a_row_has():
    masks = (np.arange(40) < np.array([[0], [n]]) for n in (0, 8, 9, 37))
    assert [most_targets(Examples(mask, mask, mask)) for mask in masks] == [8, 8, 16, 40]
