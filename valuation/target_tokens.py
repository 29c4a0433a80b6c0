"""Target tokens alone: what a model of sequences says where it is scored, and nowhere else.

An output layer multiplies every state with every word. Of a row of prompt and response only the response is scored, so
states are asked for there alone (theory/README.md, 3.8).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from valuation.examples import Examples
from valuation.kernel import ROWS, filled, likelihoods
from valuation.outputs import log_likelihood
from valuation.precise import jit
from valuation.stream import MEMORY
from valuation.target_positions import most_targets, target_positions
from valuation.workers import current, on_host


def states_at_targets(
    readout, params, frozen, examples: Examples, most: int
) -> tuple[Float[Array, "n k d"], Int[Array, "n k"], Bool[Array, "n k"]]:
    """(states, targets, mask) at the target positions of every row; most: k, no fewer than a row has targets.

    readout: Model.readout.
    """
    mask = jnp.asarray(examples.mask, bool)
    places = target_positions(mask, most)
    targets, chosen = (jnp.take_along_axis(jnp.asarray(leaf), places, 1) for leaf in (examples.targets, mask))
    return readout.states(params, frozen, examples.inputs, places)[0], targets, chosen


def rows_at_once(model, params, examples: Examples, most: int) -> int:
    """How many of the rows, at most `most`, the output layer reads together within the budget of memory."""
    _, outputs = jax.eval_shape(model.readout.states, params, model.frozen, np.asarray(examples.inputs[:1]))
    size = 3 * most_targets(examples) * outputs.shape[-1] * outputs.dtype.itemsize
    return max(min(most, (current().memory or MEMORY) // size), 1)


def mean_log_likelihoods(model, examples: Examples, *, rows: int = ROWS) -> Float[np.ndarray, " n"]:
    """Mean log-probability of each row's target tokens, nats: `likelihoods`, with outputs at target positions only.

    model: a models.functional.Model; one without a readout gives its outputs everywhere. rows: as in likelihoods.
    """
    if model.readout is None or examples.mask is None:
        return likelihoods(model, examples, rows=rows)
    order = np.argsort(np.asarray(examples.mask).sum(1), kind="stable")  # rows of as many targets stand together
    rows = rows_at_once(model, model.params, examples, rows)
    parts = []
    for start in range(0, len(order), rows):
        some = filled(examples.take(order[start : start + rows]), rows)
        parts.append(
            on_host(_of_rows(model.params, model.frozen, some, readout=model.readout, most=most_targets(some)))
        )
    found = np.empty(len(order), parts[0].dtype)
    found[order] = np.concatenate(parts)[: len(order)]
    return found


@partial(jit, static_argnames=("readout", "most"))
def _of_rows(params, frozen, examples, *, readout, most):
    states, targets, mask = states_at_targets(readout, params, frozen, examples, most)
    outputs = states @ readout.weights(params, frozen).astype(states.dtype)
    return log_likelihood(outputs, Examples(None, targets, mask))
