import jax.numpy as jnp
import numpy as np

from valuation.outputs import class_sum, log_likelihood, margin, minus_squared_error, number, true_class
from valuation.problem import Examples

LOGITS = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
LABELS = np.array([0, 1, 2, 1], np.int32)


def test_outputs_by_hand():
    one = Examples(LOGITS, LABELS)
    logits = LOGITS.astype(np.float64)
    expected = (logits - np.log(np.exp(logits).sum(1, keepdims=True)))[np.arange(4), LABELS]
    np.testing.assert_allclose(log_likelihood(jnp.asarray(LOGITS), one), expected, rtol=1e-5)
    odds = expected - np.log1p(-np.exp(expected))
    np.testing.assert_allclose(margin(jnp.asarray(LOGITS), one), odds, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(true_class(jnp.asarray(LOGITS), one), LOGITS[np.arange(4), LABELS])
    np.testing.assert_allclose(class_sum(jnp.asarray(LOGITS), one), logits.sum(1) / np.sqrt(3), rtol=1e-5)
    tokens = Examples(None, LABELS.reshape(2, 2), np.array([[True, True], [True, False]]))
    expected = [expected[:2].mean(), expected[2]]
    np.testing.assert_allclose(log_likelihood(jnp.asarray(LOGITS.reshape(2, 2, 3)), tokens), expected, rtol=1e-5)


def test_numbers_by_hand():
    one = Examples(None, np.array([1.0, -2.0], np.float32))
    got = jnp.array([[0.5], [3.0]])
    np.testing.assert_allclose(number(got, one), [0.5, 3])
    np.testing.assert_allclose(minus_squared_error(got, one), [-0.25, -25])
