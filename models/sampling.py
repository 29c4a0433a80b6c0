"""The next token from logits: temperature, top-k and top-p, and one draw a row that costs little.

A token is drawn by a cumulative sum in blocks, and limits are found by bisection on the bits of a probability: both are
many times as fast as sorting the vocabulary.
"""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key

BLOCK = 256  # numbers of a cumulative sum
BITS_OF_ONE = 0x3F800000  # as an integer, 1.0: between 0 and 1 floats are ordered as integers are


def next_token(
    logits: Float[Array, "n v"],
    keys: Key[Array, " n"],
    *,
    temperature: ArrayLike,
    top_p: ArrayLike = 1.0,
    top_k: ArrayLike = 0,
) -> Int[Array, " n"]:
    """One token a row, drawn from `truncated` with the row's key, or the most likely one at temperature 0.

    temperature, top_p, top_k: as for `truncated`, the same for all rows. One uniform number is drawn a row: as many as
    there are words would cost more than everything else here.
    """
    weights = truncated(logits, temperature=temperature, top_p=top_p, top_k=top_k)
    n, v = logits.shape
    blocks = jnp.pad(weights, ((0, 0), (0, -v % BLOCK))).reshape(n, -1, BLOCK)
    sums = blocks.sum(-1)
    target = jax.vmap(jax.random.uniform)(keys) * sums.sum(-1)
    block, below = _first_beyond(sums, target)
    inside = jnp.take_along_axis(blocks, block[:, None, None], 1)[:, 0]
    drawn = block * BLOCK + _first_beyond(inside, jnp.maximum(target - below, 0))[0]
    return jnp.where(jnp.asarray(temperature) > 0, drawn, logits.argmax(-1)).astype(jnp.int32)


def truncated(
    logits: Float[Array, "n v"], *, temperature: ArrayLike = 1.0, top_p: ArrayLike = 1.0, top_k: ArrayLike = 0
) -> Float[Array, "n v"]:
    """softmax(logits / temperature), not normalised again, 0 where truncated: first by top_k, then by top_p.

    temperature: 0 counts as 1. top_k: the k most likely tokens stay, 0 leaves all. top_p: of these, the fewest most
    likely ones that hold at least top_p of their probability stay. Tokens as likely as the least likely one that
    stays, stay too.
    """
    count, heat = jnp.asarray(top_k, jnp.float32), jnp.asarray(temperature, jnp.float32)
    p = jax.nn.softmax(logits.astype(jnp.float32) / jnp.where(heat > 0, heat, 1), -1)

    def among(p):
        return jnp.where(p >= _floor(p, jnp.ones_like(p), count)[:, None], p, 0)

    def nucleus(p):
        return jnp.where(p >= _floor(p, p, top_p * p.sum(-1))[:, None], p, 0)

    p = jax.lax.cond(count > 0, among, lambda p: p, p)
    return jax.lax.cond(jnp.asarray(top_p) < 1, nucleus, lambda p: p, p)


def _floor(p: Float[Array, "n v"], weights: Float[Array, "n v"], target) -> Float[Array, " n"]:
    """The largest f such that tokens with p >= f have at least the target weight: bisection, ~20 times as fast as sort.

    It goes by the bits of f, so it ends at the very probability of a token; 0 if all together weigh less.
    """

    def halved(_, bounds):
        low, high = bounds
        middle = low + (high - low) // 2
        enough = jnp.where(p >= _float(middle)[:, None], weights, 0).sum(-1) >= target
        return jnp.where(enough, middle, low), jnp.where(enough, high, middle)

    zero = jnp.zeros(len(p), jnp.int32)
    return _float(jax.lax.fori_loop(0, 30, halved, (zero, zero + BITS_OF_ONE + 1))[0])


def _float(bits):
    return jax.lax.bitcast_convert_type(bits, jnp.float32)


def _first_beyond(weights: Float[Array, "n b"], target: Float[Array, " n"]):
    """(first index whose cumulative weight exceeds the target, cumulative weight before it): never one of weight 0."""
    total = jnp.cumsum(weights, -1)
    target = jnp.minimum(target, jnp.nextafter(total[:, -1], jnp.zeros(())))
    index = (total > target[:, None]).argmax(-1)
    return index, jnp.take_along_axis(jnp.pad(total, ((0, 0), (1, 0))), index[:, None], 1)[:, 0]
