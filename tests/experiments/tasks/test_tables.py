"""Tables of both kinds, their mixtures, and tables that no task can be made of."""

import jax
import numpy as np
import pytest

from configs import tables as config_file
from experiments import tasks
from experiments.data import tables
from experiments.data.rows import from_columns
from experiments.data.table_rows import rows_of
from experiments.studies.valuation import study
from experiments.tasks import mixture
from experiments.tasks.tables import PARTS, other_numbers, quantiles, unseen
from valuation.problem import Examples


def loaded(arg="tiny"):
    return tasks.load(config_file.get_config(arg), None, None)


@pytest.mark.parametrize("arg", ["tiny", "tiny,dataset=made_numbers"])
def test_contributors_of_every_mechanism(arg):
    config, task = config_file.get_config(arg), loaded(arg)
    assert task.objective.kind == tasks.OBJECTIVES[config.task]
    specs = study.specifications(config, task, jax.random.key(1))
    specs += [mixture.Spec(name, 40, 0.5, name, values[-1], 0, 0.2) for name, values in task.strengths.items()]
    pool, made = mixture.build(
        jax.random.key(0), specs, task.train, task.groups, task.mechanisms, task.corrupt_labels, 1.0
    )
    for spec, one in zip(specs, made, strict=True):
        assert len(one.index) == spec.size
        assert np.isfinite(pool.inputs[one.index]).all()
    assert set(task.groups) == set(range(2 if task.objective.has_classes else 5))


def test_wrong_numbers_are_those_of_other_examples():
    some = Examples(np.zeros((50, 1)), np.arange(50.0))
    wrong = np.arange(50) < 20
    made = other_numbers(some, wrong, np.random.default_rng(0))
    assert (made.targets[wrong] != some.targets[wrong]).all()
    np.testing.assert_array_equal(made.targets[~wrong], some.targets[~wrong])
    assert set(made.targets) <= set(some.targets)
    np.testing.assert_array_equal(np.bincount(quantiles(some.targets, 5)), 10)


def columns(**changes):
    rng = np.random.default_rng(0)
    base = {"x": rng.normal(size=260), "word": ["ab"[i % 2] for i in range(260)], "y": ["no", "yes"] * 130}
    return base | changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x": [None, *range(259)]}, r"row 0, column 'x': expected a number, found nothing"),
        ({"x": [np.inf, *np.arange(259.0)]}, r"row 0, column 'x': expected a finite number"),
        ({"x": ["1"] * 250 + ["many"] * 10}, r"row 250, column 'x': expected a finite number, .*found 'many'"),
        ({"x": [1.0] * 260, "word": ["a"] * 260}, r"'x' \(the same in every row\), 'word' \(the same in every row\)"),
        ({"y": ["yes"] * 260}, r"column 'y': expected at least two classes, found yes only"),
        ({"y": ["no", "yes"] * 129 + ["maybe"] * 2}, r"class 'maybe' of column 'y': none of the .* rows has it"),
        ({"x": [*map(str, range(130)), *["old"] * 130]}, r"column 'x': expected numbers.*, in 50% of the rows numbers"),
        (
            {"word": [None, "a", "", *["ab"[i % 2] for i in range(257)]]},
            r"row 0, column 'word': .* \(and 1 more rows\)$",
        ),
        ({"x": [1e300, *np.arange(259.0)]}, r"row 0, column 'x': 1e\+300 (is so large that|lies more than)"),
        (
            {"x": np.arange(-130, 130) * 1e306},
            r"row \d+, column 'x': \S+e\+308 is so large that the column has no finite",
        ),
        ({"x": 1e308 + np.arange(260) * 1e300}, r"row \d+, column 'x': 1e\+308 is so large that the column has no"),
        ({f"x{i}": np.random.default_rng(i).normal(size=260) for i in range(160)}, r"160 rows are left to train on"),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_tables_that_cannot_be_learned_are_refused(monkeypatch, changes, words):
    frame = from_columns("a table", columns(**changes))
    monkeypatch.setattr(tables, "read", lambda config, data_dir: tables.Table(frame, "y", "class", "made"))
    with pytest.raises(ValueError, match=words) as caught:
        loaded()
    assert "--config" not in str(caught.value)
    assert "leave_out_rows" not in str(caught.value)
    assert "\n" not in str(caught.value)


NO_VALIDATION = "categories that no validation row has"
NO_TRAINING = "categories that validation or test rows have and no training row"


@pytest.mark.parametrize(("row", "said"), [(0, [NO_VALIDATION]), (4, [NO_TRAINING]), (8, [NO_VALIDATION, NO_TRAINING])])
def test_categories_that_a_part_lacks_are_named(row, said):
    """Of twelve rows, four a part; one of them has a category of its own."""
    word = ["ab"[i % 2] if i != row else "rare" for i in range(12)]
    frame = from_columns(
        "a table", {"x": np.arange(12) ** 2, "word": word, "also": ["c", "d"] * 6, "y": [0.5, 2.5] * 6}
    )
    schema, rows = rows_of(frame, "y", "number")
    parts = {part: rows.take(np.arange(4) + 4 * i) for i, part in enumerate(PARTS)}
    assert unseen(schema, parts) == dict.fromkeys(said, "'word': rare")


def test_a_rare_category_is_among_the_notes(monkeypatch):
    frame = from_columns("a table", columns(word=["a", "b", "a", "rare"] + ["ab"[i % 2] for i in range(256)]))
    monkeypatch.setattr(tables, "read", lambda config, data_dir: tables.Table(frame, "y", "class", "made"))
    assert loaded().notes[NO_VALIDATION] == "'word': rare"


def test_columns_that_are_left_out_are_noted(monkeypatch):
    frame = from_columns("a table", columns(z=[1.0] * 260, number=[*range(260)], none=[None] * 260))
    monkeypatch.setattr(tables, "read", lambda config, data_dir: tables.Table(frame, "y", "class", "made"))
    notes = loaded().notes
    assert notes["columns left out"] == "'z' (the same in every row), 'number' (numbers the rows), 'none' (empty)"
    assert notes["columns"] == "1 of numbers, 1 of categories"
