"""A report is written from the lines of a finished run, and from no other."""

import json

import pytest

from experiments.reporting.pages import write_report


def sections(lines, workdir):
    return [f"# {workdir.name}", f"{len(lines)} lines"]


def test_a_report_holds_its_sections(tmp_path):
    (tmp_path / "results.jsonl").write_text("".join(json.dumps({"kind": kind}) + "\n" for kind in ("point", "run")))
    path = write_report(tmp_path, sections)
    assert path == tmp_path / "report.md"
    assert path.read_text() == f"# {tmp_path.name}\n\n2 lines\n"


def test_a_run_that_is_not_finished_has_none(tmp_path):
    (tmp_path / "results.jsonl").write_text('{"kind": "point"}\n')
    with pytest.raises(ValueError, match="holds no finished run"):
        write_report(tmp_path, sections)
    assert not (tmp_path / "report.md").exists()
