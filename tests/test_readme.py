"""README keeps what it promises: its lines run, its tree is the tree."""

import re
from pathlib import Path

import numpy as np
import pytest

from experiments.data import archives
from tests.models.test_pretrained import written

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_python_blocks_run(number, capsys, monkeypatch, tmp_path):
    """The block that fetches a language model reads a tiny random one instead."""
    written(tmp_path / "tiny.gguf", keys={"llama.context_length": 512})
    monkeypatch.setattr(archives, "member", lambda *_: tmp_path / "tiny.gguf")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 60)
    names = {
        "x_real": rng.random((30, 784)), "y_real": labels[:30],
        "x_made": rng.random((20, 784)), "y_made": labels[30:50],
        "x_held_out": rng.random((10, 784)), "y_held_out": labels[50:],
    }  # fmt: skip
    exec(BLOCKS[number], names)
    assert capsys.readouterr().out.strip()


def test_the_tree_names_every_file():
    tree = re.search(r"```text\n(.*?)```", TEXT, re.DOTALL).group(1)
    folders = ("configs", "models", "theory", "valuation", "experiments", "tests")
    files = {path.name for folder in folders for path in (ROOT / folder).rglob("*.py") if path.parent.name != "tests"}
    missing = sorted(name for name in files if name not in tree and name != "__init__.py")
    assert missing == []
    named = set(re.findall(r"(\w+\.py)", tree))
    gone = sorted(named - {path.name for path in ROOT.rglob("*.py") if ".venv" not in path.parts})
    assert gone == []


def test_figures_and_files_that_readme_shows_exist():
    prose = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", prose):
        assert (ROOT / target).exists(), target
