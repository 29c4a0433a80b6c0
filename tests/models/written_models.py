"""Small random decoders as files: GGUF and Hugging Face folders, whole or broken on purpose."""

import functools
import json

import gguf
import jax
import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from models.decoder import Config, outline
from models.gguf_files import NAMES as GGUF_NAMES
from models.hugging_face import NAMES as FOLDER_NAMES
from tests.models import numpy_decoder

MERGES = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("1", "2"), ("a", "n"), ("an", "Ċ")]
SPECIAL = ["<|end|>", "<|start|>"]
SIZES = {"width": 32, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 64, "longest": 64}
FAMILIES = {
    "llama": Config(0, head_width=8, interleaved=True, rope_base=500.0, **SIZES),
    "qwen2": Config(0, head_width=8, qkv_bias=True, tied=False, **SIZES),
    "qwen3": Config(0, head_width=16, qk_norm=True, epsilon=1e-6, **SIZES),
}
WIDE = {"width": 256, "hidden": 256, "head_width": 64, "layers": 1}  # blocks of K-quants have 256 numbers
ARCHITECTURES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}


def byte_letters() -> dict[int, str]:
    """The letter of every byte in byte-level BPE: itself if printable Latin-1, else from 256 on in order."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in kept]
    return {b: chr(b) for b in kept} | {b: chr(256 + i) for i, b in enumerate(others)}


LETTERS = byte_letters()
VOCABULARY = [*SPECIAL, *LETTERS.values(), *(a + b for a, b in MERGES)]


@functools.cache
def params_of(config: Config):
    """Random parameters, all of them far from neutral."""
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda x: (0.16 * rng.normal(size=x.shape) + 0.1).astype(np.float32), outline(config).params)


def agrees(found, tensors, config, frequency=None):
    """The logits of what was read are those of NumPy for these tensors; not compiled, so all of WIDE's sizes share."""
    tokens = np.arange(18) * 7 % config.vocabulary
    logits = np.asarray(found.model.apply(found.model.params, found.model.frozen, tokens[None]))[0]
    expected = numpy_decoder.logits(tensors, config, tokens, frequency)
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def written(path, family="llama", *, leave=(), add=None, keys=None, pre="smollm", stored=None, **sizes):
    """A GGUF file of a small random decoder; its sizes and parameters.

    keys: metadata set otherwise, None leaves one out. leave, add: tensors. stored: tensor of two axes -> (what is
    written, its type); as float32 by default. sizes: of the config, set otherwise.
    """
    config = FAMILIES[family]._replace(vocabulary=len(VOCABULARY), **sizes)
    params = params_of(config)
    tensors = {gguf_name(name): value for name, value in numpy_decoder.renamed(params).items()} | (add or {})
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
    add_value = {int: writer.add_uint32, float: writer.add_float32, str: writer.add_string, list: writer.add_array}
    add_value[bool] = writer.add_bool
    for key, value in (table | (keys or {})).items():
        if value is not None:
            add_value[type(value)](key, value)
    for name, value in tensors.items():
        if name not in leave:
            plain = np.ascontiguousarray(value), gguf.GGMLQuantizationType.F32
            data, kind = stored(value) if stored and value.ndim == 2 else plain
            writer.add_tensor(name, data, raw_dtype=kind)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    return config, params


def gguf_name(name: str) -> str:
    for ours, theirs in FOLDER_NAMES.items():
        name = name.replace(theirs, GGUF_NAMES[ours]) if theirs in name else name
    return name


def fields_of(config: Config, family: str) -> dict:
    """What a config.json says of a decoder."""
    return {
        "model_type": family, "architectures": [ARCHITECTURES[family]], "vocab_size": config.vocabulary,
        "hidden_size": config.width, "num_hidden_layers": config.layers, "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads, "head_dim": config.head_width, "intermediate_size": config.hidden,
        "rms_norm_eps": config.epsilon, "rope_theta": config.rope_base, "max_position_embeddings": config.longest,
        "tie_word_embeddings": config.tied, "hidden_act": "silu", "eos_token_id": 0, "bos_token_id": 1,
        "torch_dtype": "float32", "transformers_version": "4.40.0",
    }  # fmt: skip


def byte_level(added=()) -> Tokenizer:
    """The tokenizer of VOCABULARY; added: more tokens, such that are no special ones."""
    tokenizer = Tokenizer(BPE({token: i for i, token in enumerate(VOCABULARY)}, MERGES))
    tokenizer.pre_tokenizer, tokenizer.decoder = ByteLevel(add_prefix_space=False), ByteLevelDecoder()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in added])
    return tokenizer


def folder_written(path, family="llama", *, fields=None, add=None, tokenizer=None, generation=None, **sizes):
    """A Hugging Face folder of a small random decoder; its sizes and tensors.

    fields: of config.json, set otherwise. add: tensors. generation: of generation_config.json. sizes: of the config.
    """
    config = FAMILIES[family]._replace(vocabulary=len(VOCABULARY), interleaved=False, **sizes)
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps(fields_of(config, family) | (fields or {})))
    (tokenizer or byte_level()).save(str(path / "tokenizer.json"))
    if generation is not None:
        (path / "generation_config.json").write_text(json.dumps(generation))
    tensors = numpy_decoder.renamed(params_of(config)) | (add or {})
    save_file({name: np.ascontiguousarray(x) for name, x in tensors.items()}, path / "model.safetensors")
    return config, tensors
