import numpy as np
import pytest

from tests.problems import contributor, corners, numbers, sequences
from tests.valuation.test_ngram import slow_log_probabilities
from valuation.methods import METHODS
from valuation.methods.ngram import ngram_utility
from valuation.problem import contributor_examples, output_width


@pytest.mark.parametrize("order", [1, 3])
def test_values_are_means_over_tokens_by_dictionaries(order):
    """Each set without the sequences that agree in prompt and response, which count once."""
    problem, expected = sequences(), []
    for one in problem.contributors:
        examples = contributor_examples(problem, one)
        rows = np.where(examples.mask, examples.targets, -1)
        _, first = np.unique(np.hstack([rows, examples.inputs[:, :3]]), axis=0, return_index=True)
        slow = slow_log_probabilities(examples.take(np.sort(first)), problem.validation, 12, order)
        expected.append(np.mean(slow))
    np.testing.assert_allclose(ngram_utility(problem, order=order), expected, rtol=1e-12)
    assert expected[0] > expected[1]  # the pattern of the validation set before noise


def test_the_vocabulary_is_the_models_and_no_target_token_is_the_uniform_limit():
    """Token 11 may stand in no set of the problem; the width of the model's output counts it all the same."""
    problem = sequences()
    silent = problem.pool._replace(mask=np.zeros_like(problem.pool.mask))
    limit = ngram_utility(problem._replace(pool=silent, contributors=(contributor("silent", [0, 1], problem.pool),)))
    assert output_width(problem) == 12
    np.testing.assert_allclose(limit, [-np.log(12)])


@pytest.mark.parametrize("problem", [corners(), numbers()], ids=["classification", "regression"])
def test_other_objectives_are_told_what_to_take(problem):
    words = f"ngram_utility takes sequences, this problem is one of {problem.objective.kind}: take rbf_utility"
    with pytest.raises(ValueError, match=words):
        METHODS["ngram_utility"](problem)
