"""What a run says of its values beforehand, and what it refuses."""

from types import SimpleNamespace

import pytest

from configs import images
from experiments.studies.valuation import sizes
from tests.problems import corners
from valuation.workers import use_workers

TASK = SimpleNamespace(
    model=corners().model, validation=corners().validation, features=corners().features, learner="dense",
    objective=corners().objective, train=corners().pool,
)  # fmt: skip


def config(*methods):
    given = images.get_config("tiny")
    given.methods = methods
    return given


def test_methods_that_take_long_or_much_are_named(monkeypatch):
    monkeypatch.setattr(sizes, "flops_a_second", lambda: 5e10)
    words = sizes.of_run(config("size", "ntk_utility", "mmd_only"), TASK, [[100, 50], [6_000, 10]])
    assert words.startswith("estimate: values of the largest contributor, 6,000 examples of 5 features, at 50 GFLOP/s: "
                            "ntk_utility 1 s and 1.0 GB")  # fmt: skip
    assert "size" not in words
    assert sizes.of_run(config("size"), TASK, [[100]]).endswith(": less than 1 s and 0.1 GB")


def test_what_does_not_fit_is_refused_before_anything_is_trained():
    words = ("config.methods: loss_only of a contributor of 60,000 examples, 60,100 in all, needs 100.8 GB, 16.0 GB "
             "are free: leave it out, or take rbf_relative, which needs 0.84 GB")  # fmt: skip
    with use_workers(available=16 * 10**9):
        with pytest.raises(ValueError, match=words):
            sizes.of_run(config("loss_only"), TASK, [[100, 60_000]])
        assert "rbf_relative" in sizes.of_run(config("rbf_relative"), TASK, [[100, 1_000_000]])


def test_what_a_task_leaves_without_values_is_refused_before_anything_is_trained():
    few = corners().validation._replace(targets=0 * corners().validation.targets)
    missing, convolutional = SimpleNamespace(**vars(TASK)), SimpleNamespace(**vars(TASK))
    missing.validation, convolutional.learner = few, "convolutional"
    with pytest.raises(ValueError, match=r"config.methods: lava cannot be asked: the train pool has examples of class"):
        sizes.of_run(config("lava"), missing, [[100]])
    with pytest.raises(ValueError, match=r"shapley cannot be asked: ntk_relative cannot .* surrogate=rbf_relative"):
        sizes.of_run(config("shapley"), convolutional, [[100, 60_000]])


def test_the_measured_speed_is_that_of_a_computer():
    assert 1e7 < sizes.flops_a_second() < 1e14
