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
    """A model and examples of the same scalars, with outputs at target positions alone.

    For scalars that are means over target tokens, as those of outputs.py, and their gradients. The new model's inputs
    are the old ones and the positions beside them. A model without a readout stays, as do examples without a mask or
    of inputs that are no tokens.
    model: a models.functional.Model.
    """
    if model.readout is None or examples.mask is None or np.ndim(examples.inputs) != 2:
        return model, examples
    mask = np.asarray(examples.mask, bool)
    places = np.argsort(~mask, axis=1, kind="stable")[:, : most_targets(examples)]
    inputs, targets = np.asarray(examples.inputs), np.asarray(examples.targets)
    width = inputs.shape[1]
    narrow = Examples(
        np.hstack([inputs, places.astype(inputs.dtype)]),
        *(np.take_along_axis(leaf, places, 1) for leaf in (targets, mask)),
    )
    apply, tapped = _at_places(model.apply, width), model.tapped and _tapped_at_places(model.tapped, width)
    return model._replace(apply=apply, tapped=tapped, readout=None), narrow


@functools.cache  # jit knows functions by identity
def _at_places(apply, width: int):
    return lambda params, frozen, inputs: apply(params, frozen, inputs[:, :width], inputs[:, width:])


@functools.cache
def _tapped_at_places(tapped, width: int):
    return lambda params, frozen, taps, inputs: tapped(params, frozen, taps, inputs[:, :width], inputs[:, width:])
