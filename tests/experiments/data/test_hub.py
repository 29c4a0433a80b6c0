"""Names of the Hugging Face hub, which TFDS prepares; the packages that reach it are stood in for."""

import importlib.util
import json
from functools import partial

import numpy as np
import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.core.dataset_builders import huggingface_dataset_builder as bridge

from configs import instructions as instructions_config
from configs import reasoning, sentiment
from experiments.data import hub, reviews
from experiments.tasks import instructions

NAME = "huggingface:Some/natural-instructions"


class Mock(tfds.core.GeneratorBasedBuilder):
    """As the bridge makes it: texts, lists of texts, lists of records."""

    VERSION = "1.0.0"

    def _info(self):
        turn = {"from": tfds.features.Scalar(np.object_), "value": tfds.features.Scalar(np.object_)}
        texts = dict.fromkeys(("task_name", "definition", "inputs"), tfds.features.Scalar(np.object_))
        lists = {"targets": tfds.features.Sequence(tfds.features.Scalar(np.object_))}
        lists["turns"] = tfds.features.Sequence(turn)
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(texts | lists))

    def _split_generators(self, manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i in range(10):
            turns = [{"from": "human", "value": "hé"}, {"from": "gpt", "value": f"so {i}"}][: 1 + i % 2]
            yield i, {"task_name": f"task{i:03d}_{'ab'[i % 2]}_x", "definition": "Do.", "inputs": f"é {i}",
                      "targets": [f"out {i}", "other"], "turns": turns}  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
    """What the bridge is asked for: (repository, config)."""
    found = []

    def builder(*, hf_repo_id, hf_config, data_dir, file_format):
        found.append((hf_repo_id, hf_config))
        if hf_repo_id == "Some/gone":
            raise RuntimeError("Failed to load") from ConnectionError("no way there")
        return Mock(data_dir=data_dir, file_format=file_format)

    monkeypatch.setattr(bridge, "HuggingfaceDatasetBuilder", builder)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    return found


def test_rows_of_a_name_are_texts_and_lists(asked, tmp_path):
    rows = hub.records(NAME + "/all", ("inputs", "targets", "turns"), None, tmp_path)
    assert asked == [("Some/natural-instructions", "all")]
    assert sorted(row["inputs"] for row in rows) == [f"é {i}" for i in range(10)]
    for row in rows:
        i = int(row["inputs"][-1])
        assert row["targets"] == [f"out {i}", "other"]
        expected = [{"from": "human", "value": "hé"}, {"from": "gpt", "value": f"so {i}"}][: 1 + i % 2]
        assert row["turns"] == expected
    some = hub.records(NAME, ("inputs",), 4, tmp_path)
    assert some == [{"inputs": rows[i]["inputs"]} for i in (0, 2, 5, 7)]  # at equal distances
    assert hub.records(NAME, ("inputs",), 99, tmp_path) == [{"inputs": row["inputs"]} for row in rows]
    config = instructions_config.get_config("paper")
    config.folders.real = NAME
    pairs = instructions.read(config, str(tmp_path))
    assert {(pair.response, pair.family) for pair in pairs} == {(f"out {i}", "ab"[i % 2]) for i in range(10)}


def test_what_is_missing_is_said(asked, tmp_path, monkeypatch):
    config = sentiment.get_config("paper")
    config.folders.synthetic = "huggingface:Some/gone"
    with pytest.raises(ValueError, match="natural-instructions, record 0: no field 'output', found definition, inputs"):
        hub.records(NAME, ("output",), 1, tmp_path)
    with pytest.raises(ValueError, match=r"huggingface:Some/gone cannot be prepared \(ConnectionError: no way there\)"):
        reviews.read_sentences(config, str(tmp_path))
    with pytest.raises(ValueError, match="'huggingface:Some' names no data set: expected huggingface:OWNER/NAME"):
        hub.records("huggingface:Some", ("inputs",), 1, tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "datasets" else name)
    with pytest.raises(ValueError, match=r"needs datasets, .*pip install datasets huggingface_hub, or download"):
        hub.records(NAME, ("inputs",), 1, tmp_path)


def test_paper_scales_name_their_data_sets():
    named = instructions_config.get_config("paper").folders
    assert named.real.startswith(hub.HUB)
    assert named.synthetic.startswith(hub.HUB)
    assert reasoning.get_config("paper").folders.real.startswith(hub.HUB)
    assert sentiment.get_config("paper").folders.synthetic.startswith(hub.HUB)
    assert instructions_config.get_config("small").folders.real == ""


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_folders_of_a_hub(tmp_path, ending):
    lines = [{"a": str(i), "b": i} for i in range(5)]
    write = partial((tmp_path / "part").with_suffix, "." + ending)
    if ending == "jsonl":
        write().write_text("\n".join(map(json.dumps, lines)))
    else:
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(lines), write())
    assert hub.records(tmp_path, ("a",), 3) == [{"a": "0"}, {"a": "1"}, {"a": "2"}]
    with pytest.raises(ValueError, match=r"row 0.*: no field 'c', found a, b"):
        hub.records(tmp_path, ("c",), 3)
    with pytest.raises(ValueError, match="no data set in the folder"):
        hub.records(tmp_path / "nowhere", ("a",), 3)


def test_a_folder_is_read_whatever_its_files_look_like(tmp_path):
    expected = [{"q": f"question {i}"} for i in range(6)]
    lines = "".join(json.dumps(row) + "\n" for row in expected)
    told = {"dataset_info.json": '{\n "description": ""}', "state.json": '{"_split": null}', "README.md": "# q"}
    for number, files in enumerate(
        (
            {"a.json": json.dumps(expected, indent=1)},
            {"a.jsonl": "\ufeff" + lines.replace("\n", "\r\n")},
            {"a.csv": "q\n" + "".join(row["q"] + "\n" for row in expected)},
            {"train.jsonl": lines, **told},
            {"train.jsonl": lines, ".cache/train.jsonl": lines, "dev/a.jsonl": lines, "all.jsonl": lines},
            {"b.jsonl": lines, "a-test.jsonl": lines, "a/validation-00000-of-00001.jsonl": lines, **told},
        )
    ):
        folder = tmp_path / str(number)
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content.encode())
        assert hub.records(folder, ("q",), None) == expected, files.keys()
    (tmp_path / "0/a.json").rename(tmp_path / "0/a-test.json")
    with pytest.raises(ValueError, match=r"no data set in the folder .*a-test\.json is for validation or testing"):
        hub.records(tmp_path / "0", ("q",), None)
    (tmp_path / "0/state.json").write_text(told["state.json"])
    with pytest.raises(ValueError, match=r"no rows in the folder .* has a field q or r"):
        hub.records(tmp_path / "0", ("q", "r"), None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": "1"}\n{"a": "\xff"}', r"part\.jsonl, line 2 \(byte 18\): expected UTF-8, found b'\\xff'"),
        (b'{"a": "1"}\n\n{"a": ', r"part\.jsonl, row 1 \(line 3\): expected JSON"),
        (b"[1]", r"part\.jsonl, row 0 \(line 1\): expected an object with fields"),
        (b'{"a": "1"}\n{"a": " "}', r"part\.jsonl, row 1 \(line 2\): the field 'a' is empty, expected a text"),
        (b'{"a": null}', r"row 0 \(line 1\): the field 'a' is empty"),
        (b'{"a": [""]}', r"row 0 \(line 1\): the field 'a' is empty"),
    ],
)
def test_records_that_cannot_be_read_are_named(tmp_path, content, words):
    (tmp_path / "part.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        hub.records(tmp_path, ("a",), 9)
