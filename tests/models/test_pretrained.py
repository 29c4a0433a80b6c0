"""Weights and tokenizers read from files: another library's logits, a NumPy forward, brute-force BPE, broken files."""

import itertools
import json
import re
import shutil
from pathlib import Path

import gguf
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from models.decoder import Config, decoder
from models.gguf_files import NAMES as GGUF_NAMES
from models.hugging_face import NAMES as FOLDER_NAMES
from models.pretrained import from_folder, from_gguf
from tests.models import numpy_decoder

DATA = Path(__file__).parent / "data"
MERGES = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("1", "2"), ("a", "n"), ("an", "Ċ")]
SPECIAL = ["<|end|>", "<|start|>"]
SIZES = {"width": 32, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 64, "longest": 64}
FAMILIES = {
    "llama": Config(0, head_width=8, interleaved=True, rope_base=500.0, **SIZES),
    "qwen2": Config(0, head_width=8, qkv_bias=True, tied=False, **SIZES),
    "qwen3": Config(0, head_width=16, qk_norm=True, epsilon=1e-6, **SIZES),
}


def byte_letters() -> dict[int, str]:
    """The letter of every byte in byte-level BPE: itself if printable Latin-1, else from 256 on in order."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in kept]
    return {b: chr(b) for b in kept} | {b: chr(256 + i) for i, b in enumerate(others)}


LETTERS = byte_letters()
VOCABULARY = [*SPECIAL, *LETTERS.values(), *(a + b for a, b in MERGES)]


def written(path, family="llama", *, leave=(), add=None, keys=None, pre="smollm", quantised=False):
    """A GGUF file of a small random decoder and its parameters; keys: metadata set otherwise, None leaves one out."""
    config = FAMILIES[family]._replace(vocabulary=len(VOCABULARY))
    model = decoder(config, jax.random.key(0))
    params = jax.tree.map(lambda x: x * 8 + 0.1, model.params)
    tensors = {}
    for hf, value in numpy_decoder.renamed(params).items():
        tensors[gguf_name(hf)] = value
    tensors |= add or {}
    writer = gguf.GGUFWriter(path, family)
    table = {
        "block_count": config.layers, "context_length": config.longest, "embedding_length": config.width,
        "feed_forward_length": config.hidden, "attention.head_count": config.heads,
        "attention.head_count_kv": config.kv_heads, "rope.freq_base": config.rope_base,
        "attention.layer_norm_rms_epsilon": config.epsilon, "attention.key_length": config.head_width,
    }  # fmt: skip
    table = {f"{family}.{key}": value for key, value in table.items()}
    table |= {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": pre, "tokenizer.ggml.tokens": VOCABULARY,
              "tokenizer.ggml.token_type": [3 if t in SPECIAL else 1 for t in VOCABULARY],
              "tokenizer.ggml.merges": [" ".join(pair) for pair in MERGES], "tokenizer.ggml.eos_token_id": 0,
              "tokenizer.ggml.bos_token_id": 1, "tokenizer.chat_template": "{{ messages }}"}  # fmt: skip
    for key, value in (table | (keys or {})).items():
        add_value = {int: writer.add_uint32, float: writer.add_float32, str: writer.add_string, list: writer.add_array}
        if value is not None:
            add_value[type(value)](key, value)
    for name, value in tensors.items():
        if name in leave:
            continue
        kind = gguf.GGMLQuantizationType.Q8_0 if quantised and value.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quants.quantize(np.ascontiguousarray(value), kind), raw_dtype=kind)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    return config, params


def gguf_name(name: str) -> str:
    for ours, theirs in FOLDER_NAMES.items():
        name = name.replace(theirs, GGUF_NAMES[ours]) if theirs in name else name
    return name


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


def test_quantised_tensors_and_other_types(tmp_path):
    """Q8_0 keeps a number to half a step of 1/127 of the largest of its 32 neighbours; the step is a 16-bit float."""
    _, params = written(tmp_path / "a.gguf", quantised=True)
    found = from_gguf(tmp_path / "a.gguf").model.params
    kernel, exact = (np.asarray(p["blocks"][1]["down"]["kernel"]).T.reshape(-1, 32) for p in (found, params))
    step = np.abs(exact).max(1, keepdims=True) / 127
    assert 0 < (np.abs(kernel - exact) / step).max() < 0.5 + 127 / 2**11
    half = from_gguf(tmp_path / "a.gguf", dtype=jnp.bfloat16).model
    assert {leaf.dtype for leaf in jax.tree.leaves(half.params)} == {jnp.dtype(jnp.bfloat16)}
    tokens, full = np.arange(12).reshape(2, 6), found
    expected = logits_of(half._replace(params=full), tokens)
    assert np.abs(logits_of(half, tokens) - expected).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("pre", ["smollm", "gpt-2", "qwen2"])
def test_text_is_cut_and_merged_as_by_hand(tmp_path, pre):
    """Brute force on ASCII: special tokens, then the pre-tokeniser as a regular expression, then merges by rank."""
    written(tmp_path / "a.gguf", pre=pre)
    tokenizer = from_gguf(tmp_path / "a.gguf").tokenizer
    plain = r"'(?:s|t|re|ve|m|ll|d)| ?[a-zA-Z]+| ?[0-9]+| ?[^\sa-zA-Z0-9]+|\s+(?!\S)|\s+"
    cuts = {
        "gpt-2": plain,
        "smollm": None,
        "qwen2": r"(?i:'(?:s|t|re|ve|m|ll|d))|[^\r\na-zA-Z0-9]?[a-zA-Z]+|[0-9]| ?[^\sa-zA-Z0-9]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+",
    }
    text = "the man\n\nthat's 1212 +an\n  the (the) then 3.12'LL the<|end|>the12 "
    expected = []
    for piece in re.split(r"(<\|end\|>)", text):
        if piece in SPECIAL:
            expected.append(piece)
            continue
        parts = re.split(r"([0-9])", piece) if pre == "smollm" else [piece]
        words = [w for part in parts for w in re.findall(cuts[pre] or plain, part)]
        assert "".join(words) == piece
        expected += [token for word in words for token in merged([LETTERS[b] for b in word.encode()])]
    assert tokenizer.encode(text).tokens == expected
    strange = "naïve — 東京 🙂\t½ \x00"
    assert tokenizer.decode(tokenizer.encode(strange).ids) == strange
    assert tokenizer.decode(tokenizer.encode(text).ids) == text.replace("<|end|>", "")


def merged(letters):
    """The first pair of the lowest rank is joined until none is left."""
    while True:
        ranked = [(MERGES.index(pair), i) for i, pair in enumerate(itertools.pairwise(letters))
                  if pair in MERGES]  # fmt: skip
        if not ranked:
            return letters
        i = min(ranked)[1]
        letters = [*letters[:i], letters[i] + letters[i + 1], *letters[i + 2 :]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leave": ["blk.1.ffn_up.weight"]}, r"blk\.1\.ffn_up\.weight of shape \(64, 32\) was expected, it is missing"),
        ({"add": {"blk.1.ffn_up.weight": np.ones((64, 64), np.float32)}}, r"\(64, 32\) was expected, found \(64, 64\)"),
        ({"add": {"blk.0.extra.weight": np.ones(4, np.float32)}}, r"blk\.0\.extra\.weight was not expected, 20 others"),
        ({"add": {"rope_freqs.weight": np.ones(4, np.float32)}}, "scaled rotary positions"),
        ({"keys": {"general.architecture": "mamba"}}, "architecture is 'mamba': expected one of llama, qwen2, qwen3"),
        ({"keys": {"llama.block_count": None}}, r"lacks the metadata key llama\.block_count"),
        ({"keys": {"llama.rope.dimension_count": 4}}, "positions of 4 in heads of 8"),
        ({"keys": {"tokenizer.ggml.model": "llama"}}, r"tokenizer\.ggml\.model is 'llama': expected 'gpt2'"),
        ({"keys": {"tokenizer.ggml.pre": "tekken"}}, "'tekken': expected one of the pre-tokenisers gpt-2, smollm"),
        ({"keys": {"tokenizer.ggml.eos_token_id": None}}, "names no end-of-sequence token"),
        ({"keys": {"tokenizer.ggml.bos_token_id": 999}}, "lacks its bos token: expected number 999, found none"),
    ],
)
def test_a_broken_gguf_file_is_named(tmp_path, monkeypatch, change, message):
    if "general.architecture" in change.get("keys", {}):  # the writer has set that key before
        monkeypatch.setitem(FAMILIES, "mamba", FAMILIES["llama"])
        change = {"family": "mamba"}
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


def test_a_broken_folder_is_named(folder):
    path = folder("llama")
    config, weights = json.loads((path / "config.json").read_text()), load_file(path / "model.safetensors")
    for change, message in (
        ({"model_type": "gemma"}, "model_type is 'gemma': expected one of llama, qwen2, qwen3"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5}}, r"asks for rotary scaling \(llama3\)"),
        ({"hidden_act": "gelu"}, r"the activation \(gelu\)"),
        ({"vocab_size": 63}, "the tokenizer has token 63, the model a vocabulary of 63"),
        ({"intermediate_size": 25}, r"mlp\.down_proj\.weight of shape \(16, 25\) was expected, found \(16, 24\)"),
        ({"eos_token_id": None}, "names no end-of-sequence token"),
        ({"bos_token_id": 70}, "lacks its bos token: expected number 70, found none"),
    ):
        (path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(ValueError, match=message):
            from_folder(path)
    (path / "config.json").write_text(json.dumps(config))
    (path / "tokenizer_config.json").write_text('{"eos_token": {"content": "<|im_end|>"}, "chat_template": "{{ x }}"}')
    with pytest.raises(ValueError, match=r"lacks its eos token '<\|im_end\|>'"):
        from_folder(path)
    (path / "tokenizer_config.json").write_text('{"eos_token": "</s>", "chat_template": "{{ x }}"}')
    assert from_folder(path).template == "{{ x }}"
    save_file(weights | {"lm_head.weight": np.ones((64, 16), np.float32)}, path / "model.safetensors")
    from_folder(path)  # a tied head that is stored all the same
    save_file(weights | {"model.layers.7.x": np.ones(1, np.float32)}, path / "model.safetensors")
    with pytest.raises(ValueError, match=r"tensor model\.layers\.7\.x was not expected, 20 others were"):
        from_folder(path)


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
