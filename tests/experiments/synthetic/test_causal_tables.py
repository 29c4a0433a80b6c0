"""Rows with a chosen effect: how often intervals hold it, and what hidden causes add, as on paper."""

import numpy as np
import pytest
from scipy.stats import norm

from experiments.synthetic.causal_tables import Causes, causal_rows
from experiments.synthetic.tables_copula import fit
from theory.effects import LEARNERS, hidden_bias

RNG = np.random.default_rng(0)
REAL = np.exp(RNG.multivariate_normal(np.zeros(3), [[1, 0.5, 0], [0.5, 1, 0.3], [0, 0.3, 1]], 300))
COPULA = fit(np.column_stack([REAL[:, :2], REAL[:, 2] > 1]), RNG)
CAUSES = Causes(0.2, np.array([0.5, -0.3, 0.2]), np.array([1.0, 0.5, -0.5]), 1.5, 2.0)
DRAWS, ROWS = 50, 400


def effects(hidden):
    """(mean effects, their errors) by learner, a draw each; the bias on paper."""
    found, paper = {name: [] for name in LEARNERS}, []
    for draw in range(DRAWS):
        rows = causal_rows(COPULA, CAUSES, ROWS, hidden, np.random.default_rng(draw))
        paper.append(hidden_bias(rows.probit, hidden, CAUSES.spread))
        for name, learner in LEARNERS.items():
            one = learner(rows.scores, rows.treatment, rows.outcome)
            found[name].append((one.mean, one.error))
    return {name: np.array(pairs).T for name, pairs in found.items()}, np.mean(paper)


def test_intervals_hold_the_effect_when_nothing_is_hidden():
    for name, (means, errors) in effects(0.0)[0].items():
        held = (np.abs(means - CAUSES.effect) < 1.96 * errors).mean()
        assert 0.88 <= held <= 0.99, name


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9, -0.7])
def test_hidden_causes_bias_all_learners_as_on_paper(rho):
    found, paper = effects(rho)
    assert np.sign(paper) == np.sign(rho)
    for name, (means, _) in found.items():
        assert abs(means.mean() - CAUSES.effect - paper) < 0.2 * abs(paper), name


def test_rows_have_the_real_marginals_and_the_propensity_that_is_said():
    rows = causal_rows(COPULA, CAUSES, 4000, 0.3, np.random.default_rng(0))
    for made, real in zip(rows.cells.T, COPULA.values.T, strict=True):
        assert set(made) <= set(real)
    propensity = norm.cdf(rows.probit)
    error = np.sqrt((propensity * (1 - propensity)).mean() / 4000)
    assert abs(rows.treatment.mean() - propensity.mean()) < 4 * error
    np.testing.assert_allclose(np.corrcoef(rows.scores.T), COPULA.correlations, atol=4 / np.sqrt(4000))


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="rho = 1, expected a correlation between"):
        causal_rows(COPULA, CAUSES, 10, 1, RNG)
    with pytest.raises(ValueError, match="spread 0"):
        causal_rows(COPULA, CAUSES._replace(spread=0.0), 10, 0, RNG)
