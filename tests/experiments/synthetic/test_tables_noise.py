import jax
import numpy as np
import pytest

from experiments.synthetic.table_columns import cells_of
from experiments.synthetic.tables_noise import noisy_rows
from tests.experiments.synthetic.test_tables_copula import CELLS, COLUMNS, REAL


def test_noise_has_its_spread_and_changes_its_share_of_the_categories():
    made = noisy_rows(COLUMNS, REAL)(REAL, 2.0, jax.random.key(0))
    np.testing.assert_array_equal(made.targets, REAL.targets)
    count = len(CELLS)
    added = made.inputs[:, :2] - REAL.inputs[:, :2]
    np.testing.assert_allclose(added.std(0), 2, rtol=4 / np.sqrt(2 * count))
    differ = (cells_of(COLUMNS, made.inputs)[:, 2] != CELLS[:, 2]).mean()
    expected = 2 / 3 * (1 - np.square(np.bincount(CELLS[:, 2].astype(int)) / count).sum())
    assert abs(differ - expected) < 4 * np.sqrt(expected * (1 - expected) / count)
    assert (made.inputs[:, 2:].sum(1) == 1).all()
    same = noisy_rows(COLUMNS, REAL)(REAL, 0.0, jax.random.key(0))
    np.testing.assert_array_equal(same.inputs, REAL.inputs)
    with pytest.raises(ValueError, match="noise: strength -1"):
        noisy_rows(COLUMNS, REAL)(REAL, -1.0, jax.random.key(0))
