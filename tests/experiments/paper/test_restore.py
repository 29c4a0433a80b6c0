"""Recorded lines become workdirs, if the config of today is theirs."""

from experiments.paper import restore as module
from experiments.paper.__main__ import selected
from experiments.paper.restore import restore
from experiments.runtime import results
from experiments.runtime.results import select


def test_a_run_of_today_begins_with_the_lines_that_are_recorded(tmp_path):
    (entry,) = selected(["tables-mroz"], "small")
    assert restore(entry, tmp_path)
    lines = results.finished(tmp_path / entry.name)
    assert lines == module.recorded(entry.name)
    assert not restore(entry, tmp_path)  # what is there stays


def test_lines_of_another_config_are_left_out(tmp_path, monkeypatch):
    (entry,) = selected(["tables-mroz"], "small")
    draws = entry._replace(draws=(3000, 4))
    assert not restore(draws, tmp_path)
    key = entry._replace(arguments=(*entry.arguments, "--config.seed=1"))
    assert not restore(key, tmp_path)
    killed = [line for line in module.recorded(entry.name) if line["kind"] != "run"]
    monkeypatch.setattr(module, "recorded", lambda name: killed)
    assert select(killed, kind="truth")
    assert not restore(entry, tmp_path)
    assert not any(tmp_path.iterdir())
