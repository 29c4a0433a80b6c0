"""The disagreement of every objective against sums written out, and the score made of it."""

import numpy as np
import pytest

from tests.problems import corners, numbers, sequences
from valuation import feature_space
from valuation.methods import score_disagreement
from valuation.methods.score_disagreement import disagreement_terms
from valuation.methods.score_terms import discrepancy_terms, size_terms
from valuation.ngram import fit_ngram, token_log_probabilities
from valuation.problem import contributor_examples


def ridge(problem, targets, offset):
    """inputs -> what ridge regression on the validation set predicts: s2 the median squared distance, lambda .01."""
    v = problem.validation.inputs.astype(np.float64)
    between = np.square(v[:, None] - v[None]).sum(-1)
    s2 = np.median(between[np.triu_indices(len(v), 1)])
    inverse = np.linalg.inv(np.exp(-between / (2 * s2)) + 0.01 * np.eye(len(v)))

    def predict(inputs):
        squared = np.square(inputs[:, None].astype(np.float64) - v[None]).sum(-1)
        return offset + np.exp(-squared / (2 * s2)) @ inverse @ (targets - offset)

    return predict


def by_part(contributor, losses):
    return sum(part.mean() * losses[part].mean() for part in (contributor.real, ~contributor.real) if part.any())


def test_classes():
    problem = corners()
    predict = ridge(problem, np.eye(3)[problem.validation.targets], 1 / 3)
    got = disagreement_terms(problem)
    for c, value in zip(problem.contributors, got, strict=True):
        wrong = predict(problem.pool.inputs[c.index]).argmax(1) != c.targets
        assert value == pytest.approx(by_part(c, wrong))
    named = {c.name: value for c, value in zip(problem.contributors, got, strict=True)}
    assert named["large"] < 0.05
    assert named["wrong labels"] > 0.95


def test_numbers():
    problem = numbers()
    targets = problem.validation.targets.astype(np.float64)
    predict, unit = ridge(problem, targets, targets.mean()), targets.std()
    for c, value in zip(problem.contributors, disagreement_terms(problem), strict=True):
        errors = np.abs(predict(problem.pool.inputs[c.index]) - c.targets)
        assert value == pytest.approx(by_part(c, np.minimum(errors / unit, 1)), abs=1e-4)


def test_numbers_of_one_value_have_no_scale():
    """Validation numbers are all 5: what differs from 5 is wrong, by however little."""
    problem = numbers()
    constant = problem._replace(validation=problem.validation._replace(targets=np.full(40, 5, np.float32)))
    first = constant.contributors[0]
    mixed = first._replace(targets=np.where(np.arange(50) < 20, 5, 5.001).astype(np.float32))
    assert disagreement_terms(constant._replace(contributors=(mixed,))) == pytest.approx([0.6])


def test_sequences_from_scratch_are_scored_by_trigrams_pooled_over_the_tokens_of_a_part(monkeypatch):
    monkeypatch.setattr(score_disagreement, "ROWS", 7)
    problem = sequences()._replace(learner="sequences")
    model = fit_ngram(problem.validation, 12, order=3)
    for c, value in zip(problem.contributors, disagreement_terms(problem), strict=True):
        expected = 0.0
        for part in (c.real, ~c.real):
            if part.any():
                rows = contributor_examples(problem, c).take(part)
                expected += part.mean() * (1 - np.exp(token_log_probabilities(model, rows))).mean()
        assert value == pytest.approx(expected)


def test_many_examples_are_read_in_blocks(monkeypatch):
    whole = disagreement_terms(corners())
    monkeypatch.setattr(feature_space, "EXACT", 10)
    np.testing.assert_array_equal(disagreement_terms(corners()), whole)


def test_the_score_is_three_terms_over_their_spread():
    inputs = discrepancy_terms(corners(), estimator="unbiased", joint=False)
    three = (disagreement_terms(corners(), bandwidth=0.5), inputs, size_terms(corners()))
    expected = -sum(cost / cost.std() for cost in three)
    np.testing.assert_allclose(score_disagreement.score_disagreement(corners(), bandwidth=0.5), expected, rtol=1e-6)
