"""Values of contributors as players: brute force over fits of the surrogate itself, on unions made by hand."""

import itertools
import re
from functools import cache

import numpy as np
import pytest

from tests.problems import contributor, corners, numbers, sequences
from valuation.at_initialisation import validation_targets
from valuation.methods import METHODS
from valuation.methods.banzhaf import banzhaf
from valuation.methods.leave_one_out import leave_one_out
from valuation.methods.shapley import shapley
from valuation.methods.union_game import all_utilities, coalition_utility
from valuation.shared import Shared

PROBLEMS = {"classes": corners, "numbers": numbers, "sequences": sequences}
COUNT = 4
EVERYBODY = np.ones(COUNT, bool)


@cache
def problem(name):
    return PROBLEMS[name]()._replace(contributors=PROBLEMS[name]().contributors[:COUNT])


@cache
def worth(name, members):
    """What METHODS["surrogate"] gives to the contributor that holds all examples of the members."""
    made = problem(name)
    some = [made.contributors[i] for i in members]
    rows, targets = (np.concatenate([getattr(one, field) for one in some]) for field in ("index", "targets"))
    return float(
        METHODS["surrogate"](made._replace(contributors=(contributor("union", rows, made.pool, targets=targets),)))[0]
    )


def nobody(name):
    """All classes tie; the mean of all contributors' numbers; one of 12 tokens."""
    made = problem(name)
    if name == "numbers":
        mean = np.concatenate([one.targets for one in made.contributors]).mean()
        return -np.mean((made.validation.targets - mean) ** 2)
    return 0.5 if name == "classes" else -np.log(12)


def utility(name, members):
    return worth(name, members) if members else nobody(name)


@pytest.mark.parametrize("name", PROBLEMS)
def test_values_are_means_of_gains_over_orders_and_coalitions(name):
    everybody = tuple(range(COUNT))
    alone = [utility(name, everybody) - utility(name, everybody[:i] + everybody[i + 1 :]) for i in everybody]
    by_orders, by_coalitions = np.zeros(COUNT), np.zeros(COUNT)
    for order in itertools.permutations(everybody):
        for place, i in enumerate(order):
            before = tuple(sorted(order[:place]))
            by_orders[i] += (utility(name, tuple(sorted((*before, i)))) - utility(name, before)) / 24
    for size in range(COUNT):
        for i in everybody:
            for before in itertools.combinations([j for j in everybody if j != i], size):
                by_coalitions[i] += (utility(name, tuple(sorted((*before, i)))) - utility(name, before)) / 8
    for method, expected in ((leave_one_out, alone), (shapley, by_orders), (banzhaf, by_coalitions)):
        np.testing.assert_allclose(method(problem(name)), expected, atol=1e-3 * np.abs(expected).max())
    whole = utility(name, everybody) - nobody(name)
    assert shapley(problem(name)).sum() == pytest.approx(whole, rel=1e-3)


def test_few_inducing_rows_are_near_the_exact_fits():
    exact = all_utilities(problem("classes"))
    np.testing.assert_allclose(all_utilities(problem("classes"), points=30), exact, atol=0.1)


def many(count):
    """Contributors of five examples each, some of which share their examples."""
    pool = numbers().pool
    made = tuple(contributor(str(i), np.arange(5 * i, 5 * i + 5) % 100, pool) for i in range(count))
    return numbers()._replace(contributors=made)


def test_many_contributors_are_sampled():
    """Shares add up to the whole whatever is drawn; those who hold the same examples have about the same value."""
    given = many(21)._replace(shared=Shared())
    values, utility = shapley(given, pairs=10), coalition_utility(given)
    everybody = np.ones(21, bool)
    assert values.sum() == pytest.approx(utility(everybody) - utility(~everybody))
    for name in ("shapley", "banzhaf"):
        sampled = METHODS[name].estimate(given, pairs=10)
        np.testing.assert_array_equal(sampled.values, METHODS[name](given, pairs=10))
        assert (sampled.standard_errors > 0).all()
    exact = METHODS["shapley"].estimate(problem("numbers"))
    np.testing.assert_array_equal(exact.standard_errors, 0)


@pytest.mark.parametrize("name", ["shapley", "banzhaf"])
def test_exact_values_of_thirty_name_the_way_out(name):
    words = r"exact values of 30 contributors take 2\^30 fits: they are made for up to 12; give pairs, at least 2"
    with pytest.raises(ValueError, match=words):
        METHODS[name](many(30), pairs=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"surrogate": "rbf_utility"}, "surrogate = 'rbf_utility': expected '' or 'rbf_relative' or 'ntk_relative'"),
        ({"pairs": 1}, "pairs = 1: expected at least 2, .* or 0 for exact values"),
        ({"points": 3}, "points = 3 for 4 contributors: expected at least one inducing row of each"),
    ],
)
def test_options_that_no_game_has_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        METHODS["banzhaf"](problem("classes"), **options)


def test_the_games_of_every_learner_have_a_surrogate():
    """Of pretrained sequences the n-gram; a Gaussian kernel on the nats that they start with by the option."""
    pretrained = problem("sequences")._replace(learner="pretrained")
    np.testing.assert_array_equal(leave_one_out(pretrained), leave_one_out(problem("sequences")))
    utility = coalition_utility(pretrained, surrogate="rbf_utility")
    whole, nobody = utility(EVERYBODY), utility(~EVERYBODY)
    nats = validation_targets(pretrained)[:, 0]
    assert nobody == pytest.approx(-np.average(nats**2, weights=pretrained.objective.weights(pretrained.validation)))
    assert nobody < whole <= 0


def test_what_cannot_be_fitted_is_refused_before_work():
    given = corners()._replace(learner="convolutional")
    words = r"ntk_relative cannot be fitted on unions for classification with 9,000 .* option surrogate=rbf_relative"
    for name in ("leave_one_out", "shapley", "banzhaf"):
        method = METHODS[name]
        assert re.match(words, method.unfit(given._replace(contributors=()), 9_000, method.defaults()))
        assert not method.unfit(given, 9_000, method.defaults() | {"surrogate": "rbf_relative"})
        assert not method.unfit(given, 8_000, method.defaults())
    large = many(1)._replace(learner="convolutional", contributors=(contributor("large", [0] * 9_000, numbers().pool),))
    with pytest.raises(ValueError, match=r"ntk_utility cannot be fitted .* option surrogate=rbf_wide"):
        leave_one_out(large)
