"""Tables of both kinds, their mixtures, and tables that no task can be made of."""

import jax
import numpy as np
import pytest

from configs import tables as config_file
from experiments import tasks
from experiments.data import tables
from experiments.data.rows import from_columns
from experiments.studies.valuation import study
from experiments.tasks import mixture
from experiments.tasks.tables import other_numbers, quantiles
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
        ({f"x{i}": np.random.default_rng(i).normal(size=260) for i in range(160)}, r"160 rows are left to train on"),
    ],
)
def test_tables_that_cannot_be_learned_are_refused(monkeypatch, changes, words):
    frame = from_columns("a table", columns(**changes))
    monkeypatch.setattr(tables, "read", lambda config, data_dir: tables.Table(frame, "y", "class", "made"))
    with pytest.raises(ValueError, match=words):
        loaded()


def test_categories_that_validation_lacks_are_named(monkeypatch):
    frame = from_columns("a table", columns(word=["a", "b", "a", "rare"] + ["ab"[i % 2] for i in range(256)]))
    monkeypatch.setattr(tables, "read", lambda config, data_dir: tables.Table(frame, "y", "class", "made"))
    assert loaded().notes["categories that no validation row has"] == "'word': rare"
