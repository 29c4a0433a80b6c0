"""Sketched gradients of sequences against explicit Jacobians."""

import numpy as np

from tests.problems import sequences
from tests.reference import jacobian
from valuation import tangent
from valuation.outputs import log_likelihood
from valuation.problem import contributor_examples

PROBLEM = sequences()


def test_products_of_sketches_are_the_kernel_up_to_their_dimensions():
    sides = [contributor_examples(PROBLEM, PROBLEM.contributors[2]), PROBLEM.validation]
    a, b = (tangent.sketched_gradients(PROBLEM.model, log_likelihood, side, PROBLEM.key) for side in sides)
    exact_a, exact_b = (jacobian(PROBLEM.model, log_likelihood, side) for side in sides)
    for products, exact in (((a, a), (exact_a, exact_a)), ((b, a), (exact_b, exact_a))):
        lengths = np.outer(*(np.linalg.norm(rows, axis=1) for rows in exact))
        error = np.abs(tangent.row_products(*products) - exact[0] @ exact[1].T)
        assert error.max() <= 5 * lengths.max() / np.sqrt(tangent.SKETCH)
