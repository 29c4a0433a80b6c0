import os
import subprocess
import sys
from pathlib import Path

import ml_collections
import pytest

from experiments import report
from experiments.runtime import launch

ROOT = Path(__file__).parents[3]
IMAGES = str(ROOT / "configs" / "images.py")


def test_a_tilde_is_the_home_folder_and_nothing_is_made(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert launch.folder("--workdir", " ~/a/b ", made=True) == f"{tmp_path}/a/b"
    assert launch.folder("--workdir", "out/images", made=True) == "out/images"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", " ", "\t"])
def test_an_empty_path_is_no_current_folder(text):
    with pytest.raises(ValueError, match="--workdir is empty: expected a folder"):
        launch.folder("--workdir", text, made=True)


def test_what_cannot_be_a_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    for path in ("file", "file/below"):
        with pytest.raises(ValueError, match=r"--workdir=.*file is a file, expected a folder"):
            launch.folder("--workdir", str(tmp_path / path), made=True)
    with pytest.raises(ValueError, match=r"--values=.*/none: there is no such folder"):
        launch.folder("--values", str(tmp_path / "none"), made=False)
    with pytest.raises(ValueError, match="--workdir=~nobody-of-that-name/x"):
        launch.folder("--workdir", "~nobody-of-that-name/x", made=True)


def test_a_folder_that_may_not_be_written_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # root may write everywhere
    with pytest.raises(ValueError, match=f"--workdir=.*: no permission to write in {tmp_path}"):
        launch.folder("--workdir", str(tmp_path / "new" / "run"), made=True)
    assert launch.folder("--values", str(tmp_path), made=False) == str(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{IMAGES}:tinny", "--config=.*:tinny: unknown scale 'tinny': did you mean 'tiny'"),
        (f"{IMAGES}:tiny,seed=-1", "config.seed = -1, expected a seed from 0 to 4294967295"),
        (f"{IMAGES}:tiny,draws=2,seed=4294967295", "config.seed = 4294967295, expected a seed from 0 to 4294967294"),
        (IMAGES.replace("images.py", "imags.py"), "did you mean '.*images.py'"),
        (str(ROOT / "configs" / "__init__.py"), "has no function get_config"),
        (str(ROOT / "README.md"), "expected a Python file"),
        (" ", "--config is empty"),
    ],
)
def test_a_config_that_cannot_be_had_is_said(text, words):
    with pytest.raises(ValueError, match=words):
        launch.read_config(text, [])


def test_a_config_file_that_is_no_program_is_said(tmp_path):
    (tmp_path / "broken.py").write_text("def get_config(:\n")
    with pytest.raises(ValueError, match=r"broken.py cannot be loaded: SyntaxError"):
        launch.read_config(str(tmp_path / "broken.py"), [])


def test_overrides_reach_what_completion_fills_in():
    def complete(config):
        config.options.later = {"rate": 0.5}

    config = launch.read_config(f"{IMAGES}:tiny", [("options.later.rate", "2"), ("seed", "7")], complete)
    assert (config.options.later.rate, config.seed, config.is_locked) == (2.0, 7, True)


def test_folders_of_a_config_are_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    folders = {"real": "huggingface:OWNER/NAME", "synthetic": ""}
    config = ml_collections.ConfigDict({"model": {"folder": "~/model"}, "folders": folders})
    assert launch.checked(config).model.folder == str(tmp_path / "model")
    assert config.folders.to_dict() == folders
    config.folders.synthetic = "~/none"
    with pytest.raises(ValueError, match=r"config.folders.synthetic=.*/none: there is no such folder"):
        launch.checked(config)


def test_what_is_wrong_is_one_line_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "experiments.run", f"--config={IMAGES}:tiny", "--config.trainin.steps=3"]
    done = subprocess.run([*command, f"--workdir={tmp_path / 'w'}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith("error: unknown key config.trainin.steps: did you mean config.training.steps?")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "has no config.json: expected the folder of a run"),
        ("{", "is no config of an experiment"),
        ("{}", "is no config of an experiment"),
        ('{"experiment": "valuatoin"}', "did you mean 'valuation'"),
    ],
)
def test_a_folder_without_a_run_has_no_report(content, words, tmp_path):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=words):
        report.writer(tmp_path)
