"""Weighted least squares on log errors: bounded fits from many starts, and criteria to compare them by.

theory/README.md, 1.5. Residuals r_i = (log y_i - log f_i) / s_i, s_i the relative standard error of y_i; parameters are
(log amplitude, floor, shape's coordinates). Computes in float64 whatever JAX's default is.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from theory.laws import Law
from theory.measured import Curve

STARTS = 6
STEPS = 60
NOISELESS = 1e-16  # mean square of relative residuals that counts as none


class Optimum(NamedTuple):
    """Where the sum of squares is least within the bounds."""

    parameters: Float[np.ndarray, "p"]
    squares: float


def optimum(law: Law, data: Curve) -> Optimum:
    """The best of several bounded fits of the law, started where its grid of shapes fits best.

    data: a checked curve. Amplitude and floor of a start are those of least squares for its shape, which are linear.
    """
    samples = (data.n_real + data.n_synthetic)[: data.size]
    grid = law.grid(samples)
    low, high = bounds(law, data)
    shapes = np.exp(_shapes(law, grid, data))
    amplitudes, floors, squares = _linear_parts(shapes, data)
    order = np.argsort(squares)[:STARTS]
    starts = np.column_stack([np.log(amplitudes), floors, grid])[order]
    return min((descend(law, data, np.clip(start, low, high)) for start in starts), key=lambda one: one.squares)


def bounds(law: Law, data: Curve) -> tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p"]]:
    """Least and greatest (log amplitude, floor, coordinates) that a fit of the law to these data may reach."""
    low, high = law.bounds((data.n_real + data.n_synthetic)[: data.size])
    return np.concatenate([[-50.0, 0.0], low]), np.concatenate([[100.0, data.errors.max()], high])


def descend(
    law: Law, data: Curve, start: Float[np.ndarray, "p"], pull: Callable | None = None, tolerance: float = 0.0
) -> Optimum:
    """Levenberg-Marquardt within the bounds, until a step gains no more than `tolerance` or 1e-9 of the squares.

    start: parameters within the bounds. pull: parameters -> one more residual and its gradient, not part of `squares`.
    """
    low, high = bounds(law, data)

    def evaluate(parameters):
        residuals, jacobian = residuals_and_jacobian(law, data, parameters)
        squares = residuals @ residuals
        if pull is not None:
            value, gradient = pull(parameters)
            residuals, jacobian = np.append(residuals, value), np.vstack([jacobian, gradient])
        return residuals, jacobian, residuals @ residuals, squares

    parameters, damping = start, 1e-3
    residuals, jacobian, total, squares = evaluate(parameters)
    for _ in range(STEPS):
        gradient, curvature = jacobian.T @ residuals, jacobian.T @ jacobian
        # parameters that push against a bound stay there
        free = ~(((parameters <= low) & (gradient > 0)) | ((parameters >= high) & (gradient < 0)))
        scale = np.diag(curvature)[free] + 1e-12
        step = np.zeros_like(parameters)
        if free.any():
            step[free] = -np.linalg.solve(curvature[np.ix_(free, free)] + damping * np.diag(scale), gradient[free])
        trial = np.clip(parameters + step, low, high)
        new = evaluate(trial)
        if not new[2] <= total:
            damping *= 8
            if damping > 1e8:
                break
            continue
        gain = total - new[2]
        parameters, (residuals, jacobian, total, squares), damping = trial, new, max(damping / 8, 1e-12)
        if gain <= max(tolerance, 1e-9 * total, 1e-14):
            break
    return Optimum(parameters, float(squares))


def residuals_and_jacobian(
    law: Law, data: Curve, parameters: Float[np.ndarray, "p"]
) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n p"]]:
    """r and dr/dparameters at the parameters (p,), without the padding."""
    with jax.enable_x64(True):
        values, jacobian = _log_errors(law.shape, parameters, data.n_real, data.n_synthetic, data.shots)
    size, relative = data.size, data.relative[: data.size]
    residuals = (np.asarray(values)[:size] - np.log(data.errors[:size])) / relative
    return residuals, np.asarray(jacobian)[:size] / relative[:, None]


def criteria(data: Curve, best: Optimum) -> tuple[float, float]:
    """AICc and BIC, up to a constant that the laws share (1.5). An unknown noise counts as one more parameter."""
    count = len(best.parameters) + (not data.known)
    deviance = best.squares if data.known else data.size * np.log(max(best.squares / data.size, NOISELESS))
    spare = data.size - count - 1
    correction = 2 * count * (count + 1) / spare if spare > 0 else np.inf
    return float(deviance + 2 * count + correction), float(deviance + count * np.log(data.size))


def criterion(data: Curve, best: Optimum) -> float:
    """By which laws are chosen, lower = better: AICc, strict with few points, or BIC, with many; the larger (1.5)."""
    return max(criteria(data, best))


@functools.partial(jax.jit, static_argnums=0)
def _log_errors(shape, parameters, n_real, n_synthetic, shots):
    """log(floor + amplitude * shape) and its Jacobian."""

    def values(parameters):
        return jnp.log(parameters[1] + jnp.exp(parameters[0] + shape(parameters[2:], n_real, n_synthetic, shots)))

    def along(direction):
        return jax.jvp(values, (parameters,), (direction,))

    return jax.vmap(along, out_axes=(None, 1))(jnp.eye(len(parameters)))


@functools.partial(jax.jit, static_argnums=0)
def _grid_shapes(shape, grid, n_real, n_synthetic, shots):
    batch = 60  # divides the grids of the laws that compile for long: what remained would be compiled once more
    return jax.lax.map(lambda coordinates: shape(coordinates, n_real, n_synthetic, shots), grid, batch_size=batch)


def _shapes(law, grid, data):
    with jax.enable_x64(True):
        return np.asarray(_grid_shapes(law.shape, grid, data.n_real, data.n_synthetic, data.shots))


def _linear_parts(shapes, data):
    """Amplitude > 0 and floor >= 0 of the least weighted squares of relative residuals, for each shape."""
    weights = 1 / (data.relative * data.errors)
    x, y = shapes * weights, data.errors * weights
    xx, xw, ww, xy, wy = (x * x).sum(1), x @ weights, weights @ weights, x @ y, weights @ y
    determinant = np.maximum(xx * ww - xw**2, 1e-300)
    amplitude, floor = (ww * xy - xw * wy) / determinant, (xx * wy - xw * xy) / determinant
    alone = xy / xx
    amplitude, floor = np.where((floor < 0) | (amplitude <= 0), (alone, 0 * floor), (amplitude, floor))
    squares = ((amplitude[:, None] * x + floor[:, None] * weights - y) ** 2).sum(1)
    return amplitude, floor, squares
