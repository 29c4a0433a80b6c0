import ml_collections
import pytest

from configs import images, instructions, reasoning, sentiment
from experiments import tasks
from experiments.studies.valuation.defaults import complete
from valuation.methods import METHODS, default_methods
from valuation.objective import OBJECTIVES

CONFIGS = {"images": images, "sentiment": sentiment, "instructions": instructions, "reasoning": reasoning}


def completed(task: str, arg: str) -> ml_collections.ConfigDict:
    config = CONFIGS[task].get_config(arg)
    complete(config)
    return config


@pytest.mark.parametrize("task", CONFIGS)
def test_every_method_of_the_table_has_every_option(task):
    config = completed(task, "tiny")
    assert config.methods == default_methods(tasks.OBJECTIVES[task], 0)
    assert config.choice in config.methods
    for name in config.methods:
        assert set(config.options[name]) == set(METHODS[name].defaults())
    assert config.options.rbf_utility.to_dict() == {"ridge": 0.01, "bandwidth": 0.5}
    assert config.options.logra.rank == (8 if config.task in ("images", "sentiment") else 4)  # what tiny says stays


def test_a_complete_config_stays():
    config = completed("images", "tiny,truth=leave_one_out").lock()
    assert config.options.tracin.reduction == "sum"
    config.options.rbf_utility.ridge = 0.5
    config.methods = ("size", "rbf_utility")
    before = config.to_dict()
    complete(config)
    assert config.to_dict() == before
    assert config.is_locked


def test_what_costs_more_than_there_is_memory_is_left_out():
    assert "deviation" not in completed("instructions", "paper").methods
    assert "deviation" in completed("images", "small").methods
    assert "deviation" not in completed("sentiment", "small,axes=True").methods  # 22,000 examples, 24 GB
    config = images.get_config("tiny")
    config.contributors.explicit = ({"size": 40_000},)
    complete(config)
    assert "deviation" not in config.methods


def test_every_task_says_what_is_learned():
    assert set(tasks.OBJECTIVES) == set(tasks.TASKS)
    assert set(tasks.OBJECTIVES.values()) <= set(OBJECTIVES)
