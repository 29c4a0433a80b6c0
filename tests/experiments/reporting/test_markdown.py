"""Numbers, intervals and tables as they were written by hand in the first reports."""

import pytest

from experiments.reporting import markdown


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "∞"), (0.12345, "0.123"), (1000, "1,000"), (-1234.5, "-1,234"), (7, "7")],
)
def test_a_number_has_three_digits_or_commas(value, text):
    assert markdown.number(value) == text


def test_spans_name_both_ends():
    assert markdown.span((0.5, None)) == "0.5 to ∞"
    assert markdown.span((0.25, 1), markdown.decimal) == "0.250 to 1.000"
    assert markdown.with_span(2500, (1000, None)) == "2,500 (1,000 to ∞)"
    assert markdown.with_span(None, (0, 1), markdown.decimal) == "– (0.000 to 1.000)"


def test_a_table_has_as_many_columns_as_its_head_and_empty_cells_stay():
    made = markdown.table(["", "contributor", "value"], [["1.", "00", "0.5"], ["2.", "01", ""]])
    assert made == "| | contributor | value |\n|---|---|---|\n| 1. | 00 | 0.5 |\n| 2. | 01 | |"


def test_one_is_no_plural():
    assert [markdown.plural(count, "draw") for count in (0, 1, 2)] == ["0 draws", "1 draw", "2 draws"]
