"""Which of a person's examples are for validation."""

import random

import numpy as np
import pytest

from experiments.data import rows
from experiments.data.own_files import schema_of
from experiments.data.own_rows import checked
from experiments.data.own_splits import beside, copies, divide, renamed
from tests.experiments.data.test_own_files import SIDES, TEXT, TEXTS, N, frame


def rows_of(texts, labels):
    schema = schema_of(frame(**TEXT))
    return checked(rows.from_columns("mine", {"text": texts, "label": labels}), schema)


def test_rows_under_another_name_are_counted():
    """Real rows with new numbers in their id: byte for byte they are others, and so no check of copies sees them."""
    rng = np.random.default_rng(0)
    numbers = {"id": rng.permutation(500)[:80], "a": rng.normal(size=80)}
    columns = numbers | {"w": ["x", "y"] * 40, "target": [0, 0, 1, 1] * 20}
    real = rows.from_columns("real", columns)
    schema = schema_of(real)
    assert schema.naming == ["id"]
    naming = [schema.numeric.index(name) for name in schema.naming]
    others = columns | {"id": columns["id"] + 500, "a": np.where(np.arange(80) < 60, columns["a"], 9)}
    source = checked(rows.from_columns("source", others), schema)
    used = checked(real, schema)
    assert not copies(source, used).any()
    assert renamed(source, used, naming) == 60
    assert renamed(source, used, []) == 0


def test_validation_is_split_off_by_content():
    order = random.Random(0).sample(range(2 * N), 2 * N)
    texts, labels = TEXTS + TEXTS, SIDES + SIDES[::-1]  # each text twice, once with the other label
    whole = divide(rows_of(texts, labels))
    mixed = divide(rows_of([texts[i] for i in order], [labels[i] for i in order]))
    assert (len(whole.real.row), len(whole.validation.row)) == (60, 20)
    assert not copies(whole.real, whole.validation).any()
    assert not copies(whole.validation, whole.real).any()
    assert sorted(whole.validation.examples) == sorted(mixed.validation.examples)
    assert sorted(whole.real.texts + whole.validation.texts) == sorted(texts)
    assert [texts[row] for row in whole.validation.row] == whole.validation.texts
    assert sorted(divide(rows_of(texts, labels), salt="other").validation.texts) != sorted(whole.validation.texts)
    assert len(divide(rows_of(texts, labels), size=15).validation.row) == 30
    assert whole.said == "20 of the 80 real examples are kept for validation, chosen by the hash of what they show."
    for texts, labels, size, words in (
        (TEXTS[:20], SIDES[:20], 0, "mine: 20 different examples, in 20 rows, cannot give 8 for validation"),
        (TEXTS, SIDES, N, "40 different examples, in 40 rows, cannot give 40 for validation and others"),
        (TEXTS, ["pos"] * N, 0, "the examples to learn from have one class only"),
    ):
        with pytest.raises(ValueError, match=words):
            divide(rows_of(texts, labels), size=size)


def test_a_file_for_validation_keeps_its_rows_from_the_real_ones():
    whole = rows_of(TEXTS, SIDES)
    validation = whole.take(np.arange(10))._replace(file="v.csv")
    division = beside(whole, validation)
    assert division.real.texts == TEXTS[10:]
    assert division.validation.texts == TEXTS[:10]
    assert division.real.left_out == {"stands in the validation file": 10}
    assert division.said == (
        "10 examples of v.csv are for validation. 10 real examples stand there too and are left out of the real ones."
    )
    assert beside(whole.take(np.arange(10, N)), validation).said == "10 examples of v.csv are for validation."
    for real, held, words in (
        (validation, whole, "every example stands in mine too"),
        (whole, validation.take(np.arange(3)), r"v\.csv: expected at least 8 different examples"),
        (whole, whole.take(np.arange(0, N, 2)), "mine have one class only"),
    ):
        with pytest.raises(ValueError, match=words):
            beside(real, held)
