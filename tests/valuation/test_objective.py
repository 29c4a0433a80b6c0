"""Objectives: utilities by hand, what a model's outputs and targets must be; a further one needs one class."""

from dataclasses import dataclass

import jax
import numpy as np
import pytest

from models.mlp import mlp
from tests.problems import numbers, sequences
from valuation.methods import METHODS
from valuation.objective import OBJECTIVES, Classification, NextToken, Objective, Regression
from valuation.outputs import minus_squared_error
from valuation.problem import Examples, from_arrays


def test_ties_in_accuracy_are_broken_by_less_than_one_example():
    labels = np.array([0, 1, 2, 0])
    examples = Examples(None, labels)
    sure, unsure = np.eye(3)[labels], 0.4 * np.eye(3)[labels] + 0.2
    wrong = sure.copy()
    wrong[0] = [0, 1, 0]
    values = [Classification(3).utility(p, examples) for p in (sure, unsure, wrong)]
    assert values[0] > values[1] > values[2]
    assert values[0] == 1.0


def test_the_utility_of_numbers_is_minus_the_mean_squared_error():
    predictions, targets = np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 5.0], np.float32)
    assert Regression().utility(predictions, Examples(None, targets)) == pytest.approx(-(0 + 4 + 1) / 3)
    found = Regression().surrogate_utility(predictions[:, None], targets[:, None], Examples(None, targets))
    assert found == pytest.approx(-5 / 3)
    assert Regression().centre(targets[:, None]) == pytest.approx(2)


def test_the_utility_of_sequences_is_the_mean_over_tokens():
    """Three tokens of -1 and one of -3; a sequence without any counts nothing, whatever is said of it."""
    mask = np.array([[1, 1, 1], [0, 1, 0], [0, 0, 0]], bool)
    examples, predictions = Examples(None, mask.astype(int), mask), np.array([-1.0, -3.0, 0.0], np.float32)
    assert NextToken().utility(predictions, examples) == pytest.approx(-6 / 4)
    found = NextToken().surrogate_utility(predictions[:, None], np.ones((3, 1)), examples)
    assert found == pytest.approx(-(3 * 2**2 + 4**2) / 4)
    assert NextToken().weights(examples._replace(mask=None)).tolist() == [3, 3, 3]
    with pytest.raises(ValueError, match="none of 3 sequences has a target token"):
        NextToken().utility(predictions, examples._replace(mask=np.zeros_like(mask)))


@pytest.mark.parametrize("name", ["proxy_training", "tracin", "trak", "ngram_utility"])
def test_the_value_on_a_validation_set_is_the_mean_of_its_parts_by_tokens(name):
    problem = sequences()
    mask, first = problem.validation.mask, (np.arange(10) < 4)[:, None]
    parts = [problem._replace(validation=problem.validation._replace(mask=mask & part)) for part in (first, ~first)]
    tokens = [part.validation.mask.sum() for part in parts]
    assert tokens[0] / tokens[1] != pytest.approx(4 / 6, rel=0.02)
    expected = np.average([METHODS[name](part) for part in parts], axis=0, weights=tokens)
    np.testing.assert_allclose(METHODS[name](problem), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_a_contributor_with_a_sequence_without_target_tokens_is_named():
    problem = sequences()
    mask = problem.pool.mask.copy()
    mask[35] = False
    for name in ("ntk_utility", "rbf_utility", "linear_utility", "knn_utility"):
        with pytest.raises(ValueError, match="noise: example 5 has no target token, so there are no nats per token"):
            METHODS[name](problem._replace(pool=problem.pool._replace(mask=mask)))


@pytest.mark.parametrize(
    ("objective", "examples", "shape", "words"),
    [
        (Regression(), Examples(np.zeros((2, 3)), np.zeros(2)), (3,), r"outputs have shape \(3,\), Regression needs"),
        (Regression(), Examples(np.zeros((2, 3)), np.zeros((2, 1))), (1,), r"S needs one number as target .* \(2, 1\)"),
        (Regression(), Examples(np.zeros((2, 3)), np.array([0, np.inf])), (1,), "S: the target of example 1 is not"),
        (Classification(3), Examples(np.zeros((2, 3)), np.zeros(2)), (3,), r"objective=Regression\(\)"),
        (Classification(9), Examples(np.zeros((2, 3)), np.zeros(2, int)), (5, 9), r"objective=NextToken\(\)"),
        (NextToken(), Examples(np.zeros((2, 3)), np.zeros(2, int)), (3, 9), "its inputs are float64"),
        (NextToken(), Examples(np.zeros((2, 3), int), np.zeros(2, int)), (3, 9), r"its targets are .*\(2,\)"),
        (NextToken(), Examples(np.zeros((2, 3), int), np.full((2, 3), 9)), (3, 9), "outside the model's vocab"),
        (NextToken(), Examples(np.zeros((2, 3), int), np.zeros((2, 3), int)), (3, 9), "S needs a mask"),
        (NextToken(), Examples(*np.zeros((2, 2, 3), int), np.eye(2, 3) * [[1], [0]]), (3, 9), "1 has no target"),
        (NextToken(), Examples(np.zeros((2, 3), int), np.zeros((2, 3), int)), (9,), r"expected \(tokens, vocabulary\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_is_named(objective, examples, shape, words):
    with pytest.raises(ValueError, match=words):
        objective.checked("S", examples, shape)


def test_every_objective_has_a_name_and_a_target():
    for kind, objective in OBJECTIVES.items():
        assert objective.kind == kind
        assert {"target", objective.fitted} <= set(objective.scalars)
    assert isinstance(Regression(), Objective)


@dataclass(frozen=True)
class Halved(Regression):
    """A further objective, which no other file knows: numbers of twice the unit."""

    kind = "halved"

    @staticmethod
    def minus_loss(outputs, examples):
        return minus_squared_error(outputs, examples) / 4

    def surrogate_utility(self, predictions, targets, examples):
        return super().surrogate_utility(predictions, targets, examples) / 4


def test_a_further_objective_needs_one_class():
    problem = numbers()
    for name, scale in (("rbf_utility", 1 / 4), ("tracin", 1 / 16), ("score_kappa", 1)):
        expected = METHODS[name](problem) * scale
        np.testing.assert_allclose(METHODS[name](problem._replace(objective=Halved())), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="trak takes classification or sequences, this problem is one of halved"):
        METHODS["trak"](problem._replace(objective=Halved()))


def test_numbers_come_in_by_from_arrays():
    """y = x w: ridge with an intercept finds w, so clean numbers are worth nearly 0 and shuffled ones minus var(y)."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(120, 3)), np.array([2.0, -1.0, 0.5])
    sets = {"clean": Examples(x[:40], x[:40] @ w), "shuffled": Examples(x[:40], rng.permutation(x[:40] @ w))}
    problem = from_arrays(
        sets, Examples(x[40:], x[40:] @ w), build=lambda key: mlp((3, 4, 1), key), key=jax.random.key(0),
        objective=Regression(), initialisations=1,
    )  # fmt: skip
    clean, shuffled = METHODS["linear_utility"](problem, ridge=1e-6)
    assert problem.contributors[0].targets.dtype == np.float32
    assert -1e-6 < clean <= 0
    assert shuffled < -0.5 * np.var(x[40:] @ w)
