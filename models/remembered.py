"""The top of a decoder that reads tokens: the states below it were computed once and are looked up by the row."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt

from models.functional import Model, Readout

ROWS = 512  # the number of rows of a memory is a multiple of this: few compilations


class Memory(NamedTuple):
    """States of rows of tokens, sorted by a hash of the row; places that hold no row come last.

    tokens: the rows. states: of every token, before the top. hashes: of the rows. factors: of the hash, odd numbers.
    """

    tokens: Int[Array, "r t"]
    states: Float[Array, "r t d"]
    hashes: UInt[Array, " r"]
    factors: UInt[Array, " t"]


def memory(tokens: Int[np.ndarray, "r t"], states_of: Callable[[np.ndarray], np.ndarray]) -> Memory:
    """The memory of the distinct rows among these and of a row of zeros, which fills batches up and has zero states.

    states_of: rows (n, t) -> their states (n, t, d).
    """
    tokens = np.unique(tokens, axis=0)
    tokens = tokens[tokens.any(1)]
    states = states_of(tokens)
    factors, seed, known = np.zeros(tokens.shape[1], np.uint32), 0, np.zeros(0, np.uint32)
    while len(np.unique(known)) < len(tokens) + 1:  # until no two rows share a hash
        factors = np.random.default_rng(seed).integers(0, 2**32, tokens.shape[1], np.uint32) | np.uint32(1)
        known, seed = np.append(_hashes(tokens, factors, np), np.uint32(0)), seed + 1
    order = np.argsort(known)
    count = ROWS * -(-len(order) // ROWS)
    rows = np.full((count, tokens.shape[1]), -1, np.int32)
    rows[: len(order)] = np.vstack([tokens, np.zeros_like(tokens[:1], shape=(1, tokens.shape[1]))])[order]
    held = np.zeros((count, *states.shape[1:]), states.dtype)
    held[np.argsort(order)[:-1]] = states
    hashes = np.full(count, 2**32 - 1, np.uint32)
    hashes[: len(order)] = known[order]
    return Memory(*map(jnp.asarray, (rows, held, hashes, factors)))


def recalled(memory: Memory, tokens: Int[Array, "n t"]) -> Float[Array, "n t d"]:
    """The states of these rows; NaN for a row that the memory does not hold, so that nothing is made of it."""
    places = jnp.searchsorted(memory.hashes, _hashes(tokens, memory.factors, jnp))
    places = jnp.minimum(places, len(memory.hashes) - 1)
    known = (memory.tokens[places] == tokens).all(1)
    return jnp.where(known[:, None, None], memory.states[places], jnp.nan)


def holds(memory: Memory, tokens: Int[np.ndarray, "n t"]) -> np.ndarray:
    """Which of these rows the memory holds, (n,) bool."""
    hashes, rows = np.asarray(memory.hashes), np.asarray(memory.tokens)
    places = np.searchsorted(hashes, _hashes(tokens, np.asarray(memory.factors), np))
    return (rows[np.minimum(places, len(rows) - 1)] == tokens).all(1)


def remembering(top: Model, memory: Memory) -> Model:
    """The whole decoder, tokens (n, t) -> logits (n, t, v), on the rows that a memory holds, whose states are read.

    top: of models.trunk.cut, adapted or not: its params, layers, captured gradients and readout are this model's. Its
    frozen arrays and the memory are `frozen`. It has no module: to write, put the params into the whole (of_whole).
    """

    def on_tokens(function: Callable, before: int = 0) -> Callable:
        """That function of the top's states, of tokens. before: arguments between the frozen arrays and these."""

        def of_top(params, frozen, *given):
            tokens, *places = given[before:]
            states = recalled(frozen["memory"], jnp.asarray(tokens))
            return function(params, frozen["top"], *given[:before], states, *places)

        return of_top

    readout = top.readout
    if readout is not None:
        weights_of_top, tapped = readout.weights, readout.tapped and on_tokens(readout.tapped, 1)
        readout = Readout(
            on_tokens(readout.states), lambda params, frozen: weights_of_top(params, frozen["top"]), tapped
        )
    return Model(
        on_tokens(top.apply),
        top.params,
        {"top": top.frozen, "memory": memory},
        top.tapped and on_tokens(top.tapped, 1),
        top.layers,
        top.uncaptured,
        readout=readout,
        words=top.words,
    )


def _hashes(tokens, factors, library):
    """(n,) uint32: the sum of tokens times factors, which wraps around."""
    return (library.asarray(tokens).astype(library.uint32) * factors).sum(1, dtype=library.uint32)
