"""Kernels and residuals at initialisation, means over initialisations, against explicit Jacobians."""

import numpy as np
import pytest

from tests.problems import corners, numbers, sequences
from tests.reference import jacobian
from valuation import at_initialisation, outputs
from valuation.at_initialisation import contributor_kernel, contributor_residual, fitted_kernels
from valuation.problem import contributor_examples

SCALARS = {corners: outputs.class_sum, numbers: outputs.number, sequences: outputs.log_likelihood}


@pytest.mark.parametrize("made", SCALARS)
def test_fitted_kernels_are_means_over_initialisations(made):
    """Exact but for the sketch of sequences, which is off by 1/64 or so of the product of the lengths."""
    problem = made()
    contributor = problem.contributors[2]
    sides = [contributor_examples(problem, contributor), problem.validation]
    rows = [
        [jacobian(problem.model._replace(params=params), SCALARS[made], side) for params in problem.initial]
        for side in sides
    ]
    for kernel, left in zip(fitted_kernels(problem, contributor), rows, strict=True):
        expected = np.mean([a @ b.T for a, b in zip(left, rows[0], strict=True)], axis=0)
        lengths = np.mean([np.outer(*(np.linalg.norm(x, axis=1) for x in pair))
                           for pair in zip(left, rows[0], strict=True)], 0)  # fmt: skip
        close = 5 * lengths.max() / 64 if made is sequences else 1e-4
        np.testing.assert_allclose(kernel, expected, rtol=1e-4, atol=close)


def test_residuals_of_classes_and_numbers():
    problem = corners()
    contributor = problem.contributors[3]
    examples = contributor_examples(problem, contributor)
    start = np.asarray(problem.model.apply(problem.initial[1], (), examples.inputs), np.float64)
    rows = np.arange(len(start))
    residual = contributor_residual(problem, contributor, 1, "target")
    np.testing.assert_allclose(residual[:, 0], 1 - start[rows, examples.targets], atol=1e-6)
    expected = -start.copy()
    expected[rows, examples.targets] += 1
    np.testing.assert_allclose(contributor_residual(problem, contributor, 1, "sum"), expected, atol=1e-6)
    problem = numbers()
    examples = contributor_examples(problem, problem.contributors[2])
    start = np.asarray(problem.model.apply(problem.initial[0], (), examples.inputs), np.float64)
    residual = contributor_residual(problem, problem.contributors[2], 0, "target")
    np.testing.assert_allclose(residual, examples.targets[:, None] - start, atol=1e-5)


def test_residuals_of_sequences_are_nats_per_target_token():
    problem = sequences()
    contributor = problem.contributors[0]
    examples, params = contributor_examples(problem, contributor), problem.initial[0]
    logits = np.asarray(problem.model.apply(params, problem.model.frozen, examples.inputs), np.float64)
    surprise = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, examples.targets[..., None], -1)[..., 0]
    expected = [row[use].mean() for row, use in zip(surprise, examples.mask, strict=True)]
    np.testing.assert_allclose(contributor_residual(problem, contributor, 0, "target")[:, 0], expected, rtol=1e-5)


def test_an_unknown_scalar_is_refused():
    for problem, known in ((corners(), "target, sum"), (sequences(), "target"), (numbers(), "target")):
        with pytest.raises(ValueError, match=f"'mean' is unknown to {problem.objective.kind}: .* {known}"):
            contributor_kernel(problem, problem.contributors[1], 0, "mean")


def test_the_union_is_like_a_contributor():
    problem = corners()
    contributor = problem.contributors[1]
    examples = contributor_examples(problem, contributor)
    for of_union, of_contributor in (
        (at_initialisation.union_kernel, contributor_kernel),
        (at_initialisation.union_residual, contributor_residual),
    ):
        expected = of_contributor(problem, contributor, 1, "target")
        np.testing.assert_array_equal(of_union(problem, examples, 1, "target"), expected)
