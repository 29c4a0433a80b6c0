"""Recall of facts: which attribute does this entity have? An embedding and a small MLP."""

import jax
from flax import nnx
from jaxtyping import Array, Float, Int

from models.functional import Model, functional
from models.layers import Dense

SPREAD = 0.1  # of the first vectors; small, so that a fact seen only a few times moves its vector far enough


class Recall(nnx.Module):
    """Logits of attributes for entity numbers: (n,) -> (n, attributes).

    One vector an entity, then one hidden layer that all entities share. Not captured: the table is no dense layer.
    """

    def __init__(self, entities: int, attributes: int, *, embedding: int, width: int, rngs: nnx.Rngs):
        if min(entities, attributes, embedding, width) < 1:
            raise ValueError(f"a Recall needs positive sizes, got {(entities, attributes, embedding, width)}")
        self.table = nnx.Param(SPREAD * jax.random.normal(rngs.params(), (entities, embedding)))
        self.hidden = Dense(embedding, width, rngs=rngs)
        self.head = Dense(width, attributes, rngs=rngs)

    def __call__(self, entities: Int[Array, " n"]) -> Float[Array, "n c"]:
        return self.head(jax.nn.relu(self.hidden(self.table[...][entities])))


def recall(entities: int, attributes: int, key: jax.Array, *, embedding: int = 32, width: int = 64) -> Model:
    """A Recall as a Model, its parameters drawn from the key."""
    return functional(Recall(entities, attributes, embedding=embedding, width=width, rngs=nnx.Rngs(key)))
