import numpy as np
import pytest

from tests.problems import corners, numbers
from tests.reference import accuracy_with_ties
from valuation.methods.linear import linear_utility
from valuation.problem import contributor_examples


def fit(problem, which, y):
    """Ridge regression on centred features with a free intercept."""
    examples = contributor_examples(problem, problem.contributors[which])
    x, v = (side.inputs.astype(np.float64) for side in (examples, problem.validation))
    z, middle = x - x.mean(0), y.mean(0)
    shift = 0.01 * np.square(z).sum() / len(z)
    if not shift:
        return np.broadcast_to(middle, (len(v), *np.shape(middle)))
    return middle + (v - x.mean(0)) @ np.linalg.solve(z.T @ z + shift * np.eye(z.shape[1]), z.T @ (y - middle))


@pytest.mark.parametrize("which", [0, 2, 5])
def test_it_is_ridge_regression_on_the_weights(which):
    problem = corners()
    predicted = fit(problem, which, np.eye(3)[problem.contributors[which].targets])
    expected = accuracy_with_ties(predicted, problem.validation.targets)
    np.testing.assert_allclose(linear_utility(problem)[which], expected, atol=1e-4)
    problem = numbers()
    y = problem.contributors[which].targets.astype(np.float64)
    expected = -np.mean((problem.validation.targets - fit(problem, which, y)) ** 2)
    np.testing.assert_allclose(linear_utility(problem)[which], expected, rtol=1e-4)
