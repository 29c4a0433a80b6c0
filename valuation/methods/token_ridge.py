"""Ridge regression on the states of a pretrained decoder, as a correction of its outputs (theory/README.md, 3.4).

    outputs(x) = the model's + step * A x,    A = (onehot - p)' X (X'X + lambda I)^-1

X are the states of a contributor's target tokens, p what the model says there. Tokens that are targets neither of the
contributor nor of the validation set keep the model's outputs: they are one number, the probability left for them.
"""

import operator
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

from valuation.needs import BLOCK_OF_TOKENS
from valuation.problem import Contributor, Problem
from valuation.token_states import TokenStates, contributor_states, output_weights, validation_states

STEPS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
FOLDS = 5


class _Moments(NamedTuple):
    """Of some states: X'X (d, d), X'(onehot - p) (d, k), and how many there are."""

    square: np.ndarray
    cross: np.ndarray
    states: int


def token_ridge(problem: Problem, *, ridge: float = 0.01) -> Float[np.ndarray, " C"]:
    """Mean log-probability of a validation target token under the corrected outputs, nats, pooled over tokens.

    ridge: lambda = ridge * the mean squared length of the contributor's states. The step is that of STEPS which is best
    on held-out fifths of the contributor's distinct sequences; the model is that of the first initialisation. A
    contributor without target tokens, or with a single sequence, gets the model's own value. Solved in float64. Uses
    validation targets, trains nothing.
    Raises ValueError for a model without Model.readout and a validation set without target tokens.
    """
    return np.array([_value(problem, contributor, ridge) for contributor in problem.contributors])


def corrections(
    data: TokenStates, tokens: Int[np.ndarray, " k"], weights: Float[np.ndarray, "d k"], ridge: float
) -> tuple[Float[np.ndarray, "d k"], float]:
    """(A' of all states, the step for it), in float64.

    data: of the contributor. tokens: the k that are corrected, sorted. weights: of the outputs of these tokens.
    """
    folds = [_rows(data, data.rows % FOLDS == fold) for fold in range(FOLDS)]
    moments = [_moments(fold, tokens, weights) for fold in folds]
    whole = jax.tree.map(lambda *parts: sum(parts), *moments)
    scores = np.zeros(len(STEPS))
    for fold, left_out in zip(folds, moments, strict=True):
        correction = _solved(jax.tree.map(operator.sub, whole, left_out), ridge)
        scores += _log_probabilities(fold, tokens, weights, correction, STEPS).sum(1)
    return _solved(whole, ridge), STEPS[int(scores.argmax())]


def _value(problem: Problem, contributor: Contributor, ridge: float) -> float:
    data, query = contributor_states(problem, contributor), validation_states(problem)
    tokens = np.unique(np.concatenate([data.tokens, query.tokens]))
    weights = output_weights(problem, tokens)
    correction, step = corrections(data, tokens, weights, ridge)
    return float(_log_probabilities(query, tokens, weights, correction, (step,)).mean())


def _moments(data: TokenStates, tokens: np.ndarray, weights: np.ndarray) -> _Moments:
    square, cross = np.zeros((len(weights), len(weights))), np.zeros_like(weights)
    for states, log_p, place in _blocks(data, tokens, weights):
        residual = -np.exp(log_p)
        residual[np.arange(len(place)), place] += 1
        square += states.T @ states
        cross += states.T @ residual
    return _Moments(square, cross, len(data.tokens))


def _solved(sums: _Moments, ridge: float) -> np.ndarray:
    """A' (d, k); zero where there is no state."""
    if not sums.square.any():  # no state, or none that is not zero
        return np.zeros_like(sums.cross)
    shift = ridge * np.trace(sums.square) / sums.states
    return scipy.linalg.solve(sums.square + shift * np.eye(len(sums.square)), sums.cross, assume_a="pos")


def _log_probabilities(
    data: TokenStates, tokens: np.ndarray, weights: np.ndarray, correction: np.ndarray, steps: tuple[float, ...]
) -> np.ndarray:
    """log p of each token after each step, (steps, e)."""
    parts = [np.zeros((len(steps), 0))]
    for states, log_p, place in _blocks(data, tokens, weights):
        rest = np.maximum(1 - np.exp(log_p).sum(1), 0)  # of the tokens that keep their outputs
        change, rows = states @ correction, np.arange(len(place))
        after_steps = []
        for step in steps:
            moved = log_p + step * change
            top = np.maximum(moved.max(1), 0)
            total = rest * np.exp(-top) + np.exp(moved - top[:, None]).sum(1)
            after_steps.append(moved[rows, place] - top - np.log(total))
        parts.append(np.array(after_steps))
    return np.concatenate(parts, 1)


def _blocks(data: TokenStates, tokens: np.ndarray, weights: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """(states (b, d), the model's log p of the tokens (b, k), the place of the target among them (b,)), in order."""
    size = max(BLOCK_OF_TOKENS // max(len(tokens), 1), 1)
    for start in range(0, len(data.tokens), size):
        part = slice(start, start + size)
        states = data.states[part].astype(np.float64)
        log_p = states @ weights - data.log_sum[part, None]
        yield states, log_p, np.searchsorted(tokens, data.tokens[part])


def _rows(data: TokenStates, chosen: np.ndarray) -> TokenStates:
    return TokenStates(*(leaf[chosen] for leaf in data))
