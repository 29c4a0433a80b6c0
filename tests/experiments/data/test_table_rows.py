"""Tables of which every cell is needed: read as a person's own are, or refused by the name of a column."""

import numpy as np
import pytest

from experiments.data.own_files import Options, schema_of
from experiments.data.own_rows import checked
from experiments.data.rows import from_columns
from experiments.data.table_rows import left_out, rows_of

N = 120
WHOLE = {"x": np.linspace(-1, 1, N) ** 3, "word": ["a", "b", "NA"] * 40, "y": ["no", "yes"] * 60}


def frame(**changes):
    return from_columns("a table", WHOLE | changes)


def test_a_whole_table_is_read_as_a_file_of_ones_own():
    schema, rows = rows_of(frame(), "y", "class")
    assert schema == schema_of(frame(), Options("table", {"target": "y"}, "class"))
    assert rows.inputs == checked(frame(), schema).inputs
    assert schema.categorical == {"word": ["NA", "a", "b"]}
    assert left_out(schema) == {}


def test_what_is_left_out_is_said_with_the_reason():
    schema, _ = rows_of(frame(z=["same"] * N, key=[f"k{i}" for i in range(N)], place=[*range(N)]), "y", "class")
    words = "'z' (the same in every row), 'key' (120 different texts), 'place' (numbers the rows)"
    assert left_out(schema) == {"columns left out": words}


def mixed(share):
    """Numbers in so many rows, words in the others, all different."""
    return [str(i / 7) if i < share * N else f"w{i}" for i in range(N)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x": mixed(0.5)}, r"column 'x': expected numbers, or categories, found 120 .*, in 50% .* such as 'w60'$"),
        ({"x": mixed(0.2)}, r"column 'x': expected numbers, or categories, found 120 .*, in 20% .* such as 'w24'$"),
        ({"x": mixed(0.5), "word": ["a"] * N}, r"column 'x': expected numbers, or categories, found 120 different"),
        ({"x": mixed(0.95)}, r"row 114, column 'x': expected a finite number, .*, found 'w114' \(and 5 more rows\)$"),
        ({"x": [0.1, np.nan, *range(N - 2)]}, r"row 1, column 'x': expected a number, found nothing$"),
        ({"word": ["a", "b", None, *["ab"[i % 2] for i in range(N - 3)]]}, r"row 2, column 'word': .*, found nothing$"),
        (
            {"word": ["a", " ", ""] * 40},
            r"row 1, column 'word': expected a category, found nothing \(and 79 more rows\)$",
        ),
        ({"y": ["no", None, "yes"] * 40}, r"row 1, column 'y': expected a label, found nothing \(and 39 more rows\)$"),
        (
            {"x": [1.0] * N, "word": ["a"] * N},
            r"expected features beside the target 'y', found .*the same in every row\)$",
        ),
    ],
)
def test_a_table_with_holes_is_refused_by_column(changes, words):
    with pytest.raises(ValueError, match=words) as caught:
        rows_of(frame(**changes), "y", "class")
    assert str(caught.value).startswith("a table")
    assert "\n" not in str(caught.value)
