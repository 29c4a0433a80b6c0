"""Values by fewer validation examples: the same methods on nested parts of the validation set."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from experiments.studies.valuation import validation_sizes
from tests.problems import corners
from valuation.methods import METHODS
from valuation.shared import Shared

PROBLEM = corners()._replace(shared=Shared())  # 40 validation examples
KEY = jax.random.key(7)


def config(**changes):
    given = {"task": "images", "validation_sizes": (10, 30, 50), "validation_methods": ("linear_utility",)}
    return SimpleNamespace(**given | {"options": {"linear_utility": {"ridge": 0.1}}} | changes)


def test_sets_are_nested_and_as_large_as_there_are_examples_for():
    found = validation_sizes.subsets(PROBLEM, (10, 30, 40, 50), KEY)
    assert list(found) == [10, 30, 40]
    rows = {n: {tuple(row) for row in one.validation.inputs} for n, one in found.items()}
    assert rows[10] < rows[30] < rows[40] == {tuple(row) for row in PROBLEM.validation.inputs}
    assert [len(one) for one in rows.values()] == [10, 30, 40]
    assert rows[10] != {tuple(row) for row in PROBLEM.validation.inputs[:10]}


def test_values_are_those_of_the_problem_with_that_part():
    (step,) = validation_sizes.steps(config(), PROBLEM, 3, KEY)
    made = step.make()
    assert [{name: line[name] for name in ("kind", "draw", "method", "examples")} for line in made] == step.lines
    assert [line["examples"] for line in made] == [10, 30]
    small = validation_sizes.subsets(PROBLEM, (10,), KEY)[10]
    np.testing.assert_array_equal(made[0]["values"], METHODS["linear_utility"](small._replace(shared=None), ridge=0.1))
    assert list(validation_sizes.steps(config(validation_sizes=()), PROBLEM, 3, KEY)) == []


def test_what_trains_is_not_asked_again():
    assert validation_sizes.default_methods("classification", "rbf_margin")[0] == "rbf_margin"
    assert "proxy_training" not in validation_sizes.default_methods("classification", "proxy_training")
    assert validation_sizes.default_methods("sequences", "ngram_utility") == ("ngram_utility", "linear_utility")
    for changes, words in (
        ({"validation_methods": ("proxy_training",)}, "has proxy_training, expected methods that look at validation"),
        ({"validation_methods": ("ngram_utility",)}, "validation_methods: ngram_utility takes sequences"),
        ({"validation_methods": ("linear",)}, "did you mean 'linear_utility'"),
        ({"validation_sizes": (5, 20)}, "validation_sizes has 5, expected at least 10"),
    ):
        with pytest.raises(ValueError, match=words):
            validation_sizes.check(config(**changes), 10)
