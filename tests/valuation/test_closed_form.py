import numpy as np

from valuation.closed_form import flow_coefficients, ridge_coefficients


def test_flow_ends_where_the_inverse_is():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 9))
    gram, y = root @ root.T, rng.normal(size=(6, 2))
    np.testing.assert_allclose(flow_coefficients(gram, 1e6)(y), np.linalg.solve(gram, y), rtol=1e-6)
    start = flow_coefficients(gram, 1e-9)(y)
    np.testing.assert_allclose(start, 1e-9 * 6 / np.trace(gram) * y, rtol=1e-6)


def test_ridge_is_relative_to_the_mean_diagonal():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 3))
    gram, y = root @ root.T, rng.normal(size=(6, 2))
    expected = np.linalg.solve(gram + 0.1 * np.trace(gram) / 6 * np.eye(6), y)
    np.testing.assert_allclose(ridge_coefficients(gram, 0.1)(y), expected, rtol=1e-6)


def test_a_kernel_of_zeros_is_fitted_by_something_finite():
    """Its predictions are zeros, as its rows for any other example are zeros too."""
    for coefficients in (ridge_coefficients(np.zeros((3, 3)), 0.01), flow_coefficients(np.zeros((3, 3)), 30.0)):
        assert np.isfinite(coefficients(np.ones((3, 2)))).all()
