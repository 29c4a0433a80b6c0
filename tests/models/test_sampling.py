"""Truncation against brute force, drawn tokens against probabilities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from models.sampling import next_token, truncated


def brute_force(p, top_p, top_k):
    """Walks down the sorted tokens; those that tie with the last one that is needed stay too."""
    order = np.argsort(-p)
    if top_k:
        p = np.where(p >= p[order[min(top_k, len(p)) - 1]], p, 0)
    total, target = 0.0, top_p * p.sum()
    for i in order:
        total += p[i]
        if total >= target:
            return np.where(p >= p[i], p, 0)
    return p


@pytest.mark.parametrize(
    ("top_p", "top_k"), [(0.9, 0), (0.31, 0), (1e-6, 0), (1.0, 5), (1.0, 1000), (0.6, 7), (1.0, 0)]
)
def test_truncation_is_that_of_the_sorted_tokens(top_p, top_k):
    logits = np.random.default_rng(0).normal(size=(40, 300)).astype(np.float32) * 2
    logits[20:] = np.round(logits[20:])  # many ties
    found = np.asarray(jax.jit(truncated)(logits, temperature=0.7, top_p=top_p, top_k=top_k))
    p = np.asarray(jax.nn.softmax(logits / np.float32(0.7), -1))
    expected = np.stack([brute_force(row.astype(np.float64), top_p, top_k) for row in p])
    np.testing.assert_array_equal(found > 0, expected > 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("temperature", "top_p", "top_k"), [(1.0, 1.0, 0), (0.5, 1.0, 0), (1.5, 0.8, 0), (1.0, 1.0, 6)]
)
@pytest.mark.usefixtures("each_key_once")
def test_tokens_are_drawn_by_their_probability(temperature, top_p, top_k):
    """Chi-square over 600 words in three blocks of a cumulative sum, 20,000 draws; no truncated word is ever drawn."""
    logits = np.random.default_rng(1).normal(size=600).astype(np.float32) * 3
    keys = jax.random.split(jax.random.key(2), 20_000)
    settings = {"temperature": temperature, "top_p": top_p, "top_k": top_k}
    found = jax.jit(lambda l, k: next_token(jnp.broadcast_to(l, (20_000, 600)), k, **settings))(logits, keys)
    p = scipy.special.softmax(logits.astype(np.float64) / temperature)
    p = brute_force(p, top_p, top_k)
    counts, expected = np.bincount(found, minlength=600), 20_000 * p / p.sum()
    assert counts[expected == 0].sum() == 0
    rare = expected < 5  # together in one cell
    counts, expected = (np.append(x[~rare], x[rare].sum() + 1e-9) for x in (counts, expected))
    assert scipy.stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 1e-3


def test_temperature_zero_is_greedy():
    logits = jnp.asarray(np.random.default_rng(0).normal(size=(9, 500)), jnp.float32)
    keys = jax.random.split(jax.random.key(0), 9)
    np.testing.assert_array_equal(next_token(logits, keys, temperature=0.0, top_p=0.5), logits.argmax(1))
