import hashlib
import io
import json
import tarfile

import jax
import numpy as np
import pytest

from configs import instructions as config_file
from experiments.data import archives
from experiments.data.builders.natural_instructions import FOLDER, PER_SUBTASK, SUBTASKS
from experiments.runtime import mesh
from experiments.tasks import instructions, load, token_rows
from valuation.objective import NextToken

CONFIG = config_file.get_config("tiny")


def put(folder, monkeypatch, members: dict):
    """A stand-in for the BIG-bench archive with those task.json files, where the cache expects it."""
    path = folder / "archives" / "tasks.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as file:
        for name, task in members.items():
            text = json.dumps(task).encode()
            member = tarfile.TarInfo(name)
            member.size = len(text)
            file.addfile(member, io.BytesIO(text))
    entry = archives.Archive("tasks", "1", hashlib.sha256(path.read_bytes()).hexdigest(), path.name, 0.1)
    monkeypatch.setitem(archives.ARCHIVES, "bigbench", entry)


def subtask(name, count):
    examples = [{"input": f"{name} {i}\n", "target": [f"yes {i}", "no"]} for i in range(count)]
    return {"task_prefix": "Definition: long. Prompt: Answer it. ", "examples": examples}


def test_the_archive_gives_requests_inputs_first_answers_and_families(tmp_path, monkeypatch):
    tasks = {
        f"{FOLDER}/{name}/task.json": subtask(name, PER_SUBTASK + 5 if i == 0 else 2) for i, name in enumerate(SUBTASKS)
    }
    put(tmp_path, monkeypatch, tasks)
    pairs = instructions.read_natural_instructions(CONFIG, str(tmp_path))
    assert len(pairs) == PER_SUBTASK + 2 * 60
    assert {pair.instruction for pair in pairs} == {"Answer it."}
    assert all(pair.prompt.split()[-1] == pair.response.split()[1] for pair in pairs)
    families = {pair.family for pair in pairs}
    assert len(families) == 15
    assert {"quoref", "mctaco", "mctaco event duration", "miscellaneous", "essential"} <= families


def test_a_missing_subtask_is_named(tmp_path, monkeypatch):
    put(tmp_path, monkeypatch, {f"{FOLDER}/{name}/task.json": subtask(name, 1) for name in SUBTASKS[:-1]})
    with pytest.raises(ValueError, match=f"lacks the member .*{SUBTASKS[-1]}"):
        instructions.read_natural_instructions(CONFIG, str(tmp_path))


@pytest.fixture(scope="module")
def task():
    return load(CONFIG, None, mesh.devices())


def test_shapes_and_groups(task):
    assert task.train.inputs.shape == (len(task.groups), CONFIG.tokens.length)
    assert len(np.unique(task.groups)) == 12
    kept = 40 - task.notes["dropped for 13 words in a row that a test example has, from validation"]
    assert (len(task.validation.inputs), len(task.test.inputs), task.objective) == (kept, 60, NextToken())
    assert task.features(task.validation.inputs).shape == (kept, CONFIG.features.dimensions)


def test_written_pairs_are_those_of_the_temperature(task):
    some = task.train.take(np.arange(9))
    known = instructions.by_temperature(instructions.read_generated(CONFIG, None))
    made = task.mechanisms["generated"](some, 0.7, jax.random.key(0))
    assert made.inputs.shape == some.inputs.shape
    assert made.mask.any(1).all()
    responses = {pair.response for pair in known[0.7]}
    ends = [task.sample(np.append(row, last)) for row, last in zip(made.inputs, made.targets[:, -1], strict=True)]
    assert all(any(response.startswith(end) for response in responses) for end in ends)
    with pytest.raises(ValueError, match=r"no pairs of strength 0\.3, only of 0\.7, 1\.0"):
        task.mechanisms["generated"](some, 0.3, jax.random.key(0))


def test_records_of_a_language_model_become_pairs(monkeypatch):
    found = [{"instruction": " Why? ", "text": "So.", "temperature": 0.7, "top_p": 0.9, "seed": 0, "model": "x"}]
    monkeypatch.setattr(instructions.corpus, "read", lambda kind: found if kind == "instruction" else None)
    config = config_file.get_config("small")
    assert instructions.by_temperature(instructions.read_generated(config, None)) == {
        0.7: [token_rows.Pair("", "Why?", "So.", "generated")]
    }


def test_paper_scale_reads_two_folders(tmp_path):
    config = config_file.get_config("paper")
    rows = [
        {"task_name": f"task{i:03d}_{'ab'[i % 2]}_x", "definition": "Do.", "inputs": f"in {i}", "targets": "out"}
        for i in range(6)
    ]
    for name, lines in {"real": rows, "made": [{"instruction": "go", "response": "gone"}] * 2}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "part.jsonl").write_text("\n".join(map(json.dumps, lines)))
    config.folders.real, config.folders.synthetic = str(tmp_path / "real"), str(tmp_path / "made")
    assert [pair.family for pair in instructions.read(config, None)] == ["a", "b"] * 3
    assert instructions.by_temperature(instructions.read_generated(config, None))[1.0][0].response == "gone"
