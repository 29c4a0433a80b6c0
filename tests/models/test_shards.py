"""Shards: the index is obeyed tensor by tensor."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from models.shards import INDEX, WHOLE, stored

TENSORS = {name: np.full((2, 3), i, np.float32) for i, name in enumerate("abcd")}
PLACES = {"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors", "d": "two.safetensors"}


def sharded(folder, held=PLACES, said=PLACES):
    """Two shards that hold what `held` says, and an index that says `said`."""
    for shard in set(PLACES.values()):
        save_file({name: TENSORS[name] for name, place in held.items() if place == shard}, folder / shard)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": said}))
    return folder


def test_tensors_come_from_where_the_index_says(tmp_path):
    shapes, read = stored(sharded(tmp_path))
    assert shapes == dict.fromkeys(TENSORS, (2, 3))
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(read(name), tensor)


@pytest.mark.parametrize(
    ("held", "said", "message"),
    [
        (PLACES, PLACES | {"b": "two.safetensors"}, r"two\.safetensors lacks tensor b, .*: it lies in one\."),
        (PLACES | {"d": ""}, PLACES, r"two\.safetensors lacks tensor d, .*: no shard holds it"),
        (PLACES, {name: PLACES[name] for name in "abd"}, r"two\.safetensors holds tensor c, of which .* not say so"),
        (PLACES, PLACES | {"a": "../one.safetensors"}, r"tensor a lies in '\.\./one\.safetensors': expected the name"),
        (PLACES, {}, "has no weight_map"),
    ],
)  # fmt: skip
def test_an_index_that_does_not_fit_is_named(tmp_path, held, said, message):
    with pytest.raises(ValueError, match=message):
        stored(sharded(tmp_path, held, said))


def test_a_tensor_in_two_shards_is_named(tmp_path):
    sharded(tmp_path)
    save_file({name: TENSORS[name] for name in "acd"}, tmp_path / "two.safetensors")
    with pytest.raises(ValueError, match=r"two\.safetensors holds tensor a, of which"):
        stored(tmp_path)


def test_a_missing_shard_and_two_models_are_named(tmp_path):
    sharded(tmp_path)
    (tmp_path / "two.safetensors").rename(tmp_path / WHOLE)
    with pytest.raises(ValueError, match=f"holds both {WHOLE} and {INDEX}"):
        stored(tmp_path)
    (tmp_path / WHOLE).unlink()
    with pytest.raises(FileNotFoundError, match=r"two\.safetensors is not a file"):
        stored(tmp_path)


def test_packed_weights_are_refused(tmp_path):
    save_file({"a": np.zeros((2, 3), np.int8)}, tmp_path / WHOLE)
    with pytest.raises(ValueError, match="tensor a is of type I8: expected F64, F32, F16, BF16"):
        stored(tmp_path)
