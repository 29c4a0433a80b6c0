"""A small text classifier: an MLP on the weighted words of a text."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from models.functional import Model, functional
from models.mlp import MLP


def weighted_words(tokens: Int[Array, "n t"], weights: Float[Array, " v"]) -> Float[Array, "n v"]:
    """log(1 + count of word w) * weights[w] for every word of the vocabulary, scaled to length 1; zeros without words.

    Token 0 is padding: it counts for nothing, however much of it there is.
    """
    rows = jnp.arange(tokens.shape[0])[:, None]
    counts = jnp.zeros((tokens.shape[0], weights.shape[0]), weights.dtype).at[rows, tokens].add(1)
    weighted = jnp.log1p(counts.at[:, 0].set(0)) * weights
    return weighted / jnp.maximum(jnp.linalg.norm(weighted, axis=-1, keepdims=True), 1e-9)


class Encoder(nnx.Module):
    """Logits of texts: (n, t) word numbers -> (n, widths[-1]).

    The first kernel of the MLP is the table of word vectors, and its output their weighted sum over a text. A lookup
    and a sum give the same numbers; as a product with the words of a text, gradients have one position instead of t,
    and a tangent kernel of 1,000 texts takes half a second instead of minutes.
    weights: (v,) of the words; frozen.
    """

    def __init__(self, weights: Float[Array | np.ndarray, " v"], widths: Sequence[int], *, rngs: nnx.Rngs):
        self.weights = nnx.Variable(jnp.asarray(weights))
        self.mlp = MLP((len(weights), *widths), rngs=rngs)

    def __call__(self, tokens: Int[Array, "n t"]) -> Float[Array, "n c"]:
        return self.mlp(weighted_words(tokens, self.weights[...]))


def encoder(weights: Float[Array | np.ndarray, " v"], widths: Sequence[int], key: jax.Array) -> Model:
    """An Encoder as a Model, its parameters drawn from the key; widths end with the number of classes."""
    return functional(Encoder(weights, widths, rngs=nnx.Rngs(key)))
