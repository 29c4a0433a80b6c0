import re

import ml_collections
import pytest

from configs import images, phases
from experiments.runtime.overrides import override, read, separated


def test_values_take_the_type_of_their_key():
    config = images.get_config("tiny").lock()
    texts = {
        "training.steps": ("3", 3),
        "training.learning_rate": ("1", 1.0),
        "truth": ("none", "none"),
        "contributors.axes.size": ("(30, 40)", (30, 40)),
        "contributors.axes.kept": ("0", (0,)),  # one of a list of any length
        "contributors.axes.real_share": ("0, 0.5", (0.0, 0.5)),
        "contributors.axes.mechanism": ("noise,blur", ("noise", "blur")),  # no shell leaves quotes where they are
        "contributors.explicit": ("{'size': 10}, {'size': 20}", ({"size": 10}, {"size": 20})),
    }
    override(config, [(key, text) for key, (text, _) in texts.items()])
    for key, (_, value) in texts.items():
        found = config
        for name in key.split("."):
            found = found[name]
        assert found == value, key
        assert type(found) is type(value)
    assert config.is_locked


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("trainin.steps", "3", "unknown key config.trainin.steps: did you mean config.training.steps?"),
        ("training.stesp", "3", "config.training has batch, learning_rate, steps"),
        ("training", "3", "config.training is a group of keys: expected one of config.training.batch"),
        ("training.steps", "abc", "config.training.steps = abc: expected a whole number, such as 30"),
        ("training.steps", "1.5", "expected a whole number"),
        ("training.learning_rate", "fast", "config.training.learning_rate = fast: expected a number"),
        ("contributors.axes.size", "100", "expected a pair of whole numbers, such as (20, 100)"),
        ("contributors.axes.size", "(1, 2, 3)", "expected a pair of whole numbers"),
        ("contributors.axes.kept", "(1, 'two')", "expected any number of whole numbers"),
        ("contributors.explicit", "(1, 2)", "expected any number of dicts"),
    ],
)
def test_a_mistake_names_the_key_and_what_was_expected(key, text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        override(images.get_config("tiny"), [(key, text)])


def test_a_key_outside_of_the_groups_takes_the_type_of_its_default():
    config = phases.get_config("tiny")
    override(config, [("facts.shares", "0.5, 1"), ("facts.all_real", "false"), ("facts.training.steps", "7")])
    assert config.facts.shares == (0.5, 1.0)
    assert config.facts.all_real is False
    assert config.facts.training.steps == 7
    with pytest.raises(ValueError, match=r"config\.fast = maybe: expected True or False"):
        read("fast", "maybe", True)


def test_overrides_are_told_from_other_arguments():
    line = [
        "run",
        "--config=a.py:tiny",
        "--config.a.b=1=2",
        "--config.c",
        "-3",
        "--workdir=w",
        "--noconfig.d",
        "--config.e",
    ]
    found, others = separated(line)
    assert found == [("a.b", "1=2"), ("c", "-3"), ("d", "False"), ("e", "True")]
    assert others == ["run", "--config=a.py:tiny", "--workdir=w"]


def test_keys_that_are_filled_in_later_can_be_set():
    config = ml_collections.ConfigDict({"options": {}}).lock()
    with config.unlocked():
        config.options.method = {"bandwidth": 0.5}
    override(config, [("options.method.bandwidth", "2")])
    assert config.options.method.bandwidth == 2.0
