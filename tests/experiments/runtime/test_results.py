import json

import numpy as np
import pytest

from experiments.runtime import results

CONFIG = {"name": "images", "scale": "tiny", "training": {"steps": 3}}


def test_lines_come_back_with_arrays_as_lists(tmp_path):
    path = results.start(tmp_path, CONFIG)
    results.append(path, [{"kind": "a", "x": np.arange(3)}, {"kind": "b", "x": np.float32(0.5)}])
    assert results.read(path) == [{"kind": "a", "x": [0, 1, 2]}, {"kind": "b", "x": 0.5}]
    assert results.select(results.read(path), kind="b") == [{"kind": "b", "x": 0.5}]


def test_a_half_written_last_line_is_dropped(tmp_path):
    path = results.start(tmp_path, CONFIG)
    results.append(path, [{"kind": "whole"}])
    with path.open("a") as file:
        file.write('{"kind": "ha')
    assert results.read(results.start(tmp_path, CONFIG)) == [{"kind": "whole"}]


def test_another_config_is_refused_and_the_difference_named(tmp_path):
    results.append(results.start(tmp_path, CONFIG), [{"kind": "something"}])
    with pytest.raises(ValueError, match=r"training\.steps"):
        results.start(tmp_path, CONFIG | {"training": {"steps": 4}})


@pytest.mark.parametrize("text", ["not json", "[1]", '{"no": "kind"}'])
def test_a_corrupt_line_is_named(tmp_path, text):
    path = results.start(tmp_path, CONFIG)
    path.write_text('{"kind": "fine"}\n' + text + '\n{"kind": "fine"}\n')
    with pytest.raises(ValueError, match="line 2"):
        results.start(tmp_path, CONFIG)


def test_a_stamp_tells_config_commit_versions_and_device():
    stamp = results.stamp(CONFIG)
    assert stamp["config"].startswith("images:tiny#")
    assert stamp["config"] != results.stamp(CONFIG | {"scale": "small"})["config"]
    assert "jax=" in stamp["versions"]
    assert "cpu" in stamp["device"].lower()
    assert json.loads(json.dumps(stamp)) == stamp


def test_removed_lines_are_gone_and_the_others_stay(tmp_path):
    path = results.start(tmp_path, CONFIG)
    results.append(path, [{"kind": "a", "draw": 1}, {"kind": "a", "draw": 2}, {"kind": "b", "draw": 1}])
    results.remove(path, kind="a", draw=1)
    assert results.read(path) == [{"kind": "a", "draw": 2}, {"kind": "b", "draw": 1}]
