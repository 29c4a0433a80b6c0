"""Ridge solves with the tangent kernel against dense float64 solves on explicit Jacobians."""

import jax
import numpy as np
import pytest
import scipy.linalg

from models.convnet import convnet
from tests.reference import jacobian
from valuation import kernel
from valuation.problem import Examples
from valuation.solve import conjugate_gradients, nystroem, ridge_solve, tangent_product

DRAW = np.random.default_rng(0)
MODEL = convnet((3, 8, 8), 4, jax.random.key(0))
EXAMPLES = Examples(DRAW.normal(size=(70, 8, 8, 3)).astype(np.float32), DRAW.integers(0, 4, 70).astype(np.int32))
Y = DRAW.normal(size=(70, 2))


@pytest.fixture(scope="module")
def theta():
    rows = jacobian(MODEL, kernel.true_class, EXAMPLES)
    return rows @ rows.T


@pytest.mark.parametrize("kept", [True, False])
def test_matrix_free_and_kept_products_are_theta_times_v(theta, kept):
    size = 4 * 70 * sum(leaf.size for leaf in jax.tree.leaves(MODEL.params))
    product, diagonal = tangent_product(MODEL, kernel.true_class, EXAMPLES, memory=2 * size - (not kept))
    np.testing.assert_allclose(product(Y), theta @ Y, rtol=1e-3, atol=1e-4 * np.abs(theta @ Y).max())
    assert diagonal == pytest.approx(np.trace(theta) / 70, rel=1e-4)


@pytest.mark.parametrize("landmarks", [5, 40, 100])
def test_ridge_solve_is_the_dense_solve(theta, landmarks):
    solution, diagonal = ridge_solve(
        MODEL, kernel.true_class, EXAMPLES, Y, ridge=1e-3, landmarks=landmarks, key=jax.random.key(1), tolerance=1e-5
    )
    expected = np.linalg.solve(theta + 1e-3 * diagonal * np.eye(70), Y)
    assert solution.converged
    assert solution.form == pytest.approx(float((Y * expected).sum()), rel=1e-3)
    assert np.linalg.norm(solution.x - expected) < 2e-2 * np.linalg.norm(expected)
    assert solution.residual < 1e-2


@pytest.mark.parametrize("stop", [0, 1, 3, 8])
def test_the_truth_lies_between_form_and_form_plus_excess(stop):
    draw = np.random.default_rng(1)
    root = draw.normal(size=(60, 60)) * 10.0 ** -np.linspace(0, 3, 60)
    a = root @ root.T
    y, shift = draw.normal(size=(60, 1)), 1e-4 * np.trace(a) / 60
    chosen = np.arange(0, 60, 6)
    first = nystroem(a[:, chosen], chosen, shift)
    got = conjugate_gradients(
        lambda v: a @ v + shift * v, y, precondition=first.solve, least=shift, tolerance=0.0, iterations=stop
    )
    truth = float(y[:, 0] @ np.linalg.solve(a + shift * np.eye(60), y)[:, 0])
    assert got.iterations == stop
    assert got.form <= truth * (1 + 1e-9)
    assert truth <= (got.form + got.excess) * (1 + 1e-9)
    assert not got.converged


def test_nystroem_is_below_and_exact_on_its_landmarks():
    draw = np.random.default_rng(2)
    root = draw.normal(size=(30, 30))
    a, chosen = root @ root.T, np.array([3, 7, 20, 21])
    got = nystroem(a[:, chosen], chosen, 0.5)
    below = got.factor @ got.factor.T
    np.testing.assert_allclose(below[:, chosen], a[:, chosen], rtol=1e-4, atol=1e-3)
    assert scipy.linalg.eigvalsh(a - below).min() > -1e-9
    v = draw.normal(size=(30, 2))
    np.testing.assert_allclose(got.solve(v), np.linalg.solve(below + 0.5 * np.eye(30), v), rtol=1e-6)


def test_duplicates_and_an_exact_start():
    a = np.ones((6, 6))
    got = conjugate_gradients(lambda v: a @ v + 0.1 * v, np.ones((6, 1)), least=0.1, tolerance=1e-9)
    np.testing.assert_allclose(got.x, 1 / 6.1, rtol=1e-6)
    zero = conjugate_gradients(lambda v: a @ v + 0.1 * v, np.zeros((6, 1)), least=0.1)
    assert (zero.iterations, zero.form, zero.excess) == (0, 0.0, 0.0)
