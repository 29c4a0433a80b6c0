import numpy as np
import pytest

from experiments.runtime import files


def test_a_file_is_there_whole_or_as_it_was(tmp_path):
    path = tmp_path / "new folder" / "page.md"
    files.write_text(path, "ä first\n")
    assert path.read_bytes() == "ä first\n".encode()
    replaced = files.replacing(path)
    draft = replaced.__enter__()
    draft.write_text("half of the sec")
    assert draft.suffix == ".md"  # what tells a figure's format
    assert not replaced.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert path.read_text() == "ä first\n"
    assert [one.name for one in path.parent.iterdir()] == ["page.md"]


def test_arrays_come_back(tmp_path):
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(["x", "yz"]), "c": np.int32(3)}
    files.write_arrays(tmp_path / "x.npz", arrays)
    read = files.read_arrays(tmp_path / "x.npz", "remove it")
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == np.asarray(array).dtype


@pytest.mark.parametrize("damage", [b"", b"PK", "cut", "flipped"])
def test_a_broken_file_is_named_with_what_to_do(tmp_path, damage):
    path = tmp_path / "x.npz"
    files.write_arrays(path, {"a": np.arange(1000.0)})
    content = bytearray(path.read_bytes())
    if damage == "cut":
        damage = bytes(content[:4000])
    elif damage == "flipped":
        content[4000] ^= 255
        damage = bytes(content)
    path.write_bytes(damage)
    with pytest.raises(ValueError, match=r"x\.npz cannot be read \(.*\): remove it, all is made again"):
        files.read_arrays(path, "remove it, all is made again")


def test_an_array_of_objects_is_not_run(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="cannot be read"):
        files.read_arrays(tmp_path / "x.npz", "remove it")
