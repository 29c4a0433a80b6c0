"""What a decoder's last layer reads at every target token, and what the decoder says of it: computed once a problem.

Of a pretrained decoder whose corrections are zero at the start, these are the states of the pretrained model itself,
whichever of its layers are adapted later. They are those of the problem's first initialisation.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from valuation.examples import Examples
from valuation.kernel import ROWS, filled
from valuation.precise import jit
from valuation.problem import Contributor, Problem, contributor_examples, once
from valuation.stream import chunk
from valuation.target_positions import STEP, most_targets
from valuation.target_tokens import rows_at_once, states_at_targets
from valuation.workers import map_chunks, on_host


class TokenStates(NamedTuple):
    """Of e target tokens, row after row, in each from left to right.

    states: what the last layer reads where the token is predicted. tokens: the target tokens.
    rows: the sequence of each token, by its place among the sequences that were read.
    log_p: the model's log-probability of each token, nats. log_sum: log sum exp of all outputs there.
    """

    states: Float[np.ndarray, "e d"]
    tokens: Int[np.ndarray, " e"]
    rows: Int[np.ndarray, " e"]
    log_p: Float[np.ndarray, " e"]
    log_sum: Float[np.ndarray, " e"]


def validation_states(problem: Problem) -> TokenStates:
    """Of all target tokens of the validation set. Raises ValueError where there is none."""

    def make() -> TokenStates:
        made = _states(problem, problem.validation)
        if not len(made.tokens):
            raise ValueError("no sequence of the validation set has a target token: expected a mask that holds some")
        return made

    return once(problem, "validation states", (problem.model, problem.initial, problem.validation), make)


def contributor_states(problem: Problem, contributor: Contributor) -> TokenStates:
    """Of all target tokens of the contributor's distinct sequences, in the order of their tokens; there may be none.

    A repeat is left out as in ngram.fit_ngram: training takes a fixed number of steps.
    """

    def make() -> TokenStates:
        return _states(problem, _distinct(contributor_examples(problem, contributor)))

    return once(problem, "contributor states", (problem.model, problem.initial, problem.pool, contributor), make)


def output_weights(problem: Problem, tokens: Int[np.ndarray, " k"]) -> Float[np.ndarray, "d k"]:
    """What the last layer multiplies states with for the outputs of these tokens, float64."""
    model = problem.model
    weights = _readout(model).weights(problem.initial[0], model.frozen)
    return on_host(weights[:, tokens]).astype(np.float64)


def _distinct(examples: Examples) -> Examples:
    mask = _mask(examples)
    rows = np.hstack([np.asarray(examples.inputs), np.where(mask, np.asarray(examples.targets), -1)])
    return examples.take(np.unique(rows, axis=0, return_index=True)[1])


def _mask(examples: Examples) -> np.ndarray:
    return np.ones(np.shape(examples.targets), bool) if examples.mask is None else np.asarray(examples.mask, bool)


def _states(problem: Problem, examples: Examples) -> TokenStates:
    model, examples = problem.model, examples._replace(mask=_mask(examples))
    readout, mask = _readout(model), examples.mask
    shared, steps = (problem.initial[0], model.frozen), -(-mask.sum(1) // STEP)
    kept: list[tuple] = []
    counts = np.unique(steps[steps > 0]) if steps.any() else [0]  # a row without targets has nothing to be read
    for places in (np.flatnonzero(steps == count) for count in counts):  # of as many targets, but for STEP
        some = examples.take(places)
        rows = rows_at_once(model, problem.initial[0], some, ROWS)
        padded, step = filled(some, rows), partial(_of_rows, readout=readout, most=most_targets(some))
        jobs = (lambda i, padded=padded, rows=rows: (chunk(padded, rows, i),)), len(padded.inputs) // rows
        for i, part in enumerate(map_chunks(step, shared, *jobs, threads=1)):
            *leaves, chosen = (leaf[: len(places) - i * rows] for leaf in part)
            kept.append((*(leaf[chosen] for leaf in leaves), places[i * rows + np.nonzero(chosen)[0]]))
    states, log_p, log_sum, of_row = (np.concatenate(leaves) for leaves in zip(*kept, strict=True))
    order = np.argsort(of_row, kind="stable")
    return TokenStates(states[order], np.asarray(examples.targets)[mask], of_row[order], log_p[order], log_sum[order])


def _readout(model):
    if model.readout is None:
        raise ValueError(
            "the model does not say which layer gives its outputs, so there are no states to read: expected a decoder "
            "with a property `readout`, as those of models/ have"
        )
    return model.readout


@partial(jit, static_argnames=("readout", "most"))
def _of_rows(params, frozen, examples, *, readout, most):
    states, targets, mask = states_at_targets(readout, params, frozen, examples, most)
    outputs = states @ readout.weights(params, frozen).astype(states.dtype)
    log_sum = jax.nn.logsumexp(outputs, -1)
    target = jnp.take_along_axis(outputs, targets[..., None], axis=-1)[..., 0]
    return states.astype(jnp.float32), target - log_sum, log_sum, mask
