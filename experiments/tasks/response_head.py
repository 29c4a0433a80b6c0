"""The loss that adapts a pretrained decoder: logits at response positions only, of the words that a pool may need."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from models.functional import Model
from valuation.outputs import log_likelihood
from valuation.problem import Examples
from valuation.target_positions import place_of
from valuation.target_tokens import states_at_targets
from valuation.workers import on_host


class Head(NamedTuple):
    """columns: of the output layer, (d, k), one a word. place: of every token of the vocabulary among them, (v,) int32;
    k, which is none, where it is left out.
    """

    columns: np.ndarray
    place: np.ndarray


def head(model: Model, words: np.ndarray) -> Head:
    """The part of a pretrained decoder's output layer that belongs to these words, (k,) int32, as of words_of.

    model: its output layer is not trained.
    """
    assert model.readout is not None
    weights = model.readout.weights(model.params, model.frozen)
    return Head(on_host(weights[:, words]), place_of(words, weights.shape[1]))


def words_of(pool: Examples, ends: tuple[int, ...]) -> np.ndarray:
    """What trainings on a pool need: all target tokens of it, and `ends`, which stop a text, in order, (k,) int32.

    The pool is what training may see: the words of held-out texts are not among them, which would tell the training of
    these.
    """
    return np.union1d(np.asarray(pool.targets)[np.asarray(pool.mask)], np.array(ends, np.int32)).astype(np.int32)


def check_head(head: Head, examples: Examples, most: int) -> None:
    """Raises ValueError that names the example for one without a response token, with more than `most`, or with one
    that the head lacks.
    """
    mask = np.asarray(examples.mask)
    count = mask.sum(1)
    if not count.all():
        raise ValueError(
            f"example {int(np.argmin(count))} has no response token: the rule of lengths left none, raise "
            "tokens.response or tokens.length"
        )
    if (count > most).any():
        raise ValueError(f"example {int(np.argmax(count))} has {count.max()} response tokens, the head reads {most}")
    targets = np.asarray(examples.targets)
    lacking = mask & (head.place[targets] == head.columns.shape[1])
    if lacking.any():
        row, position = np.argwhere(lacking)[0]
        raise ValueError(
            f"example {row} asks for token {targets[row, position]}, which the head lacks: it has the target tokens of "
            "the pool that it was made for"
        )


def response_loss(model: Model, most: int) -> Callable[[Any, Any, Examples, jax.Array], jax.Array]:
    """(params, {"model": frozen, "head": Head}, examples, key) -> mean nats a response token of each example (n,).

    The softmax is over the words of the head. most: response tokens of a row, at most.
    """
    readout = model.readout
    assert readout is not None

    def loss(params, frozen, examples: Examples, key):
        states, targets, mask = states_at_targets(readout, params, frozen["model"], examples, most)
        columns, place = frozen["head"]
        logits = states @ columns.astype(states.dtype)
        return -log_likelihood(logits, Examples(None, jnp.where(mask, jnp.asarray(place)[targets], 0), mask))

    return loss
