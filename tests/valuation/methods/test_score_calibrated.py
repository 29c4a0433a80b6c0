import jax
import numpy as np
import pytest

from tests.problems import corners
from valuation.methods.score_calibrated import calibrated_score, retrained_losses
from valuation.methods.score_terms import terms
from valuation.methods.score_weights import calibrated_weights
from valuation.problem import contributor_examples
from valuation.purposes import Purpose, purpose_key

PROBLEM = corners()


def test_retrained_losses_are_the_cross_entropy_of_what_was_trained():
    losses, members = retrained_losses(PROBLEM, count=3)
    assert len(set(members.tolist())) == 3
    _, key = jax.random.split(purpose_key(PROBLEM.key, Purpose.CALIBRATION))
    params = PROBLEM.train([contributor_examples(PROBLEM, PROBLEM.contributors[i]) for i in members], 1.0, key)[0]
    logits = np.asarray(PROBLEM.model.apply(params, (), PROBLEM.validation.inputs), np.float64)
    likelihood = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = -np.log(likelihood[np.arange(len(logits)), PROBLEM.validation.targets]).mean()
    np.testing.assert_allclose(losses[0], expected, rtol=1e-4)
    with pytest.raises(ValueError, match="train is None"):
        retrained_losses(PROBLEM._replace(train=None))


def test_the_score_takes_the_weights_that_these_losses_give():
    costs = terms(PROBLEM)
    weights = calibrated_weights(costs, *retrained_losses(PROBLEM, count=4))
    expected = -(np.stack(costs, -1) * weights).sum(1)
    np.testing.assert_allclose(calibrated_score(PROBLEM, retrained=4), expected, rtol=1e-6)
