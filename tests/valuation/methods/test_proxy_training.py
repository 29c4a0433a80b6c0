import jax
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from tests.problems import corners, numbers, sequences
from tests.reference import accuracy_with_ties
from valuation.methods.proxy_training import proxy_training


@pytest.mark.parametrize("made", [corners, numbers, sequences])
def test_values_are_the_utilities_of_what_was_trained(made):
    """Whatever training gives, here the parameters of fixed models, is scored on the validation set."""
    problem = made()
    shares, kept = [], [problem.initial[i % 2] for i in range(len(problem.contributors))]

    def train(sets, share, key):
        shares.append(share)
        np.testing.assert_array_equal(sets[1].targets, problem.contributors[1].targets)
        assert not jax.numpy.array_equal(jax.random.key_data(key), jax.random.key_data(problem.key))
        return kept

    values = proxy_training(problem._replace(train=train), share=0.25)
    v = problem.validation
    for params, value in list(zip(kept, values, strict=True))[:2]:
        outputs = np.asarray(problem.model.apply(params, problem.model.frozen, v.inputs), np.float64)
        if made is corners:
            expected = accuracy_with_ties(softmax(outputs, axis=1), v.targets)
        elif made is numbers:
            expected = -np.mean((outputs[:, 0] - v.targets) ** 2)
        else:
            each = np.take_along_axis(log_softmax(outputs, axis=-1), v.targets[..., None], -1)[..., 0]
            expected = each[v.mask].mean()  # over the tokens of all sequences together
        np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert shares == [0.25]


def test_it_needs_a_trainer():
    with pytest.raises(ValueError, match="train is None"):
        proxy_training(corners()._replace(train=None))
