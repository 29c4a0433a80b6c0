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


def at_targets(model, examples: Examples) -> tuple[Any, Examples]:
    """A model and examples of the same gradients, with outputs at target positions alone.

    For scalars that are means over target tokens, as those of outputs.py. The new model's inputs are the old ones and
    the positions beside them. Where the training loss knows some words only (Model.words), its outputs are those; a
    target token that is none of them is no target. A model without a readout stays, as do examples without a mask or of
    inputs that are no tokens.
    model: a models.functional.Model.
    """
    if model.readout is None or examples.mask is None or np.ndim(examples.inputs) != 2:
        return model, examples
    mask = np.asarray(examples.mask, bool)
    places = np.argsort(~mask, axis=1, kind="stable")[:, : most_targets(examples)]
    inputs, targets = np.asarray(examples.inputs), np.asarray(examples.targets)
    width = inputs.shape[1]
    targets, mask = (np.take_along_axis(leaf, places, 1) for leaf in (targets, mask))
    new = model._replace(readout=None, words=None)
    if model.words is None:
        apply, tapped = _at_places(model.apply, width), model.tapped and _tapped_at_places(model.tapped, width)
    else:
        weights = model.readout.weights(model.params, model.frozen)
        place = np.full(weights.shape[1], -1, np.int32)
        place[model.words] = np.arange(len(model.words))
        targets = place[targets]
        targets, mask = np.maximum(targets, 0), mask & (targets >= 0)
        new = new._replace(frozen={"model": model.frozen, "columns": weights[:, model.words]})
        apply = _over_words(model.readout.states, width)
        tapped = model.readout.tapped and _tapped_over_words(model.readout.tapped, width)
    packed = np.hstack([inputs, places.astype(inputs.dtype)])
    return new._replace(apply=apply, tapped=tapped), Examples(packed, targets, mask)


@functools.cache  # jit knows functions by identity
def _at_places(apply, width: int):
    return lambda params, frozen, inputs: apply(params, frozen, inputs[:, :width], inputs[:, width:])


@functools.cache
def _tapped_at_places(tapped, width: int):
    return lambda params, frozen, taps, inputs: tapped(params, frozen, taps, inputs[:, :width], inputs[:, width:])


@functools.cache
def _over_words(states, width: int):
    def apply(params, frozen, inputs):
        return _outputs(states(params, frozen["model"], inputs[:, :width], inputs[:, width:])[0], frozen["columns"])

    return apply


@functools.cache
def _tapped_over_words(tapped, width: int):
    def over_words(params, frozen, taps, inputs):
        states, seen = tapped(params, frozen["model"], taps, inputs[:, :width], inputs[:, width:])
        return _outputs(states, frozen["columns"]), seen

    return over_words


def _outputs(states, columns):
    return states @ columns.astype(states.dtype)
