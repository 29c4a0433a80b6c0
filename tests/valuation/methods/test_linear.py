import numpy as np
import pytest

from tests.problems import corners, numbers
from tests.reference import accuracy_with_ties
from valuation.methods.linear import linear_utility
from valuation.problem import contributor_examples


def fit(problem, which, y):
    """Ridge regression on weights and an intercept, which is the same as with the kernel x'x + 1."""
    examples = contributor_examples(problem, problem.contributors[which])
    x, v = (np.c_[side.inputs, np.ones(len(side.inputs))].astype(np.float64) for side in (examples, problem.validation))
    shift = 0.01 * np.square(x).sum() / len(x)
    return v @ np.linalg.solve(x.T @ x + shift * np.eye(x.shape[1]), x.T @ y)


@pytest.mark.parametrize("which", [0, 2, 5])
def test_it_is_ridge_regression_on_the_weights(which):
    problem = corners()
    predicted = 1 / 3 + fit(problem, which, np.eye(3)[problem.contributors[which].targets] - 1 / 3)
    expected = accuracy_with_ties(predicted, problem.validation.targets)
    np.testing.assert_allclose(linear_utility(problem)[which], expected, atol=1e-4)
    problem = numbers()
    y = problem.contributors[which].targets.astype(np.float64)
    predicted = y.mean() + fit(problem, which, y - y.mean())
    expected = -np.mean((problem.validation.targets - predicted) ** 2)
    np.testing.assert_allclose(linear_utility(problem)[which], expected, rtol=1e-4)
