"""The nearest-neighbour language model against loops over tokens, neighbours and settings."""

import numpy as np
import pytest

from tests.valuation.test_token_states import adapted
from valuation.methods import METHODS
from valuation.methods.knn_lm import NEIGHBOURS, SHARES, WIDTHS, crossed_mean, knn_lm, neighbour_probabilities
from valuation.token_states import TokenStates, contributor_states, validation_states


def by_sorting(state, token, states, tokens, k, width):
    """q of one token: the nearer ones, and of those as far as the K-th, but for rounding, as many as there is room."""
    squared = ((states.astype(np.float64) - state) ** 2).sum(1)
    last, weights = np.sort(squared)[min(k, len(squared)) - 1], np.exp(-(squared - squared.min()) / width)
    rounding = 1e-5 * (np.square(state).sum() + np.square(states).sum(1).max())
    nearer, tied = squared < last - rounding, np.abs(squared - last) <= rounding
    weights[tied] *= (min(k, len(squared)) - nearer.sum()) / tied.sum()
    return weights[(nearer | tied) & (tokens == token)].sum() / weights[nearer | tied].sum()


def settings(query, store, unit):
    return np.array([
        [by_sorting(x, w, store.states, store.tokens, k, unit * width)
         for x, w in zip(query.states, query.tokens, strict=True)]
        for k in NEIGHBOURS for width in WIDTHS
    ])  # fmt: skip


def test_values_are_what_the_loops_give():
    problem = adapted()
    query, values = validation_states(problem), METHODS["knn_lm"](problem)
    squared = ((query.states[:, None].astype(np.float64) - query.states) ** 2).sum(-1)
    unit = squared.sum() / (len(squared) * (len(squared) - 1))
    half = [np.flatnonzero(query.rows % 2 == side) for side in (0, 1)]
    for value, one in list(zip(values, problem.contributors, strict=True))[:3]:
        q = settings(query, contributor_states(problem, one), unit)
        with np.errstate(divide="ignore"):
            table = [
                np.log((1 - share) * np.exp(query.log_p.astype(float)) + share * row) for share in SHARES for row in q
            ]
        sums = np.array([[each[side].sum() for side in half] for each in table])
        near = sums >= sums.max(0) - 1e-3 * np.abs(sums.max(0))  # settings of which rounding may take any as the best
        possible = sums[near[:, 0], 1][:, None] + sums[near[:, 1], 0]
        assert np.abs(possible / len(query.tokens) - value).min() < 1e-4 * abs(value)
    np.testing.assert_allclose(values[3], query.log_p.mean(), rtol=1e-6)  # without target tokens: the model's own
    assert values[0] > values[3]  # the pattern of the validation set


def test_what_is_equally_far_shares_the_places_that_are_left():
    """On states of 0 and 1 distances tie: q is what all orders of the store give on average, here a closed form."""
    states = np.zeros((10, 4), np.float32)
    states[2:, 0] = 1
    tokens = np.array([5, 6, 5, 5, 5, 6, 6, 6, 6, 6])
    nothing = np.zeros(10)
    store = TokenStates(states, tokens, np.arange(10), nothing, nothing)
    query = TokenStates(np.zeros((1, 4), np.float32), np.array([5]), np.array([0]), nothing[:1], nothing[:1])
    far = np.exp(-1 / 2.0)
    four = (1 + 2 * far * 3 / 8) / (2 + 2 * far)  # both at 0, and two of the eight at 1, of which three are right
    every = (1 + 3 * far) / (2 + 8 * far)
    for order in (np.arange(10), np.arange(10)[::-1]):
        mixed = TokenStates(*(leaf[order] for leaf in store))
        found = neighbour_probabilities(query, mixed, (2.0, np.inf))[:, 0]
        np.testing.assert_allclose(found, [four, (1 + 2 * 3 / 8) / 4, *[every, 0.4] * 3], rtol=1e-6)


def test_nothing_is_scored_where_it_was_chosen():
    table = np.array([[0.0, 0, 0, 0], [1, 1, -9, -9], [-9, -9, 2, 2]])
    assert crossed_mean(table, np.array([True, True, False, False])) == -9
    assert crossed_mean(table, np.array([True] * 4)) == 0  # nothing to choose on: the first setting
    assert crossed_mean(table[:, [0, 1, 0, 1]], np.array([True, True, False, False])) == 1


def test_the_order_of_contributors_does_not_matter_and_validation_needs_tokens():
    problem = adapted()
    swapped = problem._replace(contributors=problem.contributors[::-1], shared=None)
    np.testing.assert_allclose(knn_lm(swapped)[::-1], knn_lm(problem), rtol=1e-6)
    with pytest.raises(ValueError, match="no sequence of the validation set has a target token"):
        knn_lm(problem._replace(validation=problem.validation._replace(mask=problem.validation.mask & False)))
