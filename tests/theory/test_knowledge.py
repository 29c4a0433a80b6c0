"""Sums against binomials and other zeta identities, samples against their distribution."""

import jax
import numpy as np
import pytest
from scipy import special, stats

from theory import draws, knowledge
from theory.knowledge import Accuracy

ACCURACY = Accuracy(seen=0.9, seen_decay=0.05, unseen=0.2, unseen_decay=0.3)


@pytest.fixture
def key():
    return jax.random.key(7)


def test_power_law_is_the_zeta_distribution():
    np.testing.assert_allclose(knowledge.power_law(1.7, 500), stats.zipf.pmf(np.arange(1, 501), 1.7), rtol=1e-12)


@pytest.mark.parametrize("real_share", [0.0, 0.3, 1.0])
def test_mixture_moves_mass_from_tail_to_head(real_share):
    p = knowledge.power_law(1.5, 1000)
    q = knowledge.mixture(p, 10, real_share)
    head = knowledge.head_mass(1.5, 10)
    np.testing.assert_allclose(p[:10].sum(), head, rtol=1e-12)
    np.testing.assert_allclose(q[:10], (real_share + (1 - real_share) / head) * p[:10], rtol=1e-12)
    np.testing.assert_allclose(q[10:], real_share * p[10:], rtol=1e-12)


@pytest.mark.parametrize("shots", [1, 3])
@pytest.mark.parametrize("real_share", [0.0, 0.01, 1.0])
def test_poissonised_sum_is_close_to_the_binomial_one(shots, real_share):
    """Pr(fewer than m of n draws) from scipy; Poissonising costs O(1/n), here n = 2000."""
    p = knowledge.power_law(1.6, 300_000)
    q = knowledge.mixture(p, 50, real_share)
    binomial = np.sum(p * stats.binom.cdf(shots - 1, 2000, q)) + 1 - p.sum()  # ranks beyond: unlearned
    exact = knowledge.exact_error(2000 * real_share, 2000 * (1 - real_share), exponent=1.6, cutoff=50, shots=shots)
    assert exact == pytest.approx(binomial, rel=2e-3)


@pytest.mark.parametrize("n_real", [0.0, 30.0, 1e5, 1e8])
@pytest.mark.parametrize("accuracy", [knowledge.MEMORISER, ACCURACY])
def test_where_the_sum_stops_does_not_matter(n_real, accuracy):
    errors = [
        knowledge.exact_error(n_real, 5e3, exponent=1.25, cutoff=40, accuracy=accuracy, ranks=ranks)
        for ranks in (20_000, 1_000_000)
    ]
    assert errors[0] == pytest.approx(errors[1], rel=1e-8)


def test_without_data_everything_is_guessed_and_with_all_data_the_floor_is_left():
    exact = knowledge.exact_error(0, 0, exponent=1.5, cutoff=10, accuracy=ACCURACY)
    assert exact == pytest.approx(1 - 0.2 * special.zeta(1.8) / special.zeta(1.5), rel=1e-9)
    exact = knowledge.exact_error(1e13, 0, exponent=2.5, cutoff=10, accuracy=ACCURACY)
    assert exact == pytest.approx(knowledge.floor(2.5, ACCURACY), rel=1e-6)
    assert knowledge.floor(1.5) == 0


def test_ranked_error_of_finitely_many_items():
    p, draws = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 1e9])
    assert knowledge.ranked_error(p, draws) == pytest.approx(0.5 + 0.3 * np.exp(-1))
    assert knowledge.ranked_error(p, draws, shots=2) == pytest.approx(0.5 + 0.3 * 2 * np.exp(-1))


@pytest.mark.parametrize("shots", [1, 2])
@pytest.mark.parametrize("accuracy", [knowledge.MEMORISER, ACCURACY])
def test_the_simulated_learner_makes_the_expected_error(shots, accuracy, key):
    """Mean over 40 draws within 4.5 standard errors, plus 0.1 % for Poissonising."""
    errors = [
        knowledge.simulated_error(
            draws.sample_mixture(draw, 300, 5000, exponent=1.4, cutoff=30),
            exponent=1.4,
            accuracy=accuracy,
            shots=shots,
        )
        for draw in jax.random.split(key, 40)
    ]
    exact = knowledge.exact_error(300, 5000, exponent=1.4, cutoff=30, accuracy=accuracy, shots=shots)
    assert abs(np.mean(errors) - exact) < 4.5 * np.std(errors) / np.sqrt(40) + 1e-3 * exact


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: knowledge.power_law(1.0, 10), "exponent must exceed 1"),
        (lambda: knowledge.power_law(1.5, 0), "size counts"),
        (lambda: knowledge.truncated(knowledge.power_law(1.5, 10), 11), "cutoff is a rank from 1 to 10"),
        (lambda: knowledge.mixture(knowledge.power_law(1.5, 10), 5, 1.1), "real_share"),
        (lambda: knowledge.exact_error(1, 1, exponent=1.5, cutoff=0), "cutoff is a rank"),
        (lambda: knowledge.exact_error(-1, 1, exponent=1.5, cutoff=5), "cannot be negative"),
        (lambda: knowledge.ranked_error(np.ones(1), -np.ones(1)), "cannot be negative"),
        (lambda: knowledge.floor(1.5, Accuracy(0.2, 0.0, 0.5, 0.0)), "seen >= unseen"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
