import jax
import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from experiments.synthetic.table_columns import Columns, cells_of, vectors_of
from experiments.synthetic.tables_copula import copula_rows, draw, draw_given, fit, normal_scores
from valuation.problem import Examples

COLUMNS = Columns(2, (3,))
RNG = np.random.default_rng(0)
ROWS, MADE = 600, 2000
CELLS = np.column_stack([RNG.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], ROWS), RNG.integers(0, 3, ROWS)])
CELLS[:, 0] = np.exp(CELLS[:, 0])
REAL = Examples(vectors_of(COLUMNS, CELLS), (CELLS[:, 2] + CELLS[:, 1] > 1).astype(np.int32))
ERROR = 4 * (1 / np.sqrt(ROWS) + 1 / np.sqrt(MADE))


def test_cells_become_vectors_and_come_back():
    cells = CELLS.copy()
    cells[0, 2] = -1  # none of the categories
    vectors = vectors_of(COLUMNS, cells)
    assert vectors.shape[1] == COLUMNS.width == 5
    assert (vectors[0, 2:].sum(), vectors[1, 2:].sum()) == (0, 1)
    np.testing.assert_allclose(cells_of(COLUMNS, vectors), cells, rtol=1e-6)


def test_scores_are_those_of_ranks():
    scores = normal_scores(CELLS, RNG)
    np.testing.assert_allclose(np.sort(scores, axis=0)[:, 0], norm.ppf((np.arange(ROWS) + 0.5) / ROWS))
    np.testing.assert_array_equal(scores[:, 0].argsort(), CELLS[:, 0].argsort())
    steps = [scores[CELLS[:, 2] == code, 2] for code in range(3)]
    assert steps[0].max() < steps[1].min()
    assert steps[1].max() < steps[2].min()


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_rows_have_the_real_values_and_a_share_of_their_correlations(strength):
    """Of a Gaussian copula with correlation r Spearman's is 6/pi asin(r/2)."""
    made = draw(fit(CELLS, RNG), MADE, strength, np.random.default_rng(1))
    for column in range(3):
        assert set(made[:, column]) <= set(CELLS[:, column])
    expected = 6 / np.pi * np.arcsin(strength * 0.8 / 2)
    assert abs(spearmanr(made[:, 0], made[:, 1]).statistic - expected) < ERROR
    shares = [np.bincount(one[:, 2].astype(int), minlength=3) / len(one) for one in (made, CELLS)]
    np.testing.assert_allclose(*shares, atol=4 * np.sqrt(0.25 / MADE))


def test_given_the_last_column_the_others_go_with_it():
    copula = fit(CELLS[:, :2], RNG)
    last = RNG.choice(CELLS[:, 1], MADE)
    made = draw_given(copula, last, 1.0, np.random.default_rng(1))
    assert made.shape == (MADE, 1)
    assert abs(spearmanr(made[:, 0], last).statistic - 6 / np.pi * np.arcsin(0.4)) < ERROR


def test_mechanisms_keep_targets_and_classes_keep_their_marginals():
    some = REAL.take(np.arange(300))
    made = copula_rows(COLUMNS, REAL, True, jax.random.key(0))(some, 1.0, jax.random.key(1))
    np.testing.assert_array_equal(made.targets, some.targets)
    for c in (0, 1):
        assert set(made.inputs[made.targets == c, 0]) <= set(REAL.inputs[REAL.targets == c, 0])
    numbers = REAL._replace(targets=CELLS[:, 1].astype(np.float32))
    made = copula_rows(COLUMNS, numbers, False, jax.random.key(0))(numbers, 1.0, jax.random.key(1))
    np.testing.assert_array_equal(made.targets, numbers.targets)
    assert np.corrcoef(made.inputs[:, 1], made.targets)[0, 1] > 0.9
    with pytest.raises(ValueError, match=r"copula: strength 1\.5"):
        copula_rows(COLUMNS, REAL, True, jax.random.key(0))(some, 1.5, jax.random.key(1))


def test_a_column_that_is_the_same_everywhere_stays_so():
    made = draw(fit(np.column_stack([CELLS[:, 0], np.ones(ROWS)]), RNG), 5, 1.0, RNG)
    assert set(made[:, 1]) == {1}
