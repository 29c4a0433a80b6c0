"""A compact decoder of the Llama and Qwen families: RMSNorm, rotary positions, grouped queries, SwiGLU, a cache."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int

from models.functional import Model, call, functional
from models.layers import Dense, Embed, RMSNorm, small_rows
from models.rotary import frequencies, rotated


class Config(NamedTuple):
    """Sizes of a decoder.

    kv_heads: heads of keys and values, each shared by heads / kv_heads queries. head_width: of every head, even.
    rope_base: of the rotary frequencies base^(-2i / head_width). rope_divisors: what each of them is divided by, where
    positions are stretched (models/rotary.py); () where not. epsilon: of the norms. longest: most tokens.
    tied: the output layer is the token table. qk_norm: RMSNorm of every head's queries and keys (Qwen3).
    qkv_bias: biases of queries, keys and values (Qwen2).
    interleaved: rotary pairs are (2i, 2i + 1), as in a Llama GGUF; else (i, i + head_width / 2), as in Hugging Face.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    hidden: int
    rope_base: float = 10_000.0
    epsilon: float = 1e-5
    tied: bool = True
    qk_norm: bool = False
    qkv_bias: bool = False
    interleaved: bool = False
    longest: int = 2048
    rope_divisors: tuple[float, ...] = ()


class Cache(NamedTuple):
    """Keys and values of one block: (n, g, t, e), slot = position."""

    keys: jax.Array
    values: jax.Array


class Block(nnx.Module):
    """h + o(attention(norm1 h)), then h + down(silu(gate z) * up z) with z = norm2 h; biases for q, k, v only."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs):
        c, self.config = config, config
        inner, shared = c.heads * c.head_width, c.kv_heads * c.head_width
        self.norm1, self.norm2 = (RMSNorm(c.width, epsilon=c.epsilon) for _ in range(2))
        self.q, self.k, self.v = (
            Dense(c.width, d, bias=c.qkv_bias, rngs=rngs, init=small_rows) for d in (inner, shared, shared)
        )
        self.q_norm, self.k_norm = (RMSNorm(c.head_width, epsilon=c.epsilon) if c.qk_norm else None for _ in range(2))
        self.o = Dense(inner, c.width, bias=False, rngs=rngs, init=small_rows)
        self.gate, self.up = (Dense(c.width, c.hidden, bias=False, rngs=rngs, init=small_rows) for _ in range(2))
        self.down = Dense(c.hidden, c.width, bias=False, rngs=rngs, init=small_rows)

    def __call__(
        self,
        h: Float[Array, "n s d"],
        positions: Int[Array, "b s"],
        cache: Cache | None,
        places: Int[Array, "n k"] | None = None,
    ):
        """(h, the cache with the new keys and values); without a cache, positions count from 0 and it is made.

        places: of the s tokens, those whose h is asked for: (n, k, d) instead of (n, s, d).
        """
        c, z = self.config, self.norm1(h)
        k, v, asked = self._heads(self.k(z)), self._heads(self.v(z)), positions
        if places is not None:
            h, z = (jnp.take_along_axis(x, places[..., None], 1) for x in (h, z))
            asked = jnp.take_along_axis(jnp.broadcast_to(positions, k.shape[:2]), places, 1)
        q = self._heads(self.q(z))
        q, k = (x if norm is None else norm(x) for norm, x in ((self.q_norm, q), (self.k_norm, k)))
        turn = frequencies(c.head_width, c.rope_base, c.rope_divisors)
        q, k = (rotated(x, at, turn, interleaved=c.interleaved) for x, at in ((q, asked), (k, positions)))
        new = Cache(k.swapaxes(1, 2), v.swapaxes(1, 2))
        if cache is not None:
            rows = jnp.arange(len(h))[:, None]
            new = Cache(*(old.at[rows, :, positions].set(x) for old, x in zip(cache, (k, v), strict=True)))
        h = h + self.o(attention(q / math.sqrt(c.head_width), new, asked))
        z = self.norm2(h)
        return h + self.down(jax.nn.silu(self.gate(z)) * self.up(z)), new

    def _heads(self, x: Float[Array, "n s d"]) -> Float[Array, "n s h e"]:
        """What stands side by side, apart."""
        return x.reshape(*x.shape[:2], -1, self.config.head_width)


def attention(q: Float[Array, "n s h e"], seen: Cache, positions: Int[Array, "b s"]) -> Float[Array, "n s d"]:
    """softmax(q k') v of every head over slots up to each query's position, heads side by side; q is already scaled.

    The sum of the weights divides the result, not the weights: t / e times fewer divisions.
    """
    n, s, h, e = q.shape
    g, t = seen.keys.shape[1:3]
    q = q.reshape(n, s, g, h // g, e).transpose(0, 2, 3, 1, 4)
    scores = jnp.einsum("ngjse,ngte->ngjst", q, seen.keys, preferred_element_type=jnp.float32)
    allowed = jnp.arange(t) <= positions[:, None, None, :, None]
    scores = jnp.where(allowed, scores, -jnp.inf)
    weights = jnp.exp(scores - jax.lax.stop_gradient(scores.max(-1, keepdims=True)))
    total = weights.sum(-1, keepdims=True)
    mixed = jnp.einsum("ngjst,ngte->ngjse", weights.astype(q.dtype), seen.values) / total.astype(q.dtype)
    return mixed.transpose(0, 3, 1, 2, 4).reshape(n, s, h * e)


def through(
    blocks: Sequence[Block],
    h: Float[Array, "n s d"],
    positions: Int[Array, "n s"] | None = None,
    caches=None,
    places: Int[Array, "n k"] | None = None,
) -> tuple[Float[Array, "n r d"], list[Cache]]:
    """(states after these blocks, of all s tokens or k places, their caches); the rest as in Decoder.states.

    h: states before the blocks. places: of the tokens whose states are asked for; for the others the last block
    computes only what these attend to.
    Raises ValueError for more tokens than the model allows.
    """
    news = []
    positions = jnp.arange(h.shape[1])[None] if positions is None else positions
    for i, block in enumerate(blocks):
        if h.shape[1] > block.config.longest:
            raise ValueError(f"{h.shape[1]} tokens are more than the {block.config.longest} of this model")
        last = places if i == len(blocks) - 1 else None
        h, new = block(h, positions, None if caches is None else caches[i], last)
        news.append(new)
    if places is not None and not blocks:
        h = jnp.take_along_axis(h, places[..., None], 1)
    return h, news


class Decoder(nnx.Module):
    """Logits of the next token: (n, t) -> (n, t, v), or at the places (n, k) that are asked for -> (n, k, v).

    A token sees those up to it: padding belongs on the right.
    """

    def __init__(self, config: Config, *, rngs: nnx.Rngs):
        self.config = checked(config)
        self.tok = Embed(config.vocabulary, config.width, rngs=rngs)
        self.blocks = nnx.List([Block(config, rngs=rngs) for _ in range(config.layers)])
        self.norm = RMSNorm(config.width, epsilon=config.epsilon)
        size = (config.width, config.vocabulary)
        self.head = None if config.tied else Dense(*size, bias=False, rngs=rngs, init=small_rows)

    @property
    def readout(self) -> Embed | Dense:
        """The layer that gives the outputs."""
        return self.tok if self.head is None else self.head

    def __call__(self, tokens: Int[Array, "n t"], places: Int[Array, "n k"] | None = None) -> Float[Array, "n k v"]:
        return self.logits(through(self.blocks, self.tok(tokens), places=places)[0])

    def states(self, tokens: Int[Array, "n s"], positions: Int[Array, "n s"] | None = None, caches=None, *, depth=None):
        """(state of every token after `depth` blocks (n, s, d), all by default, the caches of these blocks).

        positions and caches: of tokens that go on after earlier ones, which are read from the caches.
        """
        return through(self.blocks[:depth], self.tok(tokens), positions, caches)

    def logits(self, h: Float[Array, "n s d"]) -> Float[Array, "n s v"]:
        """Of the next token, from the states after the last block; in float32, since 16 bits would tie words."""
        h = self.norm(h)
        h = h.astype(jnp.promote_types(h.dtype, jnp.float32))
        return self.tok.attend(h) if self.head is None else self.head(h)


def decoder(config: Config, key: jax.Array) -> Model:
    """A Decoder as a Model, its parameters drawn from the key."""
    return functional(Decoder(config, rngs=nnx.Rngs(key)))


def outline(config: Config) -> Model:
    """A Decoder as a Model whose params are shapes only, to be replaced by weights: model._replace(params=weights)."""
    return functional(nnx.eval_shape(lambda: Decoder(config, rngs=nnx.Rngs(0))))


def hidden(
    model: Model, params, frozen, tokens: Int[Array, "n t"], mask: Bool[Array, "n t"], *, layer: str
) -> Float[Array, "n d"]:
    """Mean state of the tokens that the mask lets through, after a layer: "tok", "blocks.0", ..., or "norm".

    Layers after the named one are not computed. A row without such tokens gives zeros.
    Raises ValueError for an unknown layer.
    """

    def states(module, tokens):
        names = {"tok": 0} | {f"blocks.{i}": i + 1 for i in range(module.config.layers)}
        if layer == "norm":
            return module.norm(module.states(tokens)[0])
        if layer not in names:
            raise ValueError(f"layer {layer!r} is unknown: expected tok, blocks.0 to {[*names][-1]}, or norm")
        return module.states(tokens, depth=names[layer])[0]

    chosen = mask[..., None]
    total = jnp.where(chosen, call(model.merged, params, frozen, states, tokens), 0).sum(1)
    return total / jnp.maximum(chosen.sum(1), 1)


def checked(config: Config) -> Config:
    """The config. Raises ValueError if its sizes do not fit together."""
    if min(config[:7]) < 1:
        raise ValueError(f"every size of a decoder must be at least 1, got {config}")
    if config.heads % config.kv_heads:
        raise ValueError(f"{config.kv_heads} key-value heads do not divide {config.heads} query heads")
    if config.head_width % 2:
        raise ValueError(f"rotary positions turn pairs: a head needs an even width, got {config.head_width}")
    if config.rope_divisors and len(config.rope_divisors) != config.head_width // 2:
        raise ValueError(
            f"{config.head_width // 2} rotary pairs need as many divisors or none, got {len(config.rope_divisors)}"
        )
    if not all(0 < number < math.inf for number in (config.rope_base, config.epsilon, *config.rope_divisors)):
        raise ValueError(f"rotary base, rotary divisors and epsilon must be positive numbers, got {config}")
    return config
