"""Mean gradients, their angles, and the weights that match them, on explicit Jacobians and by brute force."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from tests.problems import contributor, corners, sequences
from tests.reference import jacobian
from valuation.mean_gradients import gradient_products_of_sets, mean_gradient, rows_that_fit
from valuation.methods import METHODS
from valuation.methods.gradient_cosine import gradient_cosine
from valuation.methods.gradient_matching import gradient_matching, matched
from valuation.outputs import log_likelihood
from valuation.problem import contributor_examples
from valuation.workers import use_workers


def last(problem):
    return problem.model._replace(params=problem.checkpoints[-1][0])


def explicit(problem):
    """Mean gradients of all contributors and the validation set, (C + 1, p), from the Jacobian of each."""
    sets = [contributor_examples(problem, one) for one in problem.contributors]
    rows = [jacobian(last(problem), log_likelihood, one).mean(0) for one in sets]
    own = jacobian(last(problem), log_likelihood, problem.validation)
    return np.stack([*rows, np.average(own, axis=0, weights=problem.objective.weights(problem.validation))])


def test_products_and_cosines_are_those_of_explicit_means():
    problem = corners()._replace(contributors=corners().contributors[2:6])
    means = explicit(problem)
    np.testing.assert_allclose(gradient_products_of_sets(problem), means @ means.T, rtol=1e-3, atol=1e-5)
    lengths = np.linalg.norm(means, axis=1)
    np.testing.assert_allclose(gradient_cosine(problem), means[:-1] @ means[-1] / lengths[:-1] / lengths[-1], atol=1e-4)


def test_sequences_of_the_validation_set_count_by_their_tokens():
    problem = sequences()._replace(contributors=sequences().contributors[:1])
    weights = problem.objective.weights(problem.validation)
    assert len(set(weights)) > 1
    tokens = problem.validation.inputs.shape[1] * 12  # log-probabilities of a row, and as many numbers on the way back
    with use_workers(memory=4 * 20_000):
        fitting = rows_that_fit(last(problem), log_likelihood, problem.validation)
        assert 1 < fitting < 4 * 20_000 / (2 * 4 * tokens)
        got = mean_gradient(last(problem), log_likelihood, problem.validation, weights)  # in several chunks
    np.testing.assert_allclose(got, explicit(problem)[-1], rtol=1e-3, atol=1e-5)


def test_sets_of_all_sizes_have_their_mean():
    """More than a chunk, a part of one, and a single example."""
    problem = corners()
    rows = jacobian(last(problem), log_likelihood, problem.pool)
    for index in (np.arange(300) % 120, np.arange(33), np.array([5])):
        got = mean_gradient(last(problem), log_likelihood, problem.pool.take(index), np.ones(len(index)))
        np.testing.assert_allclose(got, rows[index].mean(0), rtol=1e-3, atol=1e-5)


def objective(w, kernel, target, penalty, ridge):
    shift = ridge * np.trace(kernel) / len(kernel)
    return w @ kernel @ w / 2 - w @ target + penalty * np.abs(target).max() * np.abs(w).sum() + shift * w @ w / 2


@pytest.mark.parametrize("penalty", [0.0, 0.01, 0.5])
def test_matching_weights_are_the_best_of_all_signs(penalty):
    """Brute force: with the signs given, zeros among them, the problem is linear; the least of all that keep theirs."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(4, 6))
    kernel, target, shift = rows @ rows.T, rows @ rng.normal(size=6), 0.01
    found = []
    for signs in map(np.array, itertools.product((-1, 0, 1), repeat=4)):
        kept, w = signs != 0, np.zeros(4)
        inner = kernel[np.ix_(kept, kept)] + shift * np.trace(kernel) / 4 * np.eye(kept.sum())
        w[kept] = np.linalg.solve(inner, target[kept] - penalty * np.abs(target).max() * signs[kept])
        if (w * signs >= 0).all():
            found.append(w)
    best = min(found, key=lambda w: objective(w, kernel, target, penalty, shift))
    np.testing.assert_allclose(matched(kernel, target, penalty=penalty, ridge=shift), best, atol=1e-8)


def test_a_penalty_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match=r"a penalty of 2\.0 gives every contributor 0: expected less than 1"):
        METHODS["gradient_matching"](corners(), penalty=2.0)


def test_the_largest_penalty_leaves_nothing_and_copies_share_alike():
    rows = np.random.default_rng(1).normal(size=(3, 5))
    rows = np.concatenate([rows, rows[:1]])
    kernel, target = rows @ rows.T, rows @ np.ones(5)
    np.testing.assert_array_equal(matched(kernel, target, penalty=1.0, ridge=0.001), 0)
    weights = matched(kernel, target, penalty=0.01, ridge=0.001)
    assert weights[0] == pytest.approx(weights[3])
    np.testing.assert_array_equal(matched(0 * kernel, 0 * target, penalty=0.01, ridge=0.001), 0)


def test_gradient_matching_weighs_contributors():
    problem = corners()._replace(contributors=corners().contributors[2:6])
    products = gradient_products_of_sets(problem)
    expected = matched(products[:-1, :-1], products[:-1, -1], penalty=0.2, ridge=0.01)
    np.testing.assert_allclose(gradient_matching(problem, penalty=0.2, ridge=0.01), expected)


def test_no_gradient_has_no_direction_and_mistakes_are_named():
    problem = corners()._replace(contributors=corners().contributors[:2])
    params = problem.checkpoints[-1][0]
    still = {"layers": {**params["layers"], 1: {"kernel": jnp.zeros((8, 3)), "bias": jnp.asarray([1e4, 0.0, 0.0])}}}
    sure = contributor("of class 0", np.flatnonzero(problem.pool.targets == 0)[:12], problem.pool)
    quiet = problem._replace(contributors=(sure,), checkpoints=((still, 0.1),))
    np.testing.assert_array_equal(gradient_cosine(quiet), 0)
    with pytest.raises(ValueError, match=r"a penalty of at least 0 and a ridge above 0, got 0.01 and 0"):
        gradient_matching(problem, ridge=0.0)
