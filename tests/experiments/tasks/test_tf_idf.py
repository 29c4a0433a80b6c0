import jax
import jax.numpy as jnp
import numpy as np

from experiments.tasks.tf_idf import tf_idf, weighted_counts
from models.encoder import weighted_words


def test_features_are_projected_tf_idf():
    learn = np.array([[1, 2, 2, 0], [1, 3, 0, 0], [1, 1, 1, 1]])
    key = jax.random.key(0)
    found = tf_idf(learn, 5, 3, key)(learn)
    idf = np.log([1, 4 / 4, 4 / 2, 4 / 2, 4 / 1])  # token 0 is padding
    weighted = np.array([np.bincount(row, minlength=5) for row in learn]) * idf
    length = np.linalg.norm(weighted, axis=1, keepdims=True)
    expected = (
        weighted / np.maximum(length, 1e-12) @ (np.asarray(jax.random.normal(jax.random.key(0), (5, 3))) / 3**0.5)
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_weighted_counts_are_what_the_encoder_sees():
    tokens = np.array([[1, 2, 2, 0], [3, 3, 3, 1], [0, 0, 0, 0], [4, 1, 2, 3]])
    weights = np.array([0, 0.3, 1.5, 0.7, 0], np.float32)
    tokens.setflags(write=False)  # the rows stay as they are
    found = weighted_counts(tokens, weights, np.log1p).toarray()
    np.testing.assert_allclose(found, weighted_words(jnp.asarray(tokens), jnp.asarray(weights)), atol=1e-6)
    assert weighted_counts(tokens[:0], weights).shape == (0, 5)
