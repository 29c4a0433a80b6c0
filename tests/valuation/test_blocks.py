"""Examples that are read in blocks against the same arrays indexed at once; medians as centre; draws by a key."""

import jax
import numpy as np
import pytest

from valuation import blocks
from valuation.blocks import ROUNDING, centred, drawn, feature_blocks, source, targets_of, validation_rows

ROWS = np.random.default_rng(0).normal(size=(23, 2, 3))
INDEX = np.random.default_rng(1).integers(0, 23, 17)
CENTRE = np.arange(6.0)


@pytest.mark.parametrize("block", [1, 5, 17, 100])
def test_blocks_are_the_rows_in_order(block):
    data = source(ROWS, INDEX, index=INDEX, features=lambda x: 2 * x)
    parts = list(feature_blocks(data, CENTRE, block))
    expected = 2 * ROWS[INDEX].reshape(17, 6) - CENTRE
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in parts]), expected)
    targets = [targets_of(data, part, part.stop - part.start) for part, _ in parts]
    np.testing.assert_array_equal(np.concatenate(targets), INDEX[:, None])


def test_what_is_no_more_than_rounding_is_nothing():
    """A column of 1e9 / 3 in float64 is its own median but for the last places."""
    rows = np.full((9, 2), [1e9 / 3, 1.0]) * (1 + np.arange(9)[:, None] * [np.finfo(np.float64).eps, 0.1])
    found, centre = validation_rows(rows)
    np.testing.assert_allclose(centre, np.median(rows, 0), rtol=1e-15)
    assert (np.abs(found[:, 0]) < ROUNDING * 1e-7).all()
    np.testing.assert_allclose(found[:, 1], 0.1 * (np.arange(9) - 4), atol=1e-15)
    np.testing.assert_array_equal(centred(rows[:, :1], rows[0, :1], "row", range(9))[:4], 0)


def test_centring_in_pieces_changes_nothing(monkeypatch):
    """Two rows a piece; the row that is named is that of its number, and float32 is rounded once, at the end."""
    monkeypatch.setattr(blocks, "CACHED", 12)
    rows = ROWS.reshape(23, 6) + 1e9
    np.testing.assert_array_equal(centred(rows, CENTRE + 1e9, "row", range(23)), rows - (CENTRE + 1e9))
    found = centred(rows, CENTRE + 1e9, "row", range(23), dtype=np.float32)
    np.testing.assert_array_equal(found, (rows - (CENTRE + 1e9)).astype(np.float32))
    rows[17, 2] = np.nan
    with pytest.raises(ValueError, match=r"^row 117 holds nan"):
        centred(rows, CENTRE, "row", range(100, 123))


def test_the_draw_is_the_keys():
    first, again, other = (drawn(key, 1000, 50) for key in (jax.random.key(1), jax.random.key(1), jax.random.key(2)))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)
    assert len(set(first)) == 50


def test_lengths_and_indices_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="the index runs from 0 to 23, the inputs have 23 rows"):
        source(ROWS, INDEX[:2], index=np.array([0, 23]))
    with pytest.raises(ValueError, match="there are 23 examples and 17 targets: each needs one"):
        source(ROWS, INDEX)
