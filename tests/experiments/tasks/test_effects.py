"""Effects that a model predicts, against those of the learners, and treatments with one arm."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import effects as config_file
from experiments import tasks
from experiments.data import patients
from experiments.data.rows import from_columns
from experiments.tasks import effects
from experiments.tasks.effects import effects_of, model_effects, pehe
from theory.effects import LEARNERS
from valuation.problem import Examples

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2)).astype(np.float32)
W = (RNG.random(60) < 0.5).astype(np.float32)
DATA = Examples(np.column_stack([X, W]), (X[:, 0] + W * (1 + X[:, 1])).astype(np.float32))


class Linear:
    """y = x_0 + w (1 + x_1) + shift w."""

    frozen = ()

    def __init__(self, shift):
        self.params = shift

    @staticmethod
    def apply(params, frozen, inputs):
        return (inputs[:, 0] + inputs[:, 2] * (1 + inputs[:, 1] + params))[:, None]


@pytest.fixture(autouse=True)
def plain_outputs(monkeypatch):
    """Of a model that is no network."""
    monkeypatch.setattr(effects, "outputs", lambda model, x: np.asarray(model.apply(model.params, (), jnp.asarray(x))))


def test_effects_are_differences_of_both_treatments():
    np.testing.assert_allclose(model_effects(Linear(0.5), DATA), 1.5 + X[:, 1], rtol=1e-5)


def test_the_truth_is_the_distance_from_what_learners_find():
    """The outcome has no noise: T, DR and RA find the effect itself, S a constant."""
    found = effects_of(DATA)
    assert set(found) == set(LEARNERS)
    away = np.sqrt(np.square(1.5 + X[:, 1] - found["S"].mean).mean())
    utility, square = pehe(Linear(0.5), DATA)
    np.testing.assert_allclose(utility, -(3 * 0.5 + away) / 4, rtol=1e-4)
    np.testing.assert_allclose(square, 0.25 * W.mean(), rtol=1e-4)


def test_every_mechanism_makes_patients_with_both_treatments():
    task = tasks.load(config_file.get_config("tiny"), None, None)
    floor, _, unit = task.notes["error of the effects that learners find in the train pool"].partition(" ")
    assert 0 < float(floor) < 0.5
    assert unit == effects.DEVIATIONS
    some = task.train.take(np.arange(80))
    for name, mechanism in task.mechanisms.items():
        made = mechanism(some, task.strengths[name][1], jax.random.key(0))
        assert (made.inputs.shape, made.inputs.dtype) == (some.inputs.shape, np.float32), name
        assert set(made.inputs[:, -1]) == {0, 1}, name
        np.testing.assert_array_equal(made.inputs[:, 2:4].sum(1), 1)  # the category is one of both


def test_people_who_differ_in_the_treatment_alone_are_two(monkeypatch):
    x = np.repeat(RNG.normal(size=(130, 2)), 2, axis=0)
    frame = from_columns("twins", {"age": x[:, 0], patients.OUTCOME: x[:, 1]})
    twins = patients.Patients(frame, np.tile([0.0, 1.0], 130), "twins")
    monkeypatch.setattr(patients, "read", lambda config, data_dir: twins)
    assert tasks.load(config_file.get_config("tiny"), None, None).notes["duplicates dropped"] == 0


def people(treatment=None, **changes):
    """As those that are made, with other columns."""
    made = patients.read(SimpleNamespace(dataset="made", examples=260), None)
    columns = {name: column.to_pylist() for name, column in made.frame.columns.items()}
    frame = from_columns("people", columns | changes)
    return made._replace(frame=frame, treatment=made.treatment if treatment is None else treatment)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"treatment": np.ones(260)}, "^training: the treatment 'stopped smoking' is 1 in all 160 rows, expected two"),
        ({"treatment": np.full(260, np.nan)}, "^training: the treatment 'stopped smoking' holds nan, expected 0 and 1"),
        ({"sex": ["a", None, *"ab" * 129]}, "^people, row 1, column 'sex': expected a category, found nothing$"),
        ({"age": [*map(str, range(130)), *["old"] * 130]}, "^people, column 'age': expected numbers, or categories"),
        ({"weight gained": [1e300, *range(259)]}, r"(column 'weight gained'|the target of example).*fill value"),
        ({"weight gained": np.linspace(0, 1e300, 260)}, r"row \d+, column 'weight gained': \S+e\+\d+ is so large that"),
        ({"weight gained": [None, *range(259)]}, "^people, row 0, column 'weight gained': expected a number, found no"),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_patients_that_cannot_be_learned_are_refused_by_column(monkeypatch, changes, words):
    made = people(**changes)
    monkeypatch.setattr(patients, "read", lambda config, data_dir: made)
    with pytest.raises(ValueError, match=words) as caught:
        tasks.load(config_file.get_config("tiny"), None, None)
    assert "leave_out_rows" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", ["nhefs", "known"])
def test_columns_that_are_left_out_are_noted(monkeypatch, data):
    made = people(ward=["a"] * 260, number=[*range(260)])
    monkeypatch.setattr(patients, "read", lambda config, data_dir: made)
    notes = tasks.load(config_file.get_config(f"tiny,data={data}"), None, None).notes
    assert notes["columns left out"] == "'ward' (the same in every row), 'number' (numbers the rows)"
