"""Files of a checkpoint that are missing, cut off or of another kind: one line that names the file."""

import pytest

from models.checkpoint import check_keys, number, read_json, read_json_if_there
from models.pretrained import from_folder, from_gguf
from tests.models.written_models import folder_written, written

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (POINTER, "is a Git LFS pointer"),
        (b"", "is empty"), (b"{", "is not JSON"), (b"\xff{}", "is not JSON in UTF-8"),
        (b"\xef\xbb\xbf{}", "is not JSON in UTF-8"), (b"[1]", "holds list: expected an object"),
    ],
)  # fmt: skip
def test_a_json_file_that_is_not_right_is_named(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.json {message}"):
        read_json(tmp_path / "a.json")
    assert read_json_if_there(tmp_path / "none.json") == {}
    with pytest.raises(FileNotFoundError, match=r"none\.json is not a file"):
        read_json(tmp_path / "none.json")


def test_weights_and_tokenizers_that_are_cut_off_are_named(tmp_path):
    folder_written(tmp_path / "a", layers=1)
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        file, whole = tmp_path / "a" / name, (tmp_path / "a" / name).read_bytes()
        for content in (POINTER, whole[:-50], whole[:40], b""):
            file.write_bytes(content)
            with pytest.raises(ValueError, match=name.replace(".", r"\.")):
                from_folder(tmp_path / "a")
        file.write_bytes(whole)
    written(tmp_path / "a.gguf", layers=1)
    whole = (tmp_path / "a.gguf").read_bytes()
    for content in (POINTER, whole[: len(whole) // 2], whole[:500], whole[:30], b""):
        (tmp_path / "a.gguf").write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.gguf is "):
            from_gguf(tmp_path / "a.gguf")


def test_keys_are_known_neutral_or_refused():
    neutral = {"scale": (0, 1), "packed": ()}
    check_keys({"read": 5, "scale": 1, "unknown": None}, {"read"}, neutral, "file")
    for found, message in (
        ({"scale": 2}, "file asks for scale = 2, which is not supported: expected 0 or 1"),
        ({"packed": {"bits": 4}}, "expected none"),
        ({"new": "x" * 99}, f"file says new = {'x' * 60}..., a key that is not known"),
    ):
        with pytest.raises(ValueError, match=message):
            check_keys(found, (), neutral, "file")


def test_numbers_are_numbers():
    found = {"a": 3, "b": 3.0, "c": [2, 2], "d": [2, 1], "e": "3", "f": True, "g": 2.5, "h": float("nan"), "i": []}
    assert (number(found, "a", float, "file"), number(found, "b", int, "file"), number(found, "c", int, "file")) == (
        3,
        3,
        2,
    )
    assert number(found, "z", int, "file", 7) == 7
    for key, message in (
        ("d", "file: d differs between layers, which is not supported: 2, 1"), ("e", "must be a number"),
        ("f", "must be a number"), ("g", "g must be a number of type int, got 2.5"), ("h", "must be a number"),
        ("i", "there is none"), ("z", "file lacks z"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            number(found, key, int, "file")
