"""Whatever stands behind --config and in overrides becomes a config of the described types, or one line."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.schema import described
from experiments.run import complete
from experiments.runtime import launch
from experiments.runtime.overrides import fits, kind_of, leaves, read, separated
from tests.fuzz.refusals import said_or_none

FILES = ("images", "instructions", "language", "mixing", "phases", "reasoning", "sentiment", "sources")
SCALES = (
    "", "tiny", "small", "paper", "tinny", "tiny,", ",", "=", "tiny,seed=", "small,draws=2", "tiny,salt=é,", "\x1b[2J",
)  # fmt: skip
OPTIONS = ("seed", "draws", "repeats", "contributors", "truth", "size", "salt", "nothing")
values = st.sampled_from(
    ("", " ", "1", "-1", "0", "1e400", "nan", "-inf", "1e-400", "true", "None", "()", "(1,)", "1,2", "(1, 'a')", "[",
     "{}", "{'a': 1}", "'a'", "a,b", "0x10", "1_0", "٣", "9" * 400, "(" * 200, "__import__('os')", "\x00", "\x1b[2J",
     "a\nb", "~")
) | st.text(max_size=12) | st.integers().map(str) | st.floats().map(str)  # fmt: skip


@functools.cache
def config_of(name: str):
    return launch.read_config(f"configs/{name}.py", [], complete)


@given(data=st.data())
def test_an_override_is_a_value_of_its_type_or_one_line(data):
    name = data.draw(st.sampled_from(FILES))
    keys = dict(leaves(config_of(name)))
    key = data.draw(st.sampled_from(sorted(keys)))
    spelled = data.draw(
        st.sampled_from((key, key, key, key[:-1], key.rpartition(".")[0], key.upper(), f"{key}.x", "\x1b[2J"))
    )
    arguments = [f"--config.{spelled}={data.draw(values)}", *data.draw(st.lists(values, max_size=1))]
    overrides, rest = separated(arguments)
    assert len(overrides) + len(rest) == len(arguments)
    config = said_or_none(launch.read_config, f"configs/{name}.py", overrides, complete)
    if config is None:
        return
    for key, value in leaves(config):
        assert fits(value, kind_of(keys[key]) if keys[key] != () and described(key) is None else object), key
        numbers = [one for one in (value if isinstance(value, tuple) else [value]) if isinstance(one, (int, float))]
        assert all(np.isfinite(one) and one >= 0 for one in numbers), key


@given(name=st.sampled_from(FILES), scale=st.sampled_from(SCALES), option=st.sampled_from(OPTIONS), value=values)
def test_what_stands_behind_the_colon_is_a_config_or_one_line(name, scale, option, value):
    config = said_or_none(launch.read_config, f"configs/{name}.py:{scale},{option}={value}", [], complete)
    assert config is None or config.is_locked


@given(data=st.data())
def test_what_a_value_is_written_as_is_read_as_that_value(data):
    name = data.draw(st.sampled_from(FILES))
    key, value = data.draw(st.sampled_from(sorted(leaves(config_of(name)), key=lambda leaf: leaf[0])))
    other = {
        bool: st.booleans(), int: st.integers(0, 2**32), float: st.floats(0, 1e300), str: st.text(max_size=9),
    }.get(type(value), st.just(value))  # fmt: skip
    given_value = data.draw(other)
    assert read(key, str(given_value), value) == given_value


@pytest.mark.parametrize(
    "path", ["", " ", "configs", "configs/none.py", "\x00", "x" * 300, "~nobody/x.py", "README.md"]
)
def test_a_path_that_is_no_config_is_one_line(path):
    assert said_or_none(launch.read_config, path, [], complete) is None
