"""The tangent kernel of sequences against explicit Jacobians, and every method that values sequences."""

import numpy as np
import pytest

from tests.problems import corners, sequences
from tests.reference import jacobian
from valuation import tangent
from valuation.methods import METHODS
from valuation.outputs import log_likelihood
from valuation.problem import contributor_examples

PROBLEM = sequences()
NAMES = [name for name, method in METHODS.items() if method.sequences]


def explicit(problem, params, own):
    return jacobian(problem.model._replace(params=params), log_likelihood, own)


def test_the_sketched_kernel_is_the_kernel_up_to_its_dimensions():
    own, ahead = contributor_examples(PROBLEM, PROBLEM.contributors[2]), PROBLEM.validation
    rows = [explicit(PROBLEM, params, own) for params in PROBLEM.initial]
    theirs = [explicit(PROBLEM, params, ahead) for params in PROBLEM.initial]
    inner, outer = tangent.tangent_kernels(PROBLEM)(own)
    for found, left in ((inner, rows), (outer, theirs)):
        expected = np.mean([a @ b.T for a, b in zip(left, rows, strict=True)], axis=0)
        lengths = np.mean(
            [np.outer(*(np.linalg.norm(x, axis=1) for x in pair)) for pair in zip(left, rows, strict=True)], 0
        )
        assert np.abs(found - expected).max() <= 5 * lengths.max() / np.sqrt(tangent.SKETCH)
    one = tangent.tangent(PROBLEM, own, output="true_class", params=PROBLEM.initial[0])
    np.testing.assert_allclose(one, one.T, atol=1e-6)


def test_residuals_are_nats_per_target_token():
    own = contributor_examples(PROBLEM, PROBLEM.contributors[0])
    params = PROBLEM.initial[0]
    logits = np.asarray(PROBLEM.model.apply(params, PROBLEM.model.frozen, own.inputs), np.float64)
    surprise = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, own.targets[..., None], -1)[..., 0]
    expected = [row[use].mean() for row, use in zip(surprise, own.mask, strict=True)]
    found = tangent.initial_residual(PROBLEM, params, own, "true_class")
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)


def test_the_utility_of_sequences_is_what_regression_leaves():
    """Minus the mean square of y - K(validation, S)(K + lambda)^-1 y_S, with kernels given by tangent_kernels."""
    found = METHODS["ntk_utility"](PROBLEM, ridge=0.1)
    kernels = tangent.tangent_kernels(PROBLEM)
    for value, contributor in zip(found, PROBLEM.contributors, strict=True):
        own = contributor_examples(PROBLEM, contributor)
        inner, outer = (np.asarray(k, np.float64) for k in kernels(own))
        y, ahead = (tangent.mean_residual(PROBLEM, part) for part in (own, PROBLEM.validation))
        shift = 0.1 * np.trace(inner) / len(inner) * np.eye(len(inner))
        left = ahead - outer @ np.linalg.solve(inner + shift, y)
        np.testing.assert_allclose(value, -np.square(left).mean(), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_more_padding_changes_no_value(name):
    values = METHODS[name](PROBLEM)
    assert values.shape == (4,)
    assert np.isfinite(values).all()
    scale = np.abs(values).max()
    close = 2e-2 if name == "influence" else 2e-3  # its solve stops at a tolerance
    np.testing.assert_allclose(METHODS[name](sequences(length=11)), values, rtol=close, atol=close * scale)


def test_methods_that_need_classes_say_so():
    assert set(METHODS) - set(NAMES) == {"rbf_margin", "knn_utility"}


def test_classes_take_the_exact_kernel():
    problem = corners()
    own = contributor_examples(problem, problem.contributors[2])
    inner, outer = tangent.tangent_kernels(problem)(own)

    def total(outputs, _):
        return outputs.sum(-1) / np.sqrt(outputs.shape[-1])

    sides = [[jacobian(problem.model._replace(params=p), total, part) for p in problem.initial]
             for part in (own, problem.validation)]  # fmt: skip
    for found, left in ((inner, sides[0]), (outer, sides[1])):
        expected = np.mean([a @ b.T for a, b in zip(left, sides[0], strict=True)], axis=0)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
