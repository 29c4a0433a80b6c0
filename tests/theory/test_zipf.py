"""Zipf's law fitted to simulated counts with known answers, and SciPy's optimiser."""

import numpy as np
import pytest
from scipy import optimize

from theory.zipf import zipf

RANKS = np.arange(1.0, 601)
REAL = (RANKS + 2) ** -1.1 / ((RANKS + 2) ** -1.1).sum()


@pytest.mark.parametrize("law", ["none", "exponential", "sharp"])
def test_zipf_recovers_exponent_and_cutoff(law):
    """60 samples; more than 9 misses of a 95 % interval have a probability below .001."""
    truth = {"exponent": 1.2, "offset": 3.0} | ({} if law == "none" else {"cutoff": 150.0})
    weights = {"none": 1.0, "exponential": np.exp(-RANKS / 150), "sharp": RANKS <= 150}[law]
    chances = (RANKS + 3) ** -1.2 * weights
    rng = np.random.default_rng(4)
    fits = [zipf(rng.multinomial(4000, chances / chances.sum()), law) for _ in range(60)]
    for name, value in truth.items():
        assert sum(not fit.intervals[name][0] <= value <= fit.intervals[name][1] for fit in fits) <= 9


def test_zipf_reaches_the_maximum_of_the_multinomial_likelihood():
    n = np.random.default_rng(5).multinomial(2000, REAL)

    def cost(p):
        chances = (RANKS + np.exp(p[1])) ** -p[0] * np.exp(-RANKS * np.exp(p[2]))
        return -np.sum(n * np.log(chances / chances.sum()))

    best = optimize.minimize(cost, (1.0, 0.5, -6.0), method="Nelder-Mead", options={"maxiter": 4000, "maxfev": 4000})
    assert zipf(n, "exponential").log_likelihood >= -best.fun - 1e-3


def test_an_unknown_law_is_named():
    with pytest.raises(ValueError, match="unknown law 'sharpp', known: none, exponential, sharp"):
        zipf([3, 2, 1], "sharpp")
