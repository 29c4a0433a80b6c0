"""Drawn ranks against the distributions that they are drawn from."""

import jax
import numpy as np
import pytest
from scipy import special, stats

from theory import draws, knowledge

pytestmark = pytest.mark.usefixtures("each_key_once")


@pytest.fixture
def key():
    return jax.random.key(7)


@pytest.mark.parametrize("exponent", [1.2, 1.5, 2.5])
def test_real_samples_follow_the_power_law(exponent, key):
    """Frequencies of the first ranks and of decades of ranks beyond the table: within 4.5 standard errors."""
    size = 400_000
    ranks = np.asarray(draws.sample_real(key, size, exponent=exponent))
    edges = np.array([1, 2, 3, 4, 5, 10, 100, 4096, 4097, 4098, 5000, 10**5, 10**7, 10**9, 2**31 - 1])
    expected = -np.diff([*special.zeta(exponent, edges), 0.0]) / special.zeta(exponent)
    found = np.histogram(ranks, [*edges, 2**32])[0] / size
    assert ranks.min() == 1
    assert np.all(np.abs(found - expected) < 4.5 * np.sqrt(expected / size) + 2 / size)


def test_synthetic_samples_follow_the_truncated_law(key):
    ranks = np.asarray(draws.sample_synthetic(key, 200_000, exponent=1.5, cutoff=20))
    expected = knowledge.truncated(knowledge.power_law(1.5, 20), 20)
    counts = np.bincount(ranks, minlength=21)[1:]
    assert len(counts) == 20
    assert stats.chisquare(counts, expected * 200_000).pvalue > 1e-3
