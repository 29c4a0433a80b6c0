import jax
import numpy as np
import pytest

from models.mlp import mlp
from models.transformer import transformer
from tests.problems import data, sequences
from valuation.methods import METHODS
from valuation.objective import Classification, NextToken
from valuation.problem import Examples, check_learner, contributor_examples, from_arrays


def build(key):
    return mlp((5, 8, 3), key)


def decoder(key):
    return transformer(12, 12, 8, layers=1, heads=2, hidden=8, tied=True, key=key)


def problem(**changes):
    sets = {"good": data(40, 0), "copied": data(30, 1), "small": data(6, 2)} | changes
    return from_arrays(sets, data(50, 9), build=build, key=jax.random.key(0), synthetic=["copied"])


def test_every_set_comes_back_as_it_was_given():
    made = problem()
    for contributor, expected in zip(made.contributors, (data(40, 0), data(30, 1), data(6, 2)), strict=True):
        examples = contributor_examples(made, contributor)
        np.testing.assert_array_equal(examples.inputs, expected.inputs)
        np.testing.assert_array_equal(examples.targets, expected.targets)
    assert [c.real.all() for c in made.contributors] == [True, False, True]
    assert (made.objective, len(made.initial), made.learner) == (Classification(3), 3, "dense")


def test_sequences_come_in_with_their_mask():
    problem = sequences()
    sets = {c.name: contributor_examples(problem, c) for c in problem.contributors}
    made = from_arrays(
        sets, problem.validation, build=decoder, key=jax.random.key(0), objective=NextToken(), learner="sequences",
        features=problem.features, initialisations=1,
    )  # fmt: skip
    for contributor in made.contributors:
        for leaf, expected in zip(contributor_examples(made, contributor), sets[contributor.name], strict=True):
            np.testing.assert_array_equal(leaf, expected)
    assert made.learner == "sequences"
    assert METHODS["rbf_utility"](made).shape == (4,)


def test_an_unknown_learner_is_refused():
    with pytest.raises(ValueError, match="learner 'deep' is unknown: expected one of dense, convolutional, seq"):
        check_learner("deep")


def test_more_of_the_same_is_worth_more():
    values = METHODS["rbf_utility"](problem())
    assert values[0] > values[2]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (Examples(np.zeros((0, 5)), np.zeros(0, int)), "small is empty"),
        (Examples(np.zeros((2, 4)), np.zeros(2, int)), r"small has inputs of shape \(4,\)"),
        (Examples(np.zeros((2, 5)), np.zeros(3, int)), "one integer label"),
        (Examples(np.zeros((2, 5)), np.zeros(2)), "one integer label"),
        (Examples(np.zeros((2, 5)), np.array([0, -1])), "from 0 on"),
        (Examples(np.zeros((2, 5)), np.array([0, 3])), "small has label 3, the model's outputs are classes 0 to 2"),
        (
            Examples(np.array([[0.0] * 5, [np.nan] * 5]), np.zeros(2, int)),
            "small: example 1 holds nan, which is not fi",
        ),
        (
            Examples(np.array([[9.97e36] + [0.0] * 4]), np.zeros(1, int)),
            r"small: example 0 holds 9.97e\+36, whose square",
        ),
    ],
)
def test_bad_sets_are_named(bad, words):
    with pytest.raises(ValueError, match=words):
        problem(small=bad)


def test_a_synthetic_name_must_be_a_set():
    with pytest.raises(ValueError, match="'fake', which is none of the sets: good"):
        from_arrays({"good": data(4, 0)}, data(5, 1), build=build, key=jax.random.key(0), synthetic=["fake"])


def test_an_offset_that_leaves_no_digits_is_refused():
    far = data(30, 1)._replace(inputs=np.float64(data(30, 1).inputs) + 1e7)
    with pytest.raises(ValueError, match=r"^validation: column 0 varies by .* take a constant off that column in all"):
        from_arrays({"good": far}, far, build=build, key=jax.random.key(0))
