"""Parts of a run put together: the run goes on there and ends as if it had never been cut."""

import json
import shutil

import pytest

from configs import images
from experiments import tasks
from experiments.runtime import mesh, results
from experiments.runtime.lock import locked
from experiments.runtime.merge import merge
from experiments.studies.valuation import study

FREE = {"seconds", "peak_megabytes"}


def config():
    made = images.get_config("tiny,draws=2,truth=none,contributors=4")
    made.methods = ("size", "real_count", "random")
    made.choice, made.contributors.axes.mechanism = "size", ("noise",)
    return made


@pytest.fixture(scope="module", autouse=True)
def one_task():
    """The task is made once for all runs here; it depends on the config alone."""
    made = tasks.load(config(), None, mesh.devices())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "load", lambda *_: made)
        yield


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folders = [tmp_path_factory.mktemp(f"part-{draw}") for draw in (1000, 1001)]
    for draw, folder in zip((1000, 1001), folders, strict=True):
        study.run_draws(config(), str(folder), None, (draw,))
    return folders


def said(folder) -> list[dict]:
    lines = [{k: v for k, v in line.items() if k not in FREE} for line in results.read_alone(folder / results.FILE)]
    return sorted(lines, key=lambda line: json.dumps(results.names(line)))


def test_merged_parts_end_as_the_whole_run_does(parts, tmp_path):
    merge("valuation", parts, tmp_path / "merged")
    study.run(config(), str(tmp_path / "merged"), None)
    study.run(config(), str(tmp_path / "whole"), None)
    assert said(tmp_path / "merged") == said(tmp_path / "whole")
    assert (tmp_path / "merged" / "report.md").exists()
    before = (tmp_path / "merged" / results.FILE).read_bytes()
    merge("valuation", parts, tmp_path / "merged")  # once more, with what is there
    assert (tmp_path / "merged" / results.FILE).read_bytes() == before


def test_a_part_that_was_killed_within_a_line_and_a_finished_one(parts, tmp_path):
    """Of the one its whole lines are taken, of the other one its seconds too; nobody else may work in the workdir."""
    for part in parts:
        shutil.copytree(part, tmp_path / part.name)
    cut, done = (tmp_path / part.name / results.FILE for part in parts)
    cut.write_bytes(cut.read_bytes()[:-20])
    results.append(done, [{"kind": "run", "seconds": 50.0}])
    with locked(tmp_path / "x"), pytest.raises(ValueError, match="x is in use by process"):
        merge("valuation", [cut.parent, done.parent], tmp_path / "x")
    lines = results.read_alone(merge("valuation", [cut.parent, done.parent], tmp_path / "x"))
    first, second = (results.read_alone(part / results.FILE) for part in parts)
    assert lines[:-1] == [*first[:-1], *second]
    assert lines[-1] == {"kind": "earlier run", "seconds": 50.0}


def test_what_does_not_belong_together_is_refused(parts, tmp_path):
    with pytest.raises(ValueError, match="holds no run"):
        merge("valuation", [tmp_path], tmp_path / "x")
    with pytest.raises(ValueError, match="draw 7 is none of the run: expected some of 1000 to 1001"):
        study.run_draws(config(), str(tmp_path / "y"), None, (7,))
    for name, change in (("other", lambda c: c | {"seed": 5}), ("said", dict)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(change(json.loads((parts[0] / "config.json").read_text()))))
        lines = results.read_alone(parts[0] / results.FILE)
        lines[-1] = lines[-1] | {"values": [9.0] * 4}
        (folder / results.FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ValueError, match="different configs"):
        merge("valuation", [parts[0], tmp_path / "other"], tmp_path / "x")
    with pytest.raises(ValueError, match="two different lines"):
        merge("valuation", [parts[0], tmp_path / "said"], tmp_path / "x")
    assert not [*(tmp_path / "x").iterdir()]
