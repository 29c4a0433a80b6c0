"""Text from a decoder: batches of prompts, sampled on a cache by temperature, top-k and top-p.

The weights are read once a step for the whole batch: many rows at a time are nearly as fast as one on a CPU.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int, Key

from models.decoder import Cache
from models.functional import Model, call
from models.sampling import next_token

STEPS = 16  # between two looks at whether every row has stopped


class Generated(NamedTuple):
    """Row i has answered its prompt with tokens[i, : lengths[i]]; a stop token is not part of it.

    A row of full length was cut off. After its length a row holds zeros.
    """

    tokens: Int[np.ndarray, "n t"]
    lengths: Int[np.ndarray, " n"]


class State(NamedTuple):
    """Rows on their way: last token, its position, answer so far and its length, whether stopped, step, caches.

    lost: the step at which a row's logits were not finite, which stops it; -1 for none.
    """

    token: jax.Array
    position: jax.Array
    tokens: jax.Array
    lengths: jax.Array
    stopped: jax.Array
    lost: jax.Array
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
    key: Key[jax.Array, ""],
    batch: int = 64,
    progress: Callable[[int], object] | None = None,
) -> Generated:
    """What the decoder writes after every prompt, up to `length` tokens or to one of the tokens in `stop`.

    prompts: tokens of each, at least one. temperature: 0 takes the most likely token. top_p, top_k: as in
    models.sampling.truncated; 1 and 0 leave everything.
    key, batch: row i draws with keys folded from `key` and i; `batch` rows are read at a time, so a text depends on
    the rows beside it by rounding only.
    progress: called with the number of tokens that have just been made.
    Compiles once for every power of two of rows, tokens of the longest prompt and tokens of both together.
    Raises ValueError for settings out of range, an empty prompt, a token outside of the vocabulary and more tokens than
    the model allows; FloatingPointError, naming row and step, for logits that are not finite.
    """
    config = model.merged(model.params, model.frozen).config
    _check(prompts, length, temperature, top_p, top_k, batch, config)
    settings = {"temperature": float(temperature), "top_p": float(top_p), "top_k": float(top_k)}
    last = [*stop]
    ends = np.full(_bucket(len(last), 1), -1, np.int32)
    ends[: len(last)] = last
    tokens, lengths = np.zeros((len(prompts), length), np.int32), np.zeros(len(prompts), np.int32)
    order = np.argsort(np.array([len(prompt) for prompt in prompts]), kind="stable")
    for rows in (order[start : start + batch] for start in range(0, len(order), batch)):
        filled, made = np.resize(rows, min(_bucket(len(rows), 1), batch)), 0
        spare = np.arange(len(filled)) >= len(rows)
        keys = jax.vmap(partial(jax.random.fold_in, key))(filled)
        given = {"keys": keys, "ends": ends, "settings": settings, "limit": length, "merged": model.merged}
        for state in _states(model, [prompts[int(i)] for i in filled], spare, length, config.longest, given):
            _check_logits(np.asarray(state.lost)[: len(rows)], rows)
            tokens[rows, :], lengths[rows] = state.tokens[: len(rows), :length], state.lengths[: len(rows)]
            if progress is not None:
                progress(int(lengths[rows].sum()) - made)
            made = int(lengths[rows].sum())
    return Generated(np.where(np.arange(length) < lengths[:, None], tokens, 0), lengths)


def _states(
    model: Model, prompts: list[Sequence[int]], spare: np.ndarray, length: int, longest: int, given: dict
) -> Iterator[State]:
    """The state of a batch after its first token and after every STEPS more, until all rows have stopped."""
    sizes = np.array([len(prompt) for prompt in prompts])
    width, slots = (min(_bucket(size), longest) for size in (int(sizes.max()), int(sizes.max()) + length))
    padded = np.zeros((len(prompts), width), np.int32)
    for line, prompt in zip(padded, prompts, strict=True):
        line[: len(prompt)] = prompt
    state = _begun(model.params, model.frozen, padded, sizes, spare, slots=slots, **given)
    yield state
    while int(state.step) < length and not bool(state.stopped.all()):
        state = _continued(model.params, model.frozen, state, **given)
        yield state


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
    caches, none = jax.tree.map(lambda x: jnp.pad(x, room), caches), jnp.full(len(sizes), -1, jnp.int32)
    state = State(sizes * 0, sizes - 1, *empty, spare, none, jnp.int32(0), caches)
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
    lost = ~state.stopped & ~jnp.isfinite(logits).all(-1)
    stopped = state.stopped | lost | (token[:, None] == ends).any(-1)
    return state._replace(
        token=token,
        position=state.position + 1,
        tokens=jax.lax.dynamic_update_slice(state.tokens, token[:, None], (0, state.step)),
        lengths=state.lengths + ~stopped,
        stopped=stopped,
        lost=jnp.where(lost, state.step, state.lost),
        step=state.step + 1,
    )


def _bucket(size: int, least: int = 16) -> int:
    """The next power of two."""
    return max(least, 1 << (size - 1).bit_length()) if size else least


def _check_logits(lost: np.ndarray, rows: np.ndarray) -> None:
    if (lost >= 0).any():
        first = int(np.argmax(lost >= 0))
        raise FloatingPointError(
            f"row {rows[first]}: the logits of step {lost[first]} are not finite: do the weights hold numbers that are "
            "not, or is their type too narrow? Take float32"
        )


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
