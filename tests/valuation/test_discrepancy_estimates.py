"""Estimates of the discrepancy with an error: against the exact statistic and against their own spread."""

import jax
import numpy as np
import pytest

from valuation import discrepancy
from valuation.discrepancy import linear_mmd, mean_squared_distance, mk_mmd, random_feature_mmd


def samples(n, m, d=6, shift=0.3, seed=0):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(n, d)).astype(np.float32) + shift, draw.normal(size=(m, d)).astype(np.float32)


def exact(x, y, bandwidth):
    value = mk_mmd(x, y, bandwidth=bandwidth)
    return np.sign(value) * value**2


def test_random_features_agree_with_the_exact_statistic():
    """z-scores of 60 independent draws: mean 0, spread 1."""
    x, y = samples(90, 70)
    width = mean_squared_distance(y)
    got = [
        random_feature_mmd(x, y, bandwidth=width, frequencies=200, key=key, block=64)
        for key in jax.random.split(jax.random.key(0), 60)
    ]
    z = (np.array([e.squared for e in got]) - exact(x, y, width)) / [e.standard_error for e in got]
    assert abs(z.mean()) < 4 / np.sqrt(60)
    assert 0.7 < z.std() < 1.4


def test_the_linear_estimate_knows_its_error():
    """The spread over fresh samples is the standard error; the mean is that of the quadratic statistic."""
    pairs = [samples(200, 200, seed=seed) for seed in range(80)]
    got = [linear_mmd(x, y, bandwidth=10.0) for x, y in pairs]
    squared = np.array([e.squared for e in got])
    assert np.std(squared) == pytest.approx(np.mean([e.standard_error for e in got]), rel=0.25)
    truth = np.mean([exact(x, y, 10.0) for x, y in pairs])
    assert abs(squared.mean() - truth) < 4 * squared.std() / np.sqrt(80)
    assert squared[0] == pytest.approx(np.sign(v := mk_mmd(*pairs[0], estimator="linear", bandwidth=10.0)) * v**2)


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_shared_blocks_and_symmetry_change_nothing(estimator, monkeypatch):
    x, y = samples(95, 61)
    labels = (np.arange(95) % 3, np.arange(61) % 3)
    whole = mk_mmd(x, y, estimator=estimator, labels=labels, block=128)
    monkeypatch.setattr(discrepancy, "SHARED", 1)
    assert mk_mmd(x, y, estimator=estimator, labels=labels, block=8) == pytest.approx(whole, rel=1e-5)


def test_bad_input_is_named():
    x, y = samples(10, 10)
    with pytest.raises(ValueError, match="at least 10 frequencies are needed for an error, got 5"):
        random_feature_mmd(x, y, bandwidth=1.0, frequencies=5, key=jax.random.key(0))
    with pytest.raises(ValueError, match="at least 4 rows a sample are needed, got 3 and 10"):
        linear_mmd(x[:3], y, bandwidth=1.0)
    with pytest.raises(ValueError, match="6 and 5 features"):
        linear_mmd(x, y[:, :5], bandwidth=1.0)
    with pytest.raises(ValueError, match="NaN or infinite"):
        random_feature_mmd(x, y * np.inf, bandwidth=1.0, frequencies=20, key=jax.random.key(0))
