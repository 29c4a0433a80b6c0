"""Kernel regression on a line where every expectation is an exact sum: one draw of the study of the mixture bound.

64 points with two equally likely labels each. Real data are Gaussian in x and are the test distribution; synthetic data
are shifted, keep the likeliest points only (top-p), or have labels of the other sign. Loss min(|f - y|, 1). Two
predictors a draw: the ridge solution, and the worst one found in a ball by gradient ascent on the deviation itself,
which fits no data. A third, fitted to validation examples, is the reference of the bound that sees inputs alone.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from theory.bound import best_real_weight, mixture_bound, paper_bound, reference_bound
from theory.bound_terms import peeled_radius, sharper_size_term
from theory.transfer import matched_discrepancy, matched_kernel, squared_loss_scale, total_variation

POINTS, NOISE, RIDGE, NORM_UNIT = 64, 0.2, 0.02, 0.5
BALL, BALL_SHARE = 2.0, 1 / 12  # BALL = NORM_UNIT 2^j with j = 2, which has 1/((j+1)(j+2)) of delta
STARTS, STEPS = 4, 100
SEEN, HELD_OUT = 100, 400  # validation examples: those that the reference is fitted to, and those it is measured on


class World(NamedTuple):
    """Labels of the 64 x 4 outcomes (two right ones, two wrong ones), their probabilities, features and kernel of the
    64 points; test = real.
    """

    labels: jax.Array
    test: jax.Array
    synthetic: jax.Array
    features: jax.Array
    kernel: jax.Array


def world(shift: float, head: float, wrong: float) -> World:
    """Real: N(0, .4^2) on [-1, 1]; synthetic: its mean moved by `shift`, the likeliest points up to mass `head`, and a
    share `wrong` of the labels with the other sign.
    """
    x = np.linspace(-1, 1, POINTS)
    real = np.exp(-(x**2) / 0.32)
    real /= real.sum()
    moved = np.exp(-((x - shift) ** 2) / 0.32)
    order = np.argsort(-moved, kind="stable")
    kept = np.cumsum(moved[order]) - moved[order] < head * moved.sum() * (1 - 1e-9)
    moved[order[~kept]] = 0
    moved /= moved.sum()
    right = np.sin(4 * x)[:, None] * 0.8 + np.array([-NOISE, NOISE])
    labels = np.concatenate([right, -right], axis=1)
    kernel = (1 + x[:, None] * x) * np.exp(-((x[:, None] - x) ** 2) / 0.32)
    scales, directions = np.linalg.eigh(kernel)
    features = (directions * np.sqrt(np.maximum(scales, 0)))[:, scales > 1e-6 * scales[-1]]
    of_real, of_synthetic = (np.repeat([1 - share, share], 2) / 2 for share in (0.0, wrong))
    arrays = (labels, real[:, None] * of_real, moved[:, None] * of_synthetic, features, features @ features.T)
    return World(*(jnp.asarray(a, jnp.float32) for a in arrays))


def losses(w: jax.Array, place: World) -> jax.Array:
    """min(|f - y|, 1) of every outcome (64, 4) under the predictor with coefficients w on the features."""
    return jnp.minimum(jnp.abs((place.features @ w)[:, None] - place.labels), 1)


def ridge(weights: jax.Array, place: World) -> jax.Array:
    """Coefficients that minimise sum weights (f - y)^2 + RIDGE ||g||^2, weights (64, 4) over the outcomes."""
    gram = place.features.T @ (weights.sum(1)[:, None] * place.features)
    target = place.features.T @ (weights * place.labels).sum(1)
    return jnp.linalg.solve(gram + RIDGE * jnp.eye(len(gram)), target)


def largest_gap(difference: jax.Array, place: World, start: jax.Array) -> jax.Array:
    """Largest sum difference * loss found over the ball of radius BALL, from STARTS starts (S, features)."""

    def gap(w):
        return jnp.sum(difference * losses(w, place))

    def climb(step, state):
        w, best = state
        value, slope = jax.value_and_grad(gap)(w)
        w = w + BALL / (2 + 0.2 * step) * slope / (jnp.linalg.norm(slope) + 1e-12)
        return w * jnp.minimum(1, BALL / jnp.linalg.norm(w)), jnp.maximum(best, value)

    begin = BALL * start / jnp.linalg.norm(start, axis=1, keepdims=True)
    return jax.vmap(lambda w: lax.fori_loop(0, STEPS, climb, (w, -jnp.inf))[1])(begin).max()


def one_draw(key: jax.Array, place: World, n: int, m: int, delta: float) -> dict[str, jax.Array]:
    """The terms of the bounds and what they bound, from one sample of n real and m synthetic examples."""
    keys = jax.random.split(key, 4)
    drawn = [_cells(k, p, size) for k, p, size in ((keys[0], place.test, n), (keys[1], place.synthetic, m))]
    counts = [_counts(cells, place) for cells in drawn]
    v = n / (n + m)
    mixture = v * place.test + (1 - v) * place.synthetic
    empirical = (counts[0] + counts[1]) / (n + m)
    w = ridge(empirical, place)
    norm = jnp.linalg.norm(w)
    diagonal = jnp.repeat(jnp.diag(place.kernel), place.labels.shape[1])
    absolute = losses(w, place)

    def measured(table, discrepancy) -> dict[str, Any]:
        return {
            "losses_real": table.ravel()[drawn[0]],
            "losses_synthetic": table.ravel()[drawn[1]],
            "discrepancy_real": 0.0,
            "discrepancy_synthetic": discrepancy,
        }

    distance = total_variation(place.test.ravel(), place.synthetic.ravel())
    kernels: dict[str, Any] = {
        "kernel_diagonal_real": diagonal[drawn[0]],
        "kernel_diagonal_synthetic": diagonal[drawn[1]],
    }
    bound_at = partial(mixture_bound, **measured(absolute, distance), **kernels, norm=norm, norm_unit=NORM_UNIT)
    bound, best = bound_at(delta=delta), best_real_weight(bound_at, delta=delta)

    of_inputs = total_variation(place.test.sum(1), place.synthetic.sum(1))
    inputs_alone = bound_at(discrepancy_synthetic=of_inputs, delta=delta)
    validation = _cells(keys[3], place.test, SEEN + HELD_OUT)
    of_reference = losses(ridge(_counts(validation[:SEEN], place) / SEEN, place), place).ravel()
    reference = reference_bound(
        bound_at,
        disagreements_real=of_reference[drawn[0]],
        disagreements_synthetic=of_reference[drawn[1]],
        reference_losses=of_reference[validation[SEEN:]],
        discrepancy_real=0.0,
        discrepancy_synthetic=of_inputs,
        delta=delta,
    )

    error = ((place.features @ w)[:, None] - place.labels) ** 2
    scale, lipschitz = squared_scale(place, norm)
    transfer = matched_discrepancy(exact_mmd(place), norm=norm) / scale
    squared = mixture_bound(
        **measured(error / scale, transfer), **kernels, norm=norm, norm_unit=NORM_UNIT, lipschitz=lipschitz, delta=delta
    )

    fit = jnp.sum(empirical * place.labels**2) - jnp.sum(empirical * place.labels * (place.features @ w)[:, None])
    paper = paper_bound(**measured(absolute, distance), quadratic_form=fit / RIDGE, delta=delta)

    starts = jnp.concatenate([w[None], jax.random.normal(keys[2], (STARTS - 1, len(w)))])
    gap = largest_gap(mixture - empirical, place, starts)
    transfer_gap = largest_gap(place.test - mixture, place, starts)
    ball = mixture_bound(**measured(absolute, distance), **kernels, norm=BALL, norm_unit=NORM_UNIT, delta=delta)
    return {
        **{f"term_{name}": term for name, term in bound._asdict().items()},
        "true": jnp.sum(place.test * absolute),
        "deviation": jnp.sum((mixture - empirical) * absolute),
        "norm": norm,
        "best_weight": best.real_weight,
        "best_total": best.bound.total,
        "best_price": best.price,
        "paper_total": paper.total,
        "reference_discrepancy": reference.discrepancy,
        "reference_total": reference.total,
        "inputs_total": inputs_alone.total,
        "squared_true": jnp.sum(place.test * error),
        "squared_total": squared.total * scale,
        "squared_discrepancy": squared.discrepancy * scale,
        "gap": gap,
        "transfer_gap": transfer_gap,
        "ball_kernel": ball.kernel,
        "ball_size": ball.size,
        "ball_sharper_size": sharper_size_term(n, m, v, delta=delta * BALL_SHARE),
    }


def squared_scale(place: World, norm: jax.Array):
    """M^2 and rho of the squared loss on the peeled ball of that norm."""
    radius, _ = peeled_radius(norm, NORM_UNIT)
    largest = jnp.max(jnp.diag(place.kernel))
    return squared_loss_scale(radius=radius, kernel_bound=largest, residual_bound=jnp.abs(place.labels).max())


def exact_mmd(place: World) -> jax.Array:
    """MMD between the test and the synthetic distribution under the matched kernel, by summing over all outcomes."""
    y = place.labels.reshape(-1, 1)
    count = place.labels.shape[1]
    kernel = matched_kernel(jnp.repeat(jnp.repeat(place.kernel, count, 0), count, 1), y, y)
    difference = (place.test - place.synthetic).ravel()
    return jnp.sqrt(jnp.maximum(difference @ kernel @ difference, 0))


def _counts(cells: jax.Array, place: World) -> jax.Array:
    return jnp.bincount(cells, length=place.labels.size).reshape(place.labels.shape)


def _cells(key: jax.Array, probabilities: jax.Array, size: int) -> jax.Array:
    cumulative = jnp.cumsum(probabilities.ravel())
    return jnp.searchsorted(cumulative, jax.random.uniform(key, (size,)) * cumulative[-1], side="right")
