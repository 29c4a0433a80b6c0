"""answer.json holds the Answer, all of it, and its page describes every field."""

import json
import re
from pathlib import Path

import pytest

from experiments.studies.sources import answer as contract
from experiments.studies.sources import answer_file, schema
from experiments.studies.sources.answer import plain
from tests.experiments.reporting.hostile import HOSTILE
from tests.experiments.studies.sources import made_up

CLASSES = {name: kind for name, kind in vars(contract).items() if hasattr(kind, "_fields")}


@pytest.mark.parametrize("answer", [made_up.answer(), made_up.empty(), made_up.answer(("a", HOSTILE), HOSTILE)])
def test_what_is_written_is_read_back_as_it_was(answer, tmp_path):
    path = answer_file.write(tmp_path, answer)
    assert path == tmp_path / "answer.json"
    assert answer_file.read(tmp_path) == answer
    assert json.loads(path.read_bytes().decode("ascii"))["version"] == contract.VERSION


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_not_written(bad, tmp_path):
    value = made_up.answer().values[0]._replace(interval=(0.0, bad))
    with pytest.raises(
        ValueError, match=rf"answer.values\[0\].interval\[1\] is {bad}: expected a finite number, or None"
    ):
        answer_file.write(tmp_path, made_up.answer()._replace(values=[value]))
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_answer_is_refused_in_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"holds no answer.json: run it to the end first"):
        answer_file.read(tmp_path)
    content = plain(made_up.answer())
    for changed, words in (
        ({"version": 99}, "it has version 99, this code reads version"),
        ({"values": 3}, r"TypeError: answer.values: expected list.*, got 3"),
        ({"cost": {}}, "KeyError: 'seconds'"),
    ):
        (tmp_path / "answer.json").write_text(json.dumps(content | changed))
        with pytest.raises(ValueError, match=f"answer.json holds no answer.*{words}") as error:
            answer_file.read(tmp_path)
        assert "\n" not in str(error.value)


def test_every_field_is_described_and_no_other():
    assert {name: list(fields) for name, fields in schema.FIELDS.items()} == {
        name: list(CLASSES[name]._fields) for name in schema.FIELDS
    }
    assert set(schema.FIELDS) == set(CLASSES)
    assert all(said.strip() for fields in schema.FIELDS.values() for said in fields.values())


def test_the_page_holds_the_description():
    page = (Path(schema.__file__).parent / "README.md").read_text()
    assert page.endswith("\n" + schema.described())
    assert f"version {contract.VERSION} of its content" in page
    known = {name.lower() for name in CLASSES}
    assert set(re.findall(r"\(#(\w+)\)", page)) <= known


if __name__ == "__main__":
    print(schema.described(), end="")
