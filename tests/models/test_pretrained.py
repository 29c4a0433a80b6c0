"""Weights and tokenizers read from files: another library's logits, a NumPy forward, weights that are not right."""

import json
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from models.pretrained import from_folder, from_gguf, gguf_tokenizer
from tests.models import numpy_decoder
from tests.models.written_models import FAMILIES, VOCABULARY, folder_written, written

DATA = Path(__file__).parent / "data"


def logits_of(model, tokens):
    return np.asarray(jax.jit(model.apply)(model.params, model.frozen, tokens))


@pytest.fixture
def folder(tmp_path):
    """A copy of another library's folder with a tokenizer of 64 words beside it."""

    def copied(family):
        shutil.copytree(DATA / family, tmp_path / family)
        words = {"<s>": 0, "</s>": 1} | {f"w{i}": i for i in range(2, 64)}
        Tokenizer(WordLevel(words, "<s>")).save(str(tmp_path / family / "tokenizer.json"))
        return tmp_path / family

    return copied


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_folder_gives_the_other_library_s_logits(folder, family):
    """tests/models/data/README.md says how they were made; Llama is one file, the Qwens are sharded."""
    found, expected = from_folder(folder(family)), np.load(DATA / family / "logits.npz")
    np.testing.assert_allclose(logits_of(found.model, expected["tokens"]), expected["logits"], atol=1e-4)
    assert found.special == {"bos": 0, "eos": 1, "pad": 1}
    assert found.template is None
    weights = {name: x for file in (DATA / family).glob("*.safetensors") for name, x in load_file(file).items()}
    ours = [numpy_decoder.logits(weights, found.config, row) for row in expected["tokens"]]
    np.testing.assert_allclose(ours, expected["logits"], atol=1e-4)  # the NumPy forward is worth comparing with


def test_a_folder_of_16_bit_weights(folder):
    path = folder("llama")
    (file,) = path.glob("*.safetensors")
    save_file({name: x.astype(jnp.bfloat16) for name, x in load_file(file).items()}, file)
    wide, half = (from_folder(path, dtype=dtype).model.params for dtype in (jnp.float32, jnp.bfloat16))
    assert {leaf.dtype for leaf in jax.tree.leaves(half)} == {jnp.dtype(jnp.bfloat16)}
    for a, b in zip(jax.tree.leaves(wide), jax.tree.leaves(half), strict=True):
        np.testing.assert_array_equal(a, np.asarray(b, np.float32))


@pytest.mark.parametrize("family", FAMILIES)
def test_gguf_gives_the_logits_of_numpy(tmp_path, family):
    config, params = written(tmp_path / "a.gguf", family)
    found = from_gguf(tmp_path / "a.gguf")
    assert found.config._replace(epsilon=0) == config._replace(epsilon=0)
    assert found.config.epsilon == pytest.approx(config.epsilon)
    tokens = np.arange(20).reshape(2, 10) * 7 % len(VOCABULARY)
    expected = [numpy_decoder.logits(numpy_decoder.renamed(params), config, row) for row in tokens]
    np.testing.assert_allclose(logits_of(found.model, tokens), expected, atol=1e-4, rtol=1e-4)
    assert found.special == {"eos": 0, "bos": 1}
    assert found.template == "{{ messages }}"
    assert gguf_tokenizer(tmp_path / "a.gguf").to_str() == found.tokenizer.to_str()


def test_a_16_bit_type_gives_nearly_the_same_logits(tmp_path):
    written(tmp_path / "a.gguf")
    full, half = (from_gguf(tmp_path / "a.gguf", dtype=dtype).model for dtype in (jnp.float32, jnp.bfloat16))
    assert {leaf.dtype for leaf in jax.tree.leaves(half.params)} == {jnp.dtype(jnp.bfloat16)}
    tokens = np.arange(12).reshape(2, 6)
    expected = logits_of(full, tokens)
    assert np.abs(logits_of(half, tokens) - expected).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leave": ["blk.1.ffn_up.weight"]}, r"blk\.1\.ffn_up\.weight of shape \(64, 32\) was expected, it is missing"),
        ({"add": {"blk.1.ffn_up.weight": np.ones((64, 64), np.float32)}}, r"\(64, 32\) was expected, found \(64, 64\)"),
        ({"add": {"blk.0.extra.weight": np.ones(4, np.float32)}}, r"blk\.0\.extra\.weight was not expected, 20 others"),
        ({"add": {"blk.0.attn_q.bias": np.ones(32, np.float32)}}, r"blk\.0\.attn_q\.bias was not expected"),
    ],
)
def test_a_tensor_that_is_not_right_is_named(tmp_path, change, message):
    written(tmp_path / "a.gguf", **change)
    with pytest.raises(ValueError, match=message):
        from_gguf(tmp_path / "a.gguf")


def test_missing_files_are_named(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match=r"none\.gguf is not a file"):
        from_gguf(tmp_path / "none.gguf")
    with pytest.raises(FileNotFoundError, match=r"config\.json is not a file"):
        from_folder(tmp_path)
    whole = folder("qwen3")
    for name in ("model-00002-of-00003.safetensors", "tokenizer.json"):
        (whole / name).unlink()
        with pytest.raises(FileNotFoundError, match=f"{name} is not a file"):
            from_folder(whole)


def test_a_folder_whose_files_do_not_fit_is_named(folder):
    path = folder("llama")
    config = json.loads((path / "config.json").read_text())
    for change, message in (
        ({"vocab_size": 63}, "the tokenizer has token 63, the model a vocabulary of 63"),
        ({"intermediate_size": 25}, r"mlp\.down_proj\.weight of shape \(16, 25\) was expected, found \(16, 24\)"),
        ({"eos_token_id": None}, "names no end-of-sequence token"),
        ({"bos_token_id": 70}, "lacks its bos token: expected number 70, found none"),
        ({"eos_token_id": [1, 70]}, "lacks its eos token: expected number 70, found none"),
    ):
        (path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(ValueError, match=message):
            from_folder(path)


def test_layouts_that_change_nothing_load(tmp_path):
    """Buffers of old Llama files, a padding that there is not, a tied head that is stored all the same."""
    config, tensors = folder_written(tmp_path / "plain")
    buffers = {f"model.layers.{i}.self_attn.rotary_emb.inv_freq": np.ones(4, np.float32) for i in range(config.layers)}
    head = {"lm_head.weight": tensors["model.embed_tokens.weight"]}
    folder_written(tmp_path / "old", add=buffers | head, fields={"pad_token_id": -1, "auto_map": {}})
    plain, old = (from_folder(tmp_path / name) for name in ("plain", "old"))
    assert plain.config == old.config
    assert plain.special == old.special == {"eos": 0, "bos": 1}
    for a, b in zip(jax.tree.leaves(plain.model.params), jax.tree.leaves(old.model.params), strict=True):
        np.testing.assert_array_equal(a, b)
    folder_written(tmp_path / "other", add={"lm_head.weight": head["lm_head.weight"] + 1})
    with pytest.raises(ValueError, match=r"ties the head to model\.embed_tokens\.weight, but lm_head\.weight differs"):
        from_folder(tmp_path / "other")
    folder_written(tmp_path / "more", add={"model.layers.7.x": np.ones(1, np.float32)})
    with pytest.raises(ValueError, match=r"tensor model\.layers\.7\.x was not expected, 20 others were"):
        from_folder(tmp_path / "more")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_named(tmp_path, folder, value):
    norm = np.ones(32, np.float32)
    norm[3] = value
    written(tmp_path / "a.gguf", add={"output_norm.weight": norm})
    with pytest.raises(ValueError, match=r"a.gguf: tensor output_norm.weight holds NaN or infinite"):
        from_gguf(tmp_path / "a.gguf")
    path = folder("llama")
    (file,) = path.glob("*.safetensors")
    tensors = load_file(file)
    tensors["model.layers.1.mlp.up_proj.weight"][0, 5] = value
    save_file(tensors, file)
    with pytest.raises(ValueError, match=r"tensor model.layers.1.mlp.up_proj.weight holds NaN or infinite"):
        from_folder(path)


def test_a_type_that_cannot_hold_a_weight_is_named(tmp_path):
    written(tmp_path / "a.gguf", add={"output_norm.weight": np.full(32, -7e4, np.float32)})
    with pytest.raises(ValueError, match=r"tensor output_norm.weight holds 7e\+04, too much for float16: take float32"):
        from_gguf(tmp_path / "a.gguf", dtype=jnp.float16)
    assert from_gguf(tmp_path / "a.gguf", dtype=jnp.bfloat16).model.params["norm"]["scale"].dtype == jnp.bfloat16
    with pytest.raises(ValueError, match="expected such a type, float32 or bfloat16, got int8"):
        from_gguf(tmp_path / "a.gguf", dtype=jnp.int8)
