"""Whether a measured curve rises, against simulated noise."""

import numpy as np

from theory.measured import rise


def test_a_curve_that_falls_and_rises_is_said_to_rise_again():
    sizes = np.geomspace(100, 1e6, 14)
    assert "rises again from 5.88e+04 draws on" in rise(sizes, 0.1 + 0.9 * (sizes / 100) ** -0.5 + 2e-7 * sizes)


def test_accuracies_that_rise_with_noise_are_named():
    accuracies = np.array([0.60, 0.72, 0.65, 0.80, 0.78, 0.88, 0.86])
    assert "rises, from 0.6 to 0.86: are these accuracies" in rise(100 * 2.0 ** np.arange(7), accuracies)


def test_noise_is_no_rise():
    """Simulated: a flat curve, its mean rising by chance, and one that falls as slowly as its noise is large."""
    random = np.random.default_rng(0)
    sizes = np.geomspace(100, 1e6, 14)
    flat = np.exp(0.1 * random.standard_normal((200, 14)))
    assert np.mean([bool(rise(sizes, errors)) for errors in flat]) <= 0.02
    assert not any(rise(sizes, errors) for errors in flat * (sizes / 100) ** -0.05)
    assert all(rise(sizes, errors) for errors in flat * (sizes / 100) ** 0.2)
