"""Model files, however they are damaged, are read or refused in one line; as they are, they are read."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pretrained import from_folder, from_gguf
from tests.fuzz.files import damaged, scalar
from tests.fuzz.refusals import said_or_none
from tests.models.written_models import folder_written, written

JSON = ("config.json", "tokenizer.json")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Folder of a GGUF file and of a Hugging Face folder, both of a small random decoder."""
    folder = tmp_path_factory.mktemp("models")
    written(folder / "x.gguf", layers=1)
    folder_written(folder / "hf", layers=1)
    return folder


@given(data=st.data())
def test_a_gguf_file_is_read_or_refused_in_one_line(whole, folder, data):
    content = (whole / "x.gguf").read_bytes()
    head = data.draw(damaged(st.just(content[:8000]))) + content[8000:] if data.draw(st.booleans()) else None
    (folder / "x.gguf").write_bytes(data.draw(damaged(st.just(content))) if head is None else head)
    assert_finite(said_or_none(from_gguf, folder / "x.gguf", place=np.asarray))


@given(data=st.data())
def test_a_folder_is_read_or_refused_in_one_line(whole, folder, data):
    (folder / "hf").mkdir(exist_ok=True)
    contents = {path.name: path.read_bytes() for path in (whole / "hf").iterdir()}
    name = data.draw(st.sampled_from(sorted(contents)))
    if name in JSON and data.draw(st.booleans()):
        fields = json.loads(contents[name])
        key = data.draw(st.sampled_from(sorted(fields)))
        contents[name] = json.dumps(fields | {key: data.draw(scalar | st.just([]) | st.just({}))}).encode()
    else:
        contents[name] = data.draw(damaged(st.just(contents[name])))
    for file, content in contents.items():
        (folder / "hf" / file).write_bytes(content)
    assert_finite(said_or_none(from_folder, folder / "hf", place=np.asarray))


def assert_finite(found) -> None:
    if found is not None:
        assert all(np.isfinite(leaf).all() for leaf in found.model.params["tok"].values())
