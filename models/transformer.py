"""A decoder-only transformer with learned positions: pre-LayerNorm, biases, GELU with the error function."""

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from models.functional import Model, functional
from models.layers import Dense, Embed, LayerNorm


class Block(nnx.Module):
    """h + o(attention(ln1 h)), then h + fc2(gelu(fc1(ln2 h))): (n, t, d) -> (n, t, d); a token sees those before it."""

    def __init__(self, d: int, heads: int, hidden: int, *, rngs: nnx.Rngs):
        self.ln1, self.ln2 = LayerNorm(d), LayerNorm(d)
        self.q, self.k, self.v, self.o = (Dense(d, d, rngs=rngs) for _ in range(4))
        self.fc1, self.fc2 = Dense(d, hidden, rngs=rngs), Dense(hidden, d, rngs=rngs)
        self.heads = heads

    def __call__(self, h: Float[Array, "n t d"]) -> Float[Array, "n t d"]:
        n, t, d = h.shape
        z = self.ln1(h)
        q, k, v = (part(z).reshape(n, t, self.heads, d // self.heads) for part in (self.q, self.k, self.v))
        h = h + self.o(attention(q / math.sqrt(d // self.heads), k, v).reshape(n, t, d))
        return h + self.fc2(jax.nn.gelu(self.fc1(self.ln2(h)), approximate=False))


def attention(q: Float[Array, "n t h e"], k: Float[Array, "n t h e"], v: Float[Array, "n t h e"]):
    """softmax(q k') v of every head, (n, t, h, e), over the tokens up to each; q is already scaled.

    The sum of the weights divides the result, not the weights: t / e times fewer divisions.
    """
    t = q.shape[1]
    hidden = jnp.where(jnp.tril(jnp.ones((t, t), bool)), 0, -jnp.inf).astype(q.dtype)
    scores = jnp.einsum("nshe,nthe->nhst", q, k) + hidden
    weights = jnp.exp(scores - jax.lax.stop_gradient(scores.max(-1, keepdims=True)))
    mixed = jnp.einsum("nhst,nthe->nhse", weights, v) / weights.sum(-1, keepdims=True)
    return mixed.transpose(0, 2, 1, 3)


class Transformer(nnx.Module):
    """Logits of the next token: (n, t) -> (n, t, v), or at the places (n, k) that are asked for -> (n, k, v).

    tied: the output layer is the token table; otherwise a dense layer without bias.
    Raises ValueError if the heads do not divide the width.
    """

    def __init__(
        self, v: int, t: int, d: int, *, layers: int, heads: int, hidden: int, tied: bool = False, rngs: nnx.Rngs
    ):
        if d % heads:
            raise ValueError(f"{heads} heads do not divide a width of {d}")
        self.tok, self.pos = Embed(v, d, rngs=rngs), Embed(t, d, rngs=rngs)
        self.blocks = nnx.List([Block(d, heads, hidden, rngs=rngs) for _ in range(layers)])
        self.ln_f = LayerNorm(d)
        self.head = None if tied else Dense(d, v, bias=False, rngs=rngs)

    @property
    def readout(self) -> Embed | Dense:
        """The layer that gives the outputs."""
        return self.tok if self.head is None else self.head

    def __call__(self, tokens: Int[Array, "n t"], places: Int[Array, "n k"] | None = None) -> Float[Array, "n k v"]:
        h = self.tok(tokens) + self.pos(jnp.broadcast_to(jnp.arange(tokens.shape[1]), tokens.shape))
        for block in self.blocks:
            h = block(h)
        h = self.ln_f(h if places is None else jnp.take_along_axis(h, places[..., None], 1))
        return self.tok.attend(h) if self.head is None else self.head(h)


def transformer(
    v: int, t: int, d: int, *, layers: int, heads: int, hidden: int, tied: bool = False, key: jax.Array
) -> Model:
    """A Transformer of vocabulary v, up to t tokens and width d as a Model, its parameters drawn from the key."""
    return functional(Transformer(v, t, d, layers=layers, heads=heads, hidden=hidden, tied=tied, rngs=nnx.Rngs(key)))
