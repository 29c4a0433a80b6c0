"""Which configs extend another. What a config must be is tested where runs are (test_study.py)."""

import pytest

from configs import images
from experiments.studies.valuation.checks import extends
from experiments.studies.valuation.defaults import complete


def config(**changes) -> dict:
    """The completed config of tiny images, two methods, with these changes of dotted keys."""
    made = images.get_config("tiny")
    made.methods = ("rbf_utility", "size")
    complete(made)
    made.update_from_flattened_dict({key: value for key, value in changes.items() if "." in key})
    made.update({key: value for key, value in changes.items() if "." not in key})
    return made.to_dict()


LINES = [
    {"kind": "values", "draw": 1000, "method": "rbf_utility", "values": [1.0]},
    {"kind": "terms", "draw": 1000, "terms": {}},
]  # of both methods only one has been asked, of draws the first


@pytest.mark.parametrize(
    "changes",
    [
        {"methods": ("rbf_utility", "size", "random")},
        {"methods": ("rbf_utility",)},  # the other one refused the data
        {"draws": 2},
        {"choice": "size", "bootstrap": 7},
        {"validation_sizes": (20, 30), "validation_methods": ("rbf_utility",)},
        {"options.rbf_margin.ridge": 0.1},  # of a method that has no lines
    ],
)
def test_more_of_the_same_extends(changes):
    assert extends(config(), config(**changes), LINES)


@pytest.mark.parametrize(
    "changes",
    [
        {"methods": ("size",)},
        {"draws": 0},
        {"seed": 7},
        {"split.salt": "b"},
        {"training.steps": 31},
        {"options.rbf_utility.ridge": 1.0},
        {"options.score_scale_free.ridge": 1.0},  # of the ablation's terms
    ],
)
def test_what_changes_a_recorded_number_does_not(changes):
    assert not extends(config(), config(**changes), LINES)


def test_a_run_of_earlier_code_goes_on_where_what_it_lacks_is_as_it_was():
    new = config()
    old = {key: dict(value) if key == "model" else value for key, value in new.items() if key != "available"}
    assert extends(old, new, LINES)
    old["model"].pop("name")
    assert not extends(old, new, LINES)  # a name is a choice that was made without a word
    assert extends(old, new | {"model": new["model"] | {"name": ""}}, LINES)
