"""The skeleton with a study that counts: killed at every place where it could be, and run again."""

import itertools
import resource

import pytest

from experiments.runtime import files, kinds, results, study
from experiments.runtime.kinds import STUDIES
from experiments.runtime.study import Step
from tests.experiments.runtime.counting import CONFIG, KINDS, Killed, contents, stub


@pytest.fixture(autouse=True)
def described(monkeypatch):
    monkeypatch.setitem(STUDIES, "stub", KINDS)


@pytest.fixture
def whole(tmp_path):
    """(the folder of a run that nothing stopped, its files)."""
    study.run(stub([]), tmp_path / "whole")
    return tmp_path / "whole", contents(tmp_path / "whole")


def test_a_run_leaves_its_lines_with_their_stamp_and_its_report(whole):
    _, found = whole
    lines = found["results.jsonl"]
    assert set(found) == {"config.json", "results.jsonl", "report.md", "figures/a.txt"}
    assert [line["kind"] for line in lines] == 3 * ["square", "part", "part"] + ["total", "total", "run"]
    assert found["report.md"] == "5"
    assert all(line["config"].startswith("stub:tiny#") for line in lines)
    assert lines[-1]["notes"] == {"numbers": 3}


def test_killed_between_any_two_lines_a_rerun_ends_with_the_same_files(whole, tmp_path):
    """Wherever the file ends, also within a line; nothing that is there is made again, but what `remake` names."""
    folder, expected = whole
    content = (folder / "results.jsonl").read_text()
    lines = content.splitlines(keepends=True)
    for count in range(len(lines) + 1):
        workdir, made = tmp_path / str(count), []
        workdir.mkdir()
        (workdir / "config.json").write_text((folder / "config.json").read_text())
        (workdir / "results.jsonl").write_text("".join(lines[:count]) + "".join(lines[count : count + 1])[:9])
        study.run(stub(made), workdir)
        assert contents(workdir) == expected
        every = [0, (0, 0), (0, 1), 1, (1, 0), (1, 1), 2, (2, 0), (2, 1)]
        assert made == every[1 if count == 2 else count :]


@pytest.mark.parametrize("place", ["append", "write_text"])
def test_killed_by_an_exception_anywhere_a_rerun_ends_with_the_same_files(whole, tmp_path, monkeypatch, place):
    """Before and after every write: of config, lines, figures and page."""
    module = results if place == "append" else files
    write, expected = getattr(module, place), whole[1]

    def ended(at: int, before: bool, workdir) -> bool:
        """Whether a run ends, though killed at that call of the function."""
        calls = []

        def killing(*arguments, **named):
            calls.append(place)
            if len(calls) == at and before:
                raise Killed
            write(*arguments, **named)
            if len(calls) == at:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(module, place, killing)
            try:
                study.run(stub([]), workdir)
            except Killed:
                return False
        return True

    for at in range(1, 20):
        workdirs = [tmp_path / f"{at}-{before}" for before in (True, False)]
        every = [ended(at, before, workdir) for before, workdir in zip((True, False), workdirs, strict=True)]
        for workdir in workdirs:
            study.run(stub([]), workdir)
            assert contents(workdir) == expected
        if all(every):
            break
    assert all(every)
    assert at == {"append": 8, "write_text": 4}[place]


@pytest.mark.parametrize("tenth", range(10))
def test_a_full_disk_anywhere_is_an_error_of_the_system_and_a_rerun_ends_with_the_same_files(whole, tmp_path, tenth):
    """No file may grow beyond some tenths of the longest one: a write is cut off there, within a line or a page."""
    folder, expected = whole
    full, (_, unlimited) = tmp_path / "full", resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = tenth * (folder / "results.jsonl").stat().st_size // 10
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited))
        with pytest.raises(OSError, match=f"File too large: '{full}/"):
            study.run(stub([]), full)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
    assert not list(full.rglob("part-*"))
    study.run(stub([]), full)
    assert contents(full) == expected


def test_a_finished_run_is_left_alone_and_a_missing_report_is_written(whole, capsys):
    folder, expected = whole
    before, made = (folder / "results.jsonl").read_bytes(), []
    study.run(stub(made), folder)
    assert "nothing is computed again" in capsys.readouterr().out
    (folder / "report.md").unlink()
    study.run(stub(made), folder)
    assert contents(folder) == expected
    assert (folder / "results.jsonl").read_bytes() == before
    assert made == []


def test_a_run_that_is_not_finished_has_no_report_of_an_earlier_one(whole):
    folder, expected = whole
    lines = (folder / "results.jsonl").read_text().splitlines(keepends=True)
    (folder / "results.jsonl").write_text("".join(lines[:-1]))

    def write(workdir):
        assert not (workdir / "report.md").exists()
        raise Killed

    with pytest.raises(Killed):
        study.run(stub([])._replace(write=write), folder)
    study.run(stub([]), folder)
    assert contents(folder) == expected


def test_the_scratch_of_a_step_goes_once_its_lines_are_recorded_and_not_before(tmp_path, monkeypatch):
    """Also where the process was killed between the two."""
    scratch, line = tmp_path / "run" / "checkpoints" / "one", {"kind": "square", "number": 1, "square": 1}

    def make():
        scratch.mkdir(parents=True)
        return [line]

    def steps(lines):
        yield Step([{"kind": "square", "number": 1}], make, scratch=scratch)

    def killed(*_):
        assert scratch.exists()
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(results, "append", killed)
        with pytest.raises(Killed):
            study.run_steps("stub", CONFIG, steps, tmp_path / "run")
    assert scratch.exists()
    scratch.rmdir()
    study.run_steps("stub", CONFIG, steps, tmp_path / "run")
    assert not scratch.exists()
    scratch.mkdir(parents=True)
    assert len(study.run_steps("stub", CONFIG, steps, tmp_path / "run")) == 1
    assert not scratch.exists()


def test_steps_alone_are_recorded_and_the_run_takes_them_up(whole, tmp_path):
    plan, made = stub([]), []
    lines = study.run_steps("stub", CONFIG, plan.steps, tmp_path / "run")
    assert {line["kind"] for line in lines} == {"square", "part"}
    study.run(stub(made), tmp_path / "run")
    assert contents(tmp_path / "run") == whole[1]
    assert made == []


def test_a_run_whose_config_is_extended_goes_on(whole, tmp_path):
    """A finished run of one number is asked for three: two are made, and the files are those of a run of three; its
    seconds are those of both.
    """
    made: list = []
    three = stub(made)._replace(extends=lambda old, new, lines: old["size"] < new["size"])
    one = three._replace(config=CONFIG | {"size": 1}, steps=lambda lines: itertools.islice(three.steps(lines), 2))
    study.run(one, tmp_path / "run")
    first, path = list(made), tmp_path / "run" / results.FILE
    *others, last = results.read(path)
    results.replace(path, [*others, last | {"seconds": 1000.0}])
    study.run(three, tmp_path / "run")
    (last,) = results.select(results.read(path), kind="run")
    assert 1000 < last["seconds"] < 1100
    assert first + made[len(first) :] == [0, (0, 0), (0, 1), 1, (1, 0), (1, 1), 2, (2, 0), (2, 1)]
    expected, received = whole[1], contents(tmp_path / "run")
    for files_ in (expected, received):
        files_["results.jsonl"] = [{k: v for k, v in x.items() if k != "config"} for x in files_["results.jsonl"]]
    assert received == expected
    with pytest.raises(ValueError, match=r"another config \(they differ in size\)"):
        study.run(one, tmp_path / "run")


def test_a_finished_run_that_lacks_what_is_asked_goes_on(whole, tmp_path):
    """A run of two numbers by older code, of the same config: the third is made, and nothing else. What fails before
    takes nothing away; killed after the first new line, or later, it still knows the seconds of the older code.
    """
    made: list = []
    now = stub(made)._replace(asked=({"kind": "square", "number": 2},))
    study.run(now._replace(steps=lambda lines: itertools.islice(now.steps(lines), 4), asked=()), tmp_path / "run")
    path = tmp_path / "run" / results.FILE
    *others, last = results.read(path)
    results.replace(path, [*others, last | {"seconds": 1000.0}])
    first, before = len(made), {place: place.read_bytes() for place in (tmp_path / "run").rglob("*") if place.is_file()}

    def refusing(lines):
        yield from itertools.islice(now.steps(lines), 4)
        raise ValueError("the data are not there")

    with pytest.raises(ValueError, match="not there"):
        study.run(now._replace(config=CONFIG | {"size": 4}, steps=refusing, extends=lambda *_: True), tmp_path / "run")
    assert {place: place.read_bytes() for place in (tmp_path / "run").rglob("*") if place.is_file()} == before

    def dying(lines):
        yield from itertools.islice(now.steps(lines), 5)
        raise Killed

    for steps in (dying, dying):
        with pytest.raises(Killed):
            study.run(now._replace(steps=steps), tmp_path / "run")
        assert not (tmp_path / "run" / study.PAGE).exists()
        with pytest.raises(ValueError, match="no finished run"):
            results.finished(tmp_path / "run")
    study.run(now, tmp_path / "run")
    assert made[first:] == [2, (2, 0), (2, 1)]
    assert contents(tmp_path / "run") == whole[1]
    assert 1000 < results.finished(tmp_path / "run")[-1]["seconds"] < 1100


def test_another_choice_alone_is_adopted_and_changes_the_summaries(whole):
    folder, _ = whole
    other = stub([])._replace(config=CONFIG | {"choice": "b"}, extends=lambda *_: True)
    study.run(other._replace(summaries=lambda lines: [{"kind": "total", "of": "all", "total": len(lines)}]), folder)
    lines = results.finished(folder)
    assert [line["total"] for line in results.select(lines, kind="total")] == [9]
    assert results.holds(folder, other.config)


def test_another_config_and_a_folder_in_use_are_refused(whole):
    folder, _ = whole
    with pytest.raises(ValueError, match=r"another config \(they differ in size\)"):
        study.run(stub([])._replace(config=CONFIG | {"size": 4}), folder)

    def steps(lines):
        study.run(stub([]), folder)
        yield from ()

    (folder / "results.jsonl").write_text("")
    with pytest.raises(ValueError, match="in use by process"):
        study.run(stub([])._replace(steps=steps), folder)


@pytest.mark.parametrize(
    ("line", "words"),
    [({"kind": "cube"}, "kind 'cube' is described nowhere"), ({"kind": "part", "size": 1}, "fields size of a line of")],
)
def test_a_line_that_is_described_nowhere_is_not_recorded(tmp_path, line, words):
    def steps(lines):
        yield Step([{"kind": "square", "number": 0}], lambda: [line])

    with pytest.raises(ValueError, match=words):
        study.run(stub([])._replace(steps=steps), tmp_path)
    assert (tmp_path / "results.jsonl").read_text() == ""
    assert "cube" not in {kind for described in kinds.STUDIES.values() for kind in described}
