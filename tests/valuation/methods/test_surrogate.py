"""The default picks by the kinds of learner and objective alone."""

import numpy as np
import pytest

from tests.problems import corners, numbers, sequences
from valuation.methods import METHODS
from valuation.methods.surrogate import RULE, picked, surrogate


@pytest.mark.parametrize(
    ("make", "learner", "name"),
    [
        (corners, "dense", "rbf_relative"),
        (numbers, "dense", "rbf_wide"),
        (sequences, "sequences", "ngram_utility"),
    ],
)
def test_its_values_are_those_of_the_method_that_it_picks(make, learner, name):
    problem = make()._replace(learner=learner)
    problem = problem._replace(contributors=problem.contributors[:2])
    np.testing.assert_array_equal(surrogate(problem), METHODS[name](problem))


@pytest.mark.parametrize(
    ("learner", "kind", "name"),
    [("convolutional", "classification", "ntk_relative"), ("pretrained", "sequences", "ngram_utility")],
)
def test_learners_with_a_tangent_kernel_of_their_own(learner, kind, name):
    assert picked(learner, kind).name == name


def test_what_no_run_has_tested_says_so():
    for learner, picks in RULE.items():
        for kind, pick in picks.items():
            assert ("no run of ours has tested" in pick.why) == (learner == "pretrained" and kind != "sequences")


def test_every_pick_is_a_method_that_takes_the_objective():
    for picks in RULE.values():
        for kind, pick in picks.items():
            method = METHODS[pick.name]
            assert method.refusal(kind) == ""
            assert method.values is pick.values
            assert "training" not in method.looks_at


@pytest.mark.parametrize(
    ("learner", "kind", "words"),
    [
        ("quantum", "classification", "learner 'quantum' is unknown: expected one of dense, convolutional, sequences"),
        (
            "dense",
            "sequences",
            r"no surrogate of a dense learner for sequences.*sequences \(ngram_utility\), pretrained",
        ),
    ],
)
def test_a_learner_without_a_surrogate_is_refused(learner, kind, words):
    with pytest.raises(ValueError, match=words):
        picked(learner, kind)
