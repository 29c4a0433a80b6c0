import numpy as np
import pytest
import scipy.stats

from experiments.studies.valuation import evaluate

RNG = np.random.default_rng(0)


def test_agreement_is_the_mean_over_pairs_of_seeds():
    truth = RNG.random((12, 3))
    pairs = [scipy.stats.spearmanr(truth[:, i], truth[:, j]).statistic for i, j in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(evaluate.seed_agreement(truth), np.mean(pairs))
    assert np.isnan(evaluate.seed_agreement(truth[:, :1]))


def test_the_ceiling_is_what_a_perfect_value_reaches():
    """Truth = quality + noise: the quality itself correlates with the mean of s seeds as the formula says."""
    quality = RNG.normal(size=20000)
    noise = 0.7 * RNG.normal(size=(20000, 3))
    r = 1 / (1 + 0.7**2)
    reached = np.corrcoef(quality, quality + noise.mean(1))[0, 1]
    np.testing.assert_allclose(evaluate.ceiling(r, 3), reached, atol=0.01)


def test_the_validation_ceiling_is_what_the_expected_validation_metric_reaches():
    """Quality + noise of a seed, which a model's two metrics share; validation rows move the expectation once."""
    quality = RNG.normal(size=20000)
    expected = quality + 0.5 * RNG.normal(size=20000)
    training = 0.7 * RNG.normal(size=(2, 20000, 3))
    truth, validation = quality[:, None] + training[0], expected[:, None] + training.sum(0)
    reached = np.corrcoef(expected, truth.mean(1))[0, 1]
    measured = evaluate.validation_agreement(validation, truth)
    agree = [evaluate.seed_agreement(side) for side in (truth, validation)]
    found = evaluate.validation_ceiling(measured, *agree, 3, evaluate.ceiling(agree[0], 3))
    np.testing.assert_allclose(found, reached, atol=0.02)  # Spearman is a little below Pearson
    assert measured < found - 0.05  # one seed against the mean of two, not expectations against the mean of three


def test_the_other_seeds_alone_speak_of_validation():
    validation, truth = RNG.random((2, 12, 3))
    pairs = [(validation[:, [1, 2]], 0), (validation[:, [0, 2]], 1), (validation[:, [0, 1]], 2)]
    expected = [scipy.stats.spearmanr(others.sum(1), truth[:, t]).statistic for others, t in pairs]
    np.testing.assert_allclose(evaluate.validation_agreement(validation, truth), np.mean(expected))
    assert np.isnan(evaluate.validation_agreement(validation[:, :1], truth[:, :1]))
    assert np.isnan(evaluate.validation_ceiling(0.5, -0.1, 0.5, 3, 0.0))
    assert evaluate.validation_ceiling(0.99, 0.9, 0.9, 3, 0.98) == 0.98


def test_constant_values_order_nothing():
    assert np.isnan(evaluate.correlation("spearman", np.ones(5), np.arange(5.0)))


def test_regret():
    assert evaluate.regret(np.array([1.0, 5.0, 2.0]), np.array([0.9, 0.6, 0.8])) == pytest.approx(0.3)
    assert evaluate.regret(np.array([5.0, 1.0, 2.0]), np.array([0.9, 0.6, 0.8])) == 0


def test_bootstrap_rows_are_spearman_correlations_of_resamples():
    values, truth = [RNG.random((2, 9))], [RNG.random((9, 1))]
    samples = evaluate.bootstrap(values, truth, 50, seed=3)
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 9, (50, 9))
    for b in range(50):
        for m in range(2):
            expected = scipy.stats.spearmanr(values[0][m][rows[b]], truth[0][rows[b], 0]).statistic
            np.testing.assert_allclose(samples[b, m], expected, atol=1e-12)


def test_the_interval_covers_the_true_correlation():
    """Draws from one bivariate normal: the true Spearman lies in the 95 % intervals about 95 % of the time."""
    expected = 6 / np.pi * np.arcsin(0.8 / 2)
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pairs = [rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 24).T for _ in range(5)]
        samples = evaluate.bootstrap([p[:1] for p in pairs], [p[1][:, None] for p in pairs], 200, seed)
        low, high = evaluate.interval(samples[:, 0])
        hits += low <= expected <= high
    assert hits >= 53


def test_the_same_method_twice_never_differs():
    values = [np.tile(RNG.random(10), (2, 1)) for _ in range(3)]
    samples = evaluate.bootstrap(values, [RNG.random((10, 2)) for _ in range(3)], 100, 0)
    np.testing.assert_array_equal(samples[:, 0], samples[:, 1])
