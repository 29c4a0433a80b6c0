"""Discrepancies that bound a difference of expected losses, against exact sums over finite distributions."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from theory.transfer import (
    matched_discrepancy,
    matched_kernel,
    mmd_excess,
    squared_loss_scale,
    total_variation,
)

pytestmark = pytest.mark.usefixtures("x64")


def test_total_variation_of_a_truncation_is_the_lost_tail():
    p = np.arange(1, 101.0) ** -1.5
    p /= p.sum()
    head = p[:30].sum()
    cut = np.where(np.arange(100) < 30, p / head, 0)
    assert total_variation(jnp.asarray(p), jnp.asarray(cut)) == pytest.approx(1 - head)


def test_total_variation_is_the_largest_difference_of_any_loss():
    draw = np.random.default_rng(0)
    p, q = draw.dirichlet(np.ones(8), size=2)
    corners = (
        np.array(np.meshgrid(*[[0, 1]] * 8)).reshape(8, -1).T
    )  # a linear function is largest at a corner of [0, 1]^8
    assert total_variation(jnp.asarray(p), jnp.asarray(q)) == pytest.approx((corners @ (p - q)).max())


@pytest.mark.parametrize("outputs", [1, 3])
def test_matched_kernel_bounds_the_transfer_of_the_squared_loss(outputs):
    """g = W phi on 40 outcomes: |E_P - E_Q| of the squared loss is at most (B^2 + C) MMD, and comes near it."""
    draw = np.random.default_rng(outputs)
    features, u = draw.normal(size=(40, 3)), draw.normal(size=(40, outputs))
    kernel = np.asarray(matched_kernel(*(jnp.asarray(a) for a in (features @ features.T, u, u))))
    ratios = []
    for _ in range(500):
        p, q = draw.dirichlet(np.full(40, 0.2), size=2)
        w = draw.normal(size=(3, outputs)) * draw.exponential()
        loss = ((features @ w - u) ** 2).sum(1)
        mmd = math.sqrt((p - q) @ kernel @ (p - q))
        ratios.append(abs(loss @ (p - q)) / matched_discrepancy(mmd, norm=np.linalg.norm(w), outputs=outputs))
    assert 0.1 < max(ratios) <= 1


def test_matched_kernel_is_tight():
    """One output, no residuals: the witness is the loss itself, so the bound is met up to B^2 against B^2 + 1."""
    features, zero = np.eye(1) * 2.0, jnp.zeros((1, 1))
    kernel = matched_kernel(jnp.asarray(features @ features.T), zero, zero)
    w = 1e3
    assert (w * 2) ** 2 / matched_discrepancy(math.sqrt(kernel[0, 0]), norm=w) == pytest.approx(1, rel=1e-5)


def test_squared_loss_scale_by_finite_differences():
    scale, lipschitz = squared_loss_scale(radius=2.0, kernel_bound=2.25, residual_bound=0.5)
    g, y = np.linspace(-3, 3, 2001), 0.5  # |g| <= 2 * 1.5
    loss = (g - y) ** 2 / scale
    assert loss.max() == pytest.approx(1)
    assert np.abs(np.diff(loss) / np.diff(g)).max() == pytest.approx(float(lipschitz), rel=1e-3)


def test_true_mmd_exceeds_its_biased_estimate_by_no_more_than_stated():
    draw = np.random.default_rng(3)
    support = np.linspace(-1, 1, 15)
    kernel = np.exp(-((support[:, None] - support) ** 2) / 0.1)
    p, q = draw.dirichlet(np.ones(15), size=2)
    true, n, m, delta = math.sqrt((p - q) @ kernel @ (p - q)), 30, 60, 0.2
    difference = draw.multinomial(n, p, size=2000) / n - draw.multinomial(m, q, size=2000) / m
    biased = np.sqrt(np.einsum("si,ij,sj->s", difference, kernel, difference))
    excess = mmd_excess(n, m, kernel_bound=1.0, delta=delta)
    assert np.mean(true > biased + excess) <= delta
    distance = np.sqrt(np.einsum("si,ij,sj->s", difference - (p - q), kernel, difference - (p - q)))
    assert np.quantile(distance, 1 - delta) < excess < 4 * np.quantile(distance, 1 - delta)  # what the proof bounds


@pytest.mark.parametrize(
    ("n", "m", "wrong", "message"),
    [
        (0, 5, {}, "points on both sides, found 0 and 5"),
        (5, 5, {"delta": 1.0}, "delta must lie strictly between 0 and 1, found 1"),
        (5, 5, {"kernel_bound": math.nan}, "kernel_bound must be finite"),
    ],
)
def test_bad_input_is_named(n, m, wrong, message):
    with pytest.raises(ValueError, match=message):
        mmd_excess(n, m, **({"kernel_bound": 1.0, "delta": 0.1} | wrong))
