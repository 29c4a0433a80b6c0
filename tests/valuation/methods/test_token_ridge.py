"""Ridge on states against weights of examples one by one, on the whole vocabulary."""

import numpy as np
from scipy.special import log_softmax

from tests.valuation.test_token_states import adapted
from valuation.methods import METHODS
from valuation.methods.token_ridge import FOLDS, STEPS
from valuation.problem import Problem
from valuation.token_states import contributor_states, output_weights, validation_states

V = 12


def fitted(states, tokens, weights, ridge):
    """A' (d, V) of all tokens: the normal equations added up over tokens, those that never occur left at zero."""
    if not len(states):
        return np.zeros_like(weights)
    square, cross = np.zeros((len(weights), len(weights))), np.zeros_like(weights)
    for x, token in zip(states.astype(np.float64), tokens, strict=True):
        p = np.exp(log_softmax(x @ weights))
        square += np.outer(x, x)
        cross += np.outer(x, np.eye(V)[token] - p)
    return np.linalg.solve(square + ridge * np.trace(square) / len(states) * np.eye(len(square)), cross)


def log_p(states, tokens, weights, correction, step):
    outputs = states.astype(np.float64) @ (weights + step * correction)
    return log_softmax(outputs, axis=1)[np.arange(len(tokens)), tokens]


def rare() -> Problem:
    """Some tokens are targets nowhere: they keep their outputs, and share in the probability."""
    problem = adapted()
    sets = [one._replace(mask=one.mask & (one.targets < 9)) for one in (problem.pool, problem.validation)]
    return problem._replace(pool=sets[0], validation=sets[1])


def test_values_are_those_of_explicit_sums():
    problem = rare()
    query, weights = validation_states(problem), output_weights(problem, np.arange(V))
    values = METHODS["token_ridge"](problem, ridge=0.1)
    chosen = []
    for value, one in list(zip(values, problem.contributors, strict=True))[:3]:
        store = contributor_states(problem, one)
        cut = np.isin(np.arange(V), [*store.tokens, *query.tokens])
        assert cut.sum() < V
        scores = np.zeros(len(STEPS))
        for fold in range(FOLDS):
            out = store.rows % FOLDS == fold
            correction = fitted(store.states[~out], store.tokens[~out], weights, 0.1) * cut
            scores += [log_p(store.states[out], store.tokens[out], weights, correction, step).sum() for step in STEPS]
        chosen.append(STEPS[scores.argmax()])
        correction = fitted(store.states, store.tokens, weights, 0.1) * cut
        expected = log_p(query.states, query.tokens, weights, correction, chosen[-1]).mean()
        np.testing.assert_allclose(value, expected, rtol=1e-4)
    assert chosen[0] > 0
    assert chosen[2] == 0  # one sequence: nothing to choose a step on, so the model's own value
    np.testing.assert_allclose(values[2:], query.log_p.mean(), rtol=1e-5)  # and one without target tokens
    assert values[0] > values[3]
