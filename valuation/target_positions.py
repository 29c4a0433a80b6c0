"""Where the target tokens of sequences stand, and a model that is asked for these positions alone.

Of a row of prompt and response only the response is scored (theory/README.md, 3.8).
"""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from valuation.examples import Examples

STEP = 8  # the number of positions of a row is a multiple of this: few compilations


def target_positions(mask: Bool[Array, "n t"], most: int) -> Int[Array, "n k"]:
    """Where the target tokens of each row stand, from left to right, then positions without one: k = most of them."""
    return jnp.argsort(~mask, axis=1, stable=True)[:, :most]


def most_targets(examples: Examples) -> int:
    """Positions that hold the target tokens of every row: a multiple of STEP, or all that a row has."""
    mask = np.asarray(examples.mask)
    return min(STEP * max(1, -(-int(mask.sum(1).max(initial=0)) // STEP)), mask.shape[1])


def place_of(words: Int[np.ndarray, " w"], vocabulary: int) -> Int[np.ndarray, " v"]:
    """The place of every token of the vocabulary among the words, int32; w, which is none, of one that is not there."""
    place = np.full(vocabulary, len(words), np.int32)
    place[words] = np.arange(len(words), dtype=np.int32)
    return place


def at_targets(model, examples: Examples) -> tuple[Any, Examples]:
    """A model and examples of the same gradients, with outputs at target positions alone.

    For scalars that are means over target tokens, as those of outputs.py. The new model's inputs are the old ones and
    the positions beside them. Where the training loss knows some words only (Model.words), its outputs are those; a
    target token that is none of them is no target. A model without a readout stays, as do examples without a mask or of
    inputs that are no tokens.
    model: a models.functional.Model.
    """
    readout, words = model.readout, model.words
    if readout is None or examples.mask is None or np.ndim(examples.inputs) != 2:
        return model, examples
    inputs, mask = np.asarray(examples.inputs), np.asarray(examples.mask, bool)
    places = np.asarray(target_positions(jnp.asarray(mask), most_targets(examples)))
    targets, mask = (np.take_along_axis(leaf, places, 1) for leaf in (np.asarray(examples.targets), mask))
    apply, tapped, frozen = model.apply, model.tapped, model.frozen
    if words is not None:
        weights = readout.weights(model.params, frozen)
        targets = place_of(words, weights.shape[1])[targets]
        known = targets < len(words)
        targets, mask = np.where(known, targets, 0), mask & known
        apply, tapped = _first(_over_words(readout.states)), readout.tapped and _over_words(readout.tapped)
        frozen = {"model": frozen, "columns": weights[:, words]}
    apply, tapped = (function and _unpacked(function, inputs.shape[1]) for function in (apply, tapped))
    packed = np.hstack([inputs, places.astype(inputs.dtype)])
    new = model._replace(apply=apply, tapped=tapped, frozen=frozen, readout=None, words=None)
    return new, Examples(packed, targets, mask)


@functools.cache  # jit knows functions by identity
def _unpacked(function, width: int):
    """The function of (..., inputs, places), of (..., both side by side). width: of the inputs."""

    def of_packed(*given):
        *others, packed = given
        return function(*others, packed[:, :width], packed[:, width:])

    return of_packed


@functools.cache
def _over_words(function):
    """The function that gives (states, another), for outputs of the chosen columns in place of the states."""

    def over_words(params, frozen, *given):
        states, other = function(params, frozen["model"], *given)
        return states @ frozen["columns"].astype(states.dtype), other

    return over_words


@functools.cache
def _first(function):
    return lambda *given: function(*given)[0]
