"""Features of rows of tokens: how often each token stands there, weighted by its rarity."""

from collections.abc import Callable

import jax
import numpy as np
from scipy.sparse import csr_array


def tf_idf(learn: np.ndarray, vocabulary: int, dimensions: int, key: jax.Array) -> Callable[[np.ndarray], np.ndarray]:
    """inputs (n, t) -> (n, d) float32: counts of tokens, times idf in the train pool, to unit length, projected.

    learn: rows of tokens (m, t) of the train pool, 0 for padding. vocabulary: how many tokens there are.
    dimensions: d, of a random projection drawn by the key.
    """
    present = np.zeros(vocabulary)
    for row in learn:
        present[np.unique(row)] += 1
    idf = np.log((1 + len(learn)) / (1 + present))
    idf[0] = 0
    projection = np.asarray(jax.random.normal(key, (vocabulary, dimensions))) / np.sqrt(dimensions)

    def features(inputs):
        inputs = np.asarray(inputs)
        rows = np.repeat(np.arange(len(inputs)), inputs.shape[1])
        entries = (idf[inputs.ravel()], (rows, inputs.ravel()))  # those of one place are added up
        weighted = csr_array(entries, shape=(len(inputs), vocabulary))
        norms = np.sqrt(weighted.multiply(weighted).sum(1))
        return (weighted @ projection / np.maximum(norms, 1e-12)[:, None]).astype(np.float32)

    return features
