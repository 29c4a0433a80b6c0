"""Features of rows of tokens: how often each token stands there, weighted by its rarity."""

from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import Float, Int
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
    return lambda inputs: (weighted_counts(inputs, idf) @ projection).astype(np.float32)


def weighted_counts(
    tokens: Int[np.ndarray, "n t"],
    weights: Float[np.ndarray, " v"],
    of_count: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> csr_array:
    """of_count(how often token w stands in the row) * weights[w], to unit length, (n, v) float64, mostly zeros.

    A row without tokens of any weight is 0. weights: of every token, 0 for padding. of_count: such as np.log1p.
    """
    tokens = np.asarray(tokens)
    starts = tokens.shape[1] * np.arange(len(tokens) + 1)
    columns = tokens.flatten()  # a copy, which is sorted below
    rows = csr_array((np.ones(tokens.size), columns, starts), shape=(len(tokens), len(weights)))
    rows.sum_duplicates()
    rows.data = of_count(rows.data) * weights[rows.indices]
    lengths = np.sqrt(rows.multiply(rows).sum(1))
    rows.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(rows.indptr))
    return rows
