import json
from pathlib import Path

import numpy as np
import pytest

from experiments.runtime import results

CONFIG = {"name": "images", "scale": "tiny", "training": {"steps": 3}}


def test_lines_come_back_with_arrays_as_lists(tmp_path):
    path = results.start(tmp_path, CONFIG)
    results.append(path, [{"kind": "tail", "x": np.arange(3)}, {"kind": "run", "x": np.float32(0.5)}])
    assert results.read(path) == [{"kind": "tail", "x": [0, 1, 2]}, {"kind": "run", "x": 0.5}]
    assert results.select(results.read(path), kind="run") == [{"kind": "run", "x": 0.5}]
    assert results.without(results.read(path), kind="run", x=0.5) == [{"kind": "tail", "x": [0, 1, 2]}]


def test_a_half_written_last_line_is_dropped(tmp_path):
    path = results.start(tmp_path, CONFIG)
    results.append(path, [{"kind": "run"}])
    with path.open("a") as file:
        file.write('{"kind": "ha')
    assert results.read(results.start(tmp_path, CONFIG)) == [{"kind": "run"}]


def test_what_a_killed_process_left_half_written_is_dropped(tmp_path):
    (tmp_path / "figures").mkdir()
    ours = [tmp_path / name for name in ("report.md", "partner-1.md", "part-time.txt")]
    drafts = [tmp_path / "part-host-17-report.md", tmp_path / "figures" / "part-a.host-2-3-curve.png"]
    for path in (*ours, *drafts):
        path.touch()
    results.start(tmp_path, CONFIG)
    assert [path for path in (*ours, *drafts) if path.exists()] == ours


def test_another_config_is_refused_and_the_difference_named(tmp_path):
    results.append(results.start(tmp_path, CONFIG), [{"kind": "run"}])
    with pytest.raises(ValueError, match=r"training\.steps"):
        results.start(tmp_path, CONFIG | {"training": {"steps": 4}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", "is not JSON"),
        ("[1]", 'an object with a "kind"'),
        ('{"no": "kind"}', 'an object with a "kind"'),
        ('{"kind": "vlaues"}', "'vlaues' is no kind of line that a study writes, expected one of contributor, "),
    ],
)
def test_a_corrupt_line_is_named(tmp_path, text, words):
    path = results.start(tmp_path, CONFIG)
    path.write_text('{"kind": "tail"}\n' + text + '\n{"kind": "run"}\n')
    with pytest.raises(ValueError, match=f"line 2.*{words}"):
        results.start(tmp_path, CONFIG)


def test_lines_that_stand_twice_are_seen_when_read(tmp_path):
    """Whatever they measured: the same draw, seed, method or curve has one line."""
    path = results.start(tmp_path, CONFIG)
    lines = [{"kind": "values", "draw": d, "method": m, "values": [d]} for d in (1, 2) for m in ("size", "trak")]
    lines += [{"kind": "truth", "draw": 1, "seed": s} for s in (0, 1)] + [{"kind": "ablation", "terms": ["loss"]}]
    results.append(path, lines)
    assert results.read(path) == lines
    results.append(path, [{"kind": "values", "draw": 2, "method": "size", "values": [2.1]}])
    words = r"results\.jsonl, lines 3 and 8 say the same twice \(kind='values', draw=2, method='size'\)"
    for reader in (results.read, results.read_alone):
        with pytest.raises(ValueError, match=words + r".*: remove line 8 and all after it, and run again"):
            reader(path)


def test_recorded_lines_of_old_runs_stay_readable():
    files = sorted((Path(results.__file__).parents[1] / "gallery").rglob("*.jsonl"))
    assert sum(len(results.read(path)) for path in files) > 1000


def test_a_stamp_tells_config_commit_versions_and_device():
    stamp = results.stamp(CONFIG)
    assert stamp["config"].startswith("images:tiny#")
    assert stamp["config"] != results.stamp(CONFIG | {"scale": "small"})["config"]
    assert "jax=" in stamp["versions"]
    assert "cpu" in stamp["device"].lower()
    assert json.loads(json.dumps(stamp)) == stamp
    assert results.stamp(CONFIG | {"task": "images"})["task"] == "images"
    assert "task" not in stamp


def test_a_config_is_adopted_where_it_extends_the_one_that_is_there(tmp_path):
    more = CONFIG | {"draws": (1, 2)}
    path = results.start(tmp_path, CONFIG)
    results.append(path, [{"kind": "terms", "draw": 1}])
    seen = []
    results.start(tmp_path, more, lambda *given: not seen.append(given))
    assert seen == [(CONFIG, CONFIG | {"draws": [1, 2]}, [{"kind": "terms", "draw": 1}])]
    assert results.holds(tmp_path, CONFIG)
    results.adopt(tmp_path, more)
    assert results.holds(tmp_path, more)
    assert not results.holds(tmp_path, CONFIG)


def test_replaced_lines_are_gone(tmp_path):
    path = results.start(tmp_path, CONFIG)
    results.append(path, [{"kind": "terms", "draw": 1}, {"kind": "truth", "draw": 1}])
    results.replace(path, [{"kind": "truth", "draw": 1}])
    assert results.read(path) == [{"kind": "truth", "draw": 1}]
