import jax
import numpy as np
import pytest

from experiments.synthetic.tables_conditional import conditional_rows, drawn
from tests.experiments.synthetic.test_tables_copula import CELLS, COLUMNS, REAL


def test_the_nearest_row_alone_gives_copies():
    """Numbers as targets, all different: the nearest row is the row itself, in every column."""
    numbers = REAL._replace(targets=np.arange(len(CELLS), dtype=np.float32))
    made = conditional_rows(COLUMNS, numbers, False)(numbers, 1, jax.random.key(0))
    np.testing.assert_array_equal(made.inputs, numbers.inputs)


def test_every_cell_is_one_of_the_nearest_rows():
    """By loops: of 5 rows, those nearest in the columns before."""
    cells = np.array([[0.0, 1, 0], [1, 5, 1], [2.5, 3, 1], [10, 4, 0], [11.2, 2, 2]])
    rng = np.random.default_rng(0)
    spread = cells.std(0)
    made = drawn(cells, 1, np.zeros((200, 5)), 2, rng)
    assert set(made[:, 0]) == set(cells[:, 0])
    for row in made:
        near = np.argsort(np.abs(cells[:, 0] - row[0]), kind="stable")[:2]
        assert row[1] in cells[near, 1]
        apart = ((cells[:, :2] - row[:2]) ** 2 / spread[:2] ** 2).sum(1)
        assert row[2] in cells[np.argsort(apart)[:2], 2]


def test_classes_are_kept_apart():
    made = conditional_rows(COLUMNS, REAL, True)(REAL, 20, jax.random.key(0))
    np.testing.assert_array_equal(made.targets, REAL.targets)
    for c in (0, 1):
        assert set(made.inputs[made.targets == c, 1]) <= set(REAL.inputs[REAL.targets == c, 1])
    with pytest.raises(ValueError, match=r"conditional: strength 0\.5, expected how many nearest rows"):
        conditional_rows(COLUMNS, REAL, True)(REAL, 0.5, jax.random.key(0))
