"""What contributors with a known effect are worth, and that learners find it."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from configs import effects as config_file
from experiments import tasks
from experiments.studies.valuation.descriptions import described
from experiments.tasks import mixture
from experiments.tasks.causal_tables import causes_of, error_of_effect
from experiments.tasks.effects import effects_of
from experiments.tasks.mixture import Spec
from tests.experiments.tasks.test_effects import DATA, Linear, W, X, plain_outputs  # noqa: F401  a fixture for all
from theory.effects import hidden_bias

CONFIG = config_file.get_config("tiny,data=known")


@pytest.fixture(scope="module")
def task():
    return tasks.load(CONFIG, None, None)


def test_contributors_have_the_effect_and_the_bias_that_they_are_given(task):
    many = task.train.take(np.resize(np.arange(len(task.train.inputs)), 4000))
    paper = [float(one.split(": ")[1]) for one in task.notes["bias of the effect on paper, by rho"].split(", ")]
    assert paper[0] == 0
    for rho, bias in zip(task.strengths["hidden"], paper, strict=True):
        found = effects_of(task.mechanisms["hidden"](many, rho, jax.random.key(1)))["S"]
        assert abs(found.mean - 2 - bias) < 0.1 * bias + 4 * found.error
    for share in task.strengths["effect"]:
        found = effects_of(task.mechanisms["effect"](many, share, jax.random.key(1)))["S"]
        assert abs(found.mean - 2 * share) < 4 * found.error


def test_a_contributor_is_worth_its_share_of_the_bias(task):
    """Of shares that are given; the bias of rho by the formula on rows of their own."""
    specs = [Spec("real", 50), Spec("hidden", 80, 0.25, "hidden", 0.6), Spec("effect", 50, 0.5, "effect", -1.0)]
    given = (task.train, task.groups, task.mechanisms, task.corrupt_labels)
    _, made = mixture.build(jax.random.key(0), specs, *given)
    worth = {one.name: task.paper_worth(one) for one in made}
    bias = float(task.notes["bias of the effect on paper, by rho"].split("0.6: ")[1].split(",")[0])
    assert worth["real"] == 0
    assert worth["hidden"] == pytest.approx(-0.75 * bias, abs=0.005)  # the note has two decimals
    assert worth["effect"] == pytest.approx(-0.5 * 2 * 2.0)
    beside = mixture.union(made[0], made[2])
    assert task.paper_worth(beside) == pytest.approx(-0.25 * 2 * 2.0)
    line = described(task, SimpleNamespace(pool=task.train), made[0], specs[0], 0)
    assert line["paper_worth"] == 0


def test_the_truth_is_the_error_of_the_chosen_effect():
    utility, square = error_of_effect(1.0, Linear(0.5), DATA)
    np.testing.assert_allclose(utility, -np.sqrt(np.square(0.5 + X[:, 1]).mean()), rtol=1e-4)
    np.testing.assert_allclose(square, 0.25 * W.mean(), rtol=1e-4)


def test_causes_have_the_lengths_that_are_chosen():
    causes = causes_of(CONFIG.causes, 3, np.random.default_rng(0))
    np.testing.assert_allclose([np.linalg.norm(causes.treatment), np.linalg.norm(causes.outcome)], [0.7, 1.0])
    assert hidden_bias(np.zeros(3), 1.0, 1.0) == pytest.approx(4 / np.sqrt(2 * np.pi))
