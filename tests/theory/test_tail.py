"""Laws of what sampling kept: simulated counts with known answers, SciPy's optimisers and plain formulas."""

import numpy as np
import pytest
from scipy import optimize

from theory import tail

RANKS = np.arange(1.0, 601)
REAL = (RANKS + 2) ** -1.1 / ((RANKS + 2) ** -1.1).sum()
KEPT = {
    "none": (np.ones(600), {}),
    "tilt": (RANKS**-0.2, {"tilt": 0.2}),
    "exponential": (np.exp(-RANKS / 200), {"cutoff": 200.0}),
    "sharp": (np.where(RANKS <= 100, 1.0, 0.0), {"cutoff": 100.0}),
    "step": (np.where(RANKS <= 100, 1.0, 0.2), {"cutoff": 100.0, "kept": 0.2}),
}


def drawn(law: str, seed: int, size: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    cut = REAL * KEPT[law][0]
    return rng.multinomial(size, cut / cut.sum()), rng.multinomial(2 * size, REAL)


def binomial(n, m, odds) -> float:
    """sum_i n_i log q_i + m_i log(1 - q_i), q_i = odds_i / (1 + odds_i); the definition."""
    with np.errstate(divide="ignore", invalid="ignore"):
        q = odds / (1 + odds)
        terms = np.where(n > 0, n * np.log(q), 0) + np.where(m > 0, m * np.log1p(-q), 0)
    return float(terms.sum())


@pytest.mark.parametrize("law", KEPT)
def test_known_parameters_are_recovered_with_the_promised_coverage(law):
    """200 simulated pairs: a 95 % interval misses at most 22 times, with probability .9996 (at a true miss of 5 %)."""
    names = KEPT[law][1]
    fits = [tail.retention(*drawn(law, seed), law) for seed in range(200)]
    for name, truth in names.items():
        misses = sum(not fit.intervals[name][0] <= truth <= fit.intervals[name][1] for fit in fits)
        assert misses <= 22
        assert np.median([fit.parameters[name] for fit in fits]) == pytest.approx(truth, rel=0.05)


@pytest.mark.parametrize("law", KEPT)
def test_bic_finds_the_law_that_made_the_counts(law):
    found = [next(iter(tail.compare(*drawn(law, seed)))) for seed in range(20)]
    assert found.count(law) >= 17


@pytest.mark.parametrize(("law", "x"), [("tilt", np.log(RANKS)), ("exponential", RANKS / 600)])
def test_smooth_laws_reach_the_maximum_that_a_general_optimiser_finds(law, x):
    n, m = drawn(law, 0, 500)
    found = tail.retention(n, m, law)
    best = optimize.minimize(lambda p: -binomial(n, m, np.exp(p[0] - p[1] * x)), (0.0, 0.0), method="BFGS")
    value = best.x[1] if law == "tilt" else 600 / best.x[1]
    assert found.log_likelihood == pytest.approx(-best.fun, rel=1e-9)
    assert found.parameters[{"tilt": "tilt", "exponential": "cutoff"}[law]] == pytest.approx(value, rel=1e-3)


def test_step_and_sharp_are_the_best_of_all_cutoffs():
    n, m = drawn("step", 1, 400)
    heights = {}
    for k in range(1, 600):
        head, rest = slice(0, k), slice(k, None)
        if m[head].sum() and m[rest].sum() and n[rest].sum() * m[head].sum() <= n[head].sum() * m[rest].sum():
            odds = np.repeat([n[head].sum() / m[head].sum(), n[rest].sum() / m[rest].sum()], [k, 600 - k])
            heights[k] = binomial(n, m, odds)
    found = tail.retention(n, m, "step")
    assert found.log_likelihood == pytest.approx(max(heights.values()), rel=1e-12)
    assert heights[int(found.parameters["cutoff"])] == pytest.approx(max(heights.values()), rel=1e-12)
    sharp = tail.retention(n, m, "sharp")
    last = int(sharp.parameters["cutoff"])
    assert last == np.flatnonzero(n)[-1] + 1
    inside = np.where(np.arange(600) < last, n.sum() / m[:last].sum(), 0)
    assert sharp.log_likelihood == pytest.approx(binomial(n, m, inside), rel=1e-12)


def test_bic_counts_the_free_parameters():
    fits = tail.compare(*drawn("none", 2))
    counts = {"none": 1, "tilt": 2, "exponential": 2, "sharp": 2, "step": 3}
    for law, fit in fits.items():
        assert fit.bic == pytest.approx(counts[law] * np.log(3000) - 2 * fit.log_likelihood)


def test_a_tail_that_grew_has_no_cutoff():
    n, m = drawn("tilt", 3)
    found = tail.retention(m, n, "exponential")
    assert found.parameters["cutoff"] == np.inf
    assert found.log_likelihood == pytest.approx(tail.retention(m, n, "none").log_likelihood)
    few, many = np.array([1, 2, 3, 4]), np.array([4, 3, 2, 1])
    assert tail.retention(few, many, "step").parameters == {"cutoff": np.inf, "kept": 1.0}
    assert tail.retention(m, n, "tilt").parameters["tilt"] < 0


def test_beyond_is_the_share_of_later_ranks():
    np.testing.assert_allclose(tail.beyond([5, 3, 0, 2], [0, 1, 3, 4, 9]), [1.0, 0.5, 0.2, 0, 0])


@pytest.mark.parametrize(
    ("counts", "reference", "law", "words"),
    [
        ([1, 2], [1, 2, 3], "tilt", "same ranks, found 2 and 3"),
        ([0, 0], [1, 2], "tilt", "not all 0"),
        ([1, -1], [1, 2], "tilt", "at least 0"),
        ([1, 2], [1, 2], "tild", "unknown law 'tild'"),
    ],
)
def test_bad_counts_are_named(counts, reference, law, words):
    with pytest.raises(ValueError, match=words):
        tail.retention(counts, reference, law)
