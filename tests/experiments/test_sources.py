"""Values of arrays and frames: what they may hold, and what is said where a number could be wrong."""

import numpy as np
import pyarrow as pa
import pytest

from experiments.sources import frame_of, value_sources
from tests.experiments.studies.sources.files import columns

QUICK = {"blocks": 2, "orders": 1, "points": 64, "minutes": 1e-6}


class LikePandas:
    """A frame whose mapping has lost a column, as that of pandas would."""

    columns = ("x", "x", "y")

    def to_dict(self, orient):
        return {"x": [2.0], "y": ["a"]}


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(count, 4))
    return x, (x[:, 0] + x[:, 1] > 0).astype(int)


@pytest.mark.parametrize("fill", [-999.0, 1e5])
def test_a_fill_value_in_a_third_of_a_column_is_valued(fill):
    """As a category of its own would be: such rows are far from all others, and from each other as far as they are."""
    x, y = drawn(100, 1)
    x[::3, 1] = fill
    (value,) = value_sources(drawn(160, 0), {"filled": (x, y)}, options=QUICK).values
    assert np.isfinite(value.gain)


def test_what_a_mask_hides_is_missing():
    x, y = drawn(60, 1)
    hidden = np.zeros(x.shape, bool)
    hidden[::3, 1] = True
    read = frame_of("mine", (np.ma.masked_array(x, hidden), y))
    assert np.isnan(np.array(read.columns["x1"].to_pylist(), float)).tolist() == hidden[:, 1].tolist()
    assert read.columns["x0"].to_pylist() == x[:, 0].tolist()


def test_a_column_that_stands_twice_is_named():
    with pytest.raises(ValueError, match="mine: found column 'x' twice"):
        frame_of("mine", pa.table([[1.0], [2.0], ["a"]], names=["x", "x", "y"]))
    with pytest.raises(ValueError, match="mine: found column 'x' twice"):
        frame_of("mine", LikePandas())


@pytest.mark.parametrize("given", [{"times": (2.0, float("inf"))}, {"budget": float("nan")}])
def test_options_are_finite(given):
    x, y = drawn(60, 1)
    with pytest.raises(ValueError, match="expected finite numbers"):
        value_sources((x, y), {"again": (x, y)}, options=given)


def test_categories_that_the_real_file_lacks_and_missing_ones_are_counted():
    given = columns("table")
    more = given["more"] | {"colour": ["green", *given["more"]["colour"][1:]]}
    real = given["real"] | {"colour": [None, "", *given["real"]["colour"][2:]]}
    said = " ".join(value_sources(real, {"more": more}, options=QUICK).data.found)
    assert f"In column 'colour' 1 of {len(more['colour'])} examples of more hold nothing, or a category" in said
    assert f"In column 'colour' 2 of {len(real['colour'])} examples of real hold nothing, or a category" in said


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([None], r"row 0, column 'a': expected a number, found nothing; mend the file, or set leave_out_rows to"),
        ([1e300], r"row 0, column 'a': 1e\+300 (is so large that|lies more than)"),
    ],
)
def test_numbers_that_are_missing_or_too_large_are_named(cells, words):
    given = columns("table")
    real = given["real"] | {"a": [*cells, *given["real"]["a"][len(cells) :]]}
    with pytest.raises(ValueError, match=words):
        value_sources(real, {"more": given["more"]}, options=QUICK)
