import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from tests.problems import corners, numbers, sequences
from tests.reference import accuracy_with_ties, jacobian
from valuation.at_initialisation import contributor_targets, fitted_kernels, validation_targets
from valuation.methods.ntk import ntk_flow, ntk_relative, ntk_utility
from valuation.outputs import class_sum, number
from valuation.problem import contributor_examples
from valuation.shared import Shared


def kernels(problem, examples, output):
    """Means over the two initialisations, from explicit Jacobians."""
    inner = outer = 0
    for params in problem.initial:
        model = problem.model._replace(params=params)
        a, b = (jacobian(model, output, side) for side in (examples, problem.validation))
        inner, outer = inner + a @ a.T / 2, outer + b @ a.T / 2
    return inner, outer


def fits(inner, outer, y):
    """(ridge, flow) predictions of centred targets."""
    n = len(inner)
    ridge = outer @ np.linalg.solve(inner + 0.01 * np.trace(inner) / n * np.eye(n), y)
    gentle, t = inner + 1e-9 * np.trace(inner) * np.eye(n), 30 * n / np.trace(inner)
    return ridge, outer @ np.linalg.solve(gentle, y - scipy.linalg.expm(-inner * t) @ y)


@pytest.mark.parametrize("which", [0, 4, 6, 8])
def test_ridge_and_flow_of_classes_are_brute_force(which):
    problem = corners()
    examples = contributor_examples(problem, problem.contributors[which])
    y = np.eye(3)[examples.targets] - 1 / 3
    one = problem._replace(contributors=(problem.contributors[which],))
    for method, fit in zip((ntk_utility, ntk_flow), fits(*kernels(problem, examples, class_sum), y), strict=True):
        expected = accuracy_with_ties(1 / 3 + fit, problem.validation.targets)
        np.testing.assert_allclose(method(one), [expected], atol=1e-4)


def test_relative_margins_are_those_of_the_ridge():
    problem = corners()
    examples = contributor_examples(problem, problem.contributors[4])
    predicted, _ = fits(*kernels(problem, examples, class_sum), np.eye(3)[examples.targets] - 1 / 3)
    right = np.eye(3)[problem.validation.targets] > 0
    margin = predicted[right] - np.where(right, -np.inf, predicted).max(1)
    expected = scipy.stats.norm.cdf(2 * margin / np.sqrt(np.mean(margin**2))).mean()
    one = problem._replace(contributors=(problem.contributors[4],))
    np.testing.assert_allclose(ntk_relative(one), [expected], atol=1e-4)


@pytest.mark.parametrize("which", [0, 1, 5])
def test_ridge_and_flow_of_numbers_are_brute_force(which):
    problem = numbers()
    examples = contributor_examples(problem, problem.contributors[which])
    y, centre = examples.targets.astype(np.float64), examples.targets.mean(dtype=np.float64)
    one = problem._replace(contributors=(problem.contributors[which],))
    for method, fit in zip((ntk_utility, ntk_flow), fits(*kernels(problem, examples, number), y - centre), strict=True):
        expected = -np.mean((problem.validation.targets - centre - fit) ** 2)
        np.testing.assert_allclose(method(one), [expected], rtol=2e-3)


def test_the_utility_of_sequences_is_what_regression_leaves():
    """Minus the mean square of y - K(validation, S)(K + lambda)^-1 y_S, y the nats per token at initialisation.

    The mean is over target tokens, each of which has what its sequence has left.
    """
    problem = sequences()._replace(shared=Shared())  # the kernels are the same ones
    v = validation_targets(problem)
    for value, contributor in zip(ntk_utility(problem, ridge=0.1), problem.contributors, strict=True):
        inner, outer = (np.asarray(kernel, np.float64) for kernel in fitted_kernels(problem, contributor))
        shift = 0.1 * np.trace(inner) / len(inner) * np.eye(len(inner))
        left = v - outer @ np.linalg.solve(inner + shift, contributor_targets(problem, contributor))
        each_token = np.repeat(left, problem.validation.mask.sum(1))
        np.testing.assert_allclose(value, -np.square(each_token).mean(), rtol=1e-5)
