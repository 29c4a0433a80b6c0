"""The same key means the same, with the same type, in every config at every scale."""

import importlib
from typing import get_args

import pytest

from configs.schema import GROUPS, described
from experiments.runtime.overrides import fits, kind_of, leaves

VALUATIONS = ("images", "sentiment", "instructions", "reasoning")
ARGUMENTS = [
    *((name, scale) for name in VALUATIONS for scale in ("tiny", "small", "paper")),
    *((name, scale) for name in ("tables", "effects", "composition", "interaction") for scale in ("tiny", "small")),
    ("tables", "small,dataset=nhefs"),
    ("effects", "small,data=known"),
    ("sources", ""),
    *((name, scale) for name in ("phases", "language", "mixing") for scale in ("tiny", "small")),
    ("images", "small,dataset=cifar10"),
    ("images", "small,size=500"),
    ("images", "small,condensed=True"),
    ("sentiment", "small,model=frozen"),
    ("sentiment", "small,features=smollm2"),
    ("instructions", "small,model=smollm2"),
    ("reasoning", "small,model=smollm2"),
]
CONFIGS = {f"{name}:{arg}": importlib.import_module(f"configs.{name}").get_config(arg) for name, arg in ARGUMENTS}


@pytest.mark.parametrize("name", CONFIGS)
def test_keys_of_groups_are_known_and_have_their_type(name):
    grouped = [(key, value) for key, value in leaves(CONFIGS[name]) if set(key.split(".")[:-1]) & set(GROUPS)]
    assert len(grouped) >= 10
    for key, value in grouped:
        about = described(key)
        assert about is not None, f"{key} is not in configs/schema.py"
        assert fits(value, about.type), f"{key} = {value!r} is no {about.type}"


def test_what_a_group_is_called_is_no_value():
    for name, config in CONFIGS.items():
        single = {key for key, _ in leaves(config) if key.rpartition(".")[2] in GROUPS}
        assert single <= {"features.tokens", "sentiment.features.tokens"}, name  # how many a language model reads


def test_a_key_has_one_type_wherever_it_stands():
    """Outside of the groups too, but for methods' options: those are the methods' own."""
    kinds = {}
    for config in CONFIGS.values():
        for key, value in leaves(config):
            if described(key) is None and not key.startswith("options.") and value != ():
                kinds.setdefault(key, set()).add(get_args(kind_of(value))[:1] or (kind_of(value),))
    assert {key: found for key, found in kinds.items() if len(found) > 1} == {}


def test_every_key_that_is_described_is_used():
    used = set()
    for config in CONFIGS.values():
        used |= {id(described(key)) for key, _ in leaves(config)}
    unused = [
        f"{group}.{key}" for group, keys in GROUPS.items() for key, about in keys.items() if id(about) not in used
    ]
    assert unused == []


def test_keys_are_known_by_their_innermost_group():
    assert described("training.steps") is described("facts.training.steps") is GROUPS["training"]["steps"]
    assert described("features.tokens").type is int
    assert described("contributors.axes.size").type == tuple[int, int]
    assert described("training") is described("split.train") is described("draws") is None
