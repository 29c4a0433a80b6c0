import jax
import numpy as np

from experiments.tasks.tf_idf import tf_idf


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
