"""The default image classifier: dense layers with ReLU between them."""

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Shaped

from models.functional import Model, functional
from models.layers import Dense


class MLP(nnx.Module):
    """Logits of flattened inputs: (n, ...) -> (n, widths[-1]).

    widths: from the number of input values to the number of classes, such as (784, 128, 128, 10).
    """

    def __init__(self, widths: Sequence[int], *, rngs: nnx.Rngs):
        if len(widths) < 2:
            raise ValueError(f"an MLP needs the width of its input and of its output, got {tuple(widths)}")
        self.layers = nnx.List([Dense(k, d, rngs=rngs) for k, d in itertools.pairwise(widths)])

    def __call__(self, x: Shaped[Array, "n ..."]) -> Float[Array, "n c"]:
        x = x.reshape(x.shape[0], -1)
        if not jnp.issubdtype(x.dtype, jnp.floating):  # whole numbers, such as pixels, or bits
            x = x.astype(jnp.float32)
        for layer in self.layers[:-1]:
            x = jax.nn.relu(layer(x))
        return self.layers[-1](x)


def mlp(widths: Sequence[int], key: jax.Array) -> Model:
    """An MLP as a Model, its parameters drawn from the key."""
    return functional(MLP(widths, rngs=nnx.Rngs(key)))
