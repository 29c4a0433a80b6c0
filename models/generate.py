"""Text from a decoder: batches of prompts, sampled on a cache by temperature, top-k and top-p.

The weights are read once a step for the whole batch: many rows at a time are nearly as fast as one on a CPU.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from models.decoder import Cache
from models.functional import Model, call

STEPS = 16  # between two looks at whether every row has stopped
BLOCK = 256  # numbers of a cumulative sum
BITS_OF_ONE = 0x3F800000  # as an integer, 1.0: between 0 and 1 floats are ordered as integers are


class Generated(NamedTuple):
    """Row i has answered its prompt with tokens[i, : lengths[i]]; a stop token is not part of it.

    A row of full length was cut off. Behind its length a row holds zeros.
    """

    tokens: Int[np.ndarray, "n t"]
    lengths: Int[np.ndarray, " n"]


class State(NamedTuple):
    """Rows on their way: last token, its position, answer so far and its length, whether stopped, step, caches."""

    token: jax.Array
    position: jax.Array
    tokens: jax.Array
    lengths: jax.Array
    stopped: jax.Array
    step: jax.Array
    caches: list[Cache]


def generate(
    model: Model,
    prompts: Sequence[Sequence[int]],
    *,
    length: int,
    temperature: float | int = 1.0,
    top_p: float | int = 1.0,
    top_k: int = 0,
    stop: Iterable[int] = (),
    key: jax.Array,
    batch: int = 64,
    progress: Callable | None = None,
) -> Generated:
    """What the decoder writes behind every prompt, up to `length` tokens or to one of the tokens in `stop`.

    temperature: 0 takes the most likely token. top_p, top_k: as in `truncated`; 1 and 0 leave everything.
    batch: rows at a time. Row i draws with keys of its own, so its text depends on its batch mates by rounding only.
    progress: called with the number of tokens that have just been made.
    Compiles once for every power of two of rows, tokens of the longest prompt and tokens of both together.
    Raises ValueError for settings out of range, an empty prompt, a token outside of the vocabulary and more tokens than
    the model allows.
    """
    config = model.merged(model.params, model.frozen).config
    _check(prompts, length, temperature, top_p, top_k, batch, config)
    settings = {"temperature": float(temperature), "top_p": float(top_p), "top_k": float(top_k)}
    ends = np.full(_bucket(len(stop := [*stop]), 1), -1, np.int32)
    ends[: len(stop)] = stop
    sizes = np.array([len(prompt) for prompt in prompts])
    tokens, lengths = np.zeros((len(prompts), length), np.int32), np.zeros(len(prompts), np.int32)
    order = np.argsort(sizes, kind="stable")
    for rows in (order[start : start + batch] for start in range(0, len(order), batch)):
        widest = int(sizes[rows].max())
        width, slots = (min(_bucket(size), config.longest) for size in (widest, widest + length))
        filled = np.resize(rows, min(_bucket(len(rows), 1), batch))
        padded = np.zeros((len(filled), width), np.int32)
        for line, row in zip(padded, filled, strict=True):
            line[: sizes[row]] = prompts[row]
        keys = jax.vmap(partial(jax.random.fold_in, key))(filled)
        given = {"keys": keys, "ends": ends, "settings": settings, "limit": length, "merged": model.merged}
        spare = np.arange(len(filled)) >= len(rows)
        state = _begun(model.params, model.frozen, padded, sizes[filled], spare, slots=slots, **given)
        made = 0
        while True:
            tokens[rows, :], lengths[rows] = state.tokens[: len(rows), :length], state.lengths[: len(rows)]
            if progress is not None:
                progress(int(lengths[rows].sum()) - made)
            made = int(lengths[rows].sum())
            if int(state.step) >= length or bool(state.stopped.all()):
                break
            state = _continued(model.params, model.frozen, state, **given)
    return Generated(np.where(np.arange(length) < lengths[:, None], tokens, 0), lengths)


def next_token(
    logits: Float[Array, "n v"], keys, *, temperature, top_p=1.0, top_k=0
) -> Int[Array, " n"]:  # fmt: skip
    """One token a row, drawn from `truncated` with the row's own key, or the most likely one at temperature 0.

    One uniform number a row: as many as there are words would cost more than everything else here.
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


def truncated(logits: Float[Array, "n v"], *, temperature=1.0, top_p=1.0, top_k=0) -> Float[Array, "n v"]:
    """softmax(logits / temperature), not normalised again, 0 where truncated: first by top_k, then by top_p.

    top_k: the k most likely tokens stay, 0 leaves all. top_p: of these, the fewest most likely ones that hold at least
    top_p of their probability stay. Tokens as likely as the least likely one that stays, stay too.
    """
    top_k, temperature = jnp.asarray(top_k, jnp.float32), jnp.asarray(temperature, jnp.float32)
    p = jax.nn.softmax(logits.astype(jnp.float32) / jnp.where(temperature > 0, temperature, 1), -1)

    def among(p):
        return jnp.where(p >= _floor(p, jnp.ones_like(p), top_k)[:, None], p, 0)

    def nucleus(p):
        return jnp.where(p >= _floor(p, p, top_p * p.sum(-1))[:, None], p, 0)

    p = jax.lax.cond(top_k > 0, among, lambda p: p, p)
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


@partial(jax.jit, static_argnames=("merged", "slots"))
def _begun(params, frozen, prompts, sizes, spare, *, keys, ends, settings, limit, merged, slots) -> State:
    """The prompts are read and the first token of every answer is there."""
    del limit

    def read(module):
        h, caches = module.states(prompts)
        return module.logits(h[jnp.arange(len(h)), sizes - 1][:, None])[:, 0], caches

    logits, caches = call(merged, params, frozen, read)
    room = ((0, 0), (0, 0), (0, slots - prompts.shape[1]), (0, 0))
    empty = jnp.zeros((len(sizes), slots), jnp.int32), jnp.zeros(len(sizes), jnp.int32)
    state = State(sizes * 0, sizes - 1, *empty, spare, jnp.int32(0), jax.tree.map(lambda x: jnp.pad(x, room), caches))
    return _with_token(state, logits, keys, ends, settings)


@partial(jax.jit, static_argnames=("merged",), donate_argnames=("state",))
def _continued(params, frozen, state, *, keys, ends, settings, limit, merged) -> State:
    """STEPS tokens more."""
    end = jnp.minimum(state.step + STEPS, limit)

    def step(state):
        def read(module):
            h, caches = module.states(state.token[:, None], state.position[:, None], state.caches)
            return module.logits(h)[:, 0], caches

        logits, caches = call(merged, params, frozen, read)
        return _with_token(state._replace(caches=caches), logits, keys, ends, settings)

    return jax.lax.while_loop(lambda s: (s.step < end) & ~s.stopped.all(), step, state)


def _with_token(state: State, logits, keys, ends, settings) -> State:
    now = jax.vmap(jax.random.fold_in, (0, None))(keys, state.step)
    token = next_token(logits, now, **settings)
    stopped = state.stopped | (token[:, None] == ends).any(-1)
    return state._replace(
        token=token,
        position=state.position + 1,
        tokens=jax.lax.dynamic_update_slice(state.tokens, token[:, None], (0, state.step)),
        lengths=state.lengths + ~stopped,
        stopped=stopped,
        step=state.step + 1,
    )


def _bucket(size: int, least: int = 16) -> int:
    """The next power of two."""
    return max(least, 1 << (size - 1).bit_length()) if size else least


def _check(prompts, length, temperature, top_p, top_k, batch, config) -> None:
    wrong = {
        f"length must be at least 1, got {length}": length < 1,
        f"batch must be at least 1, got {batch}": batch < 1,
        f"temperature must be 0 (the most likely token) or more, got {temperature}": not temperature >= 0,
        f"top_p must lie in (0, 1], got {top_p}": not 0 < top_p <= 1,
        f"top_k must be 0 (off) or more, got {top_k}": top_k < 0,
    }
    for message in (text for text, holds in wrong.items() if holds):
        raise ValueError(message)
    for i, prompt in enumerate(prompts):
        if not len(prompt):
            raise ValueError(f"prompt {i} is empty: at least one token is needed, such as the tokenizer's bos")
        if not 0 <= min(prompt) <= max(prompt) < config.vocabulary:
            raise ValueError(f"prompt {i} has a token outside of the vocabulary of {config.vocabulary}")
        if len(prompt) + length > config.longest:
            raise ValueError(
                f"prompt {i} of {len(prompt)} tokens and an answer of {length} exceed the {config.longest} of the model"
            )
