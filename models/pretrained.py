"""Pretrained decoders of the Llama and Qwen families, from a GGUF file or a Hugging Face folder.

Files are mapped, not read; tensors are converted one by one, so that memory stays near that of the weights.
Reading here is the agreed exception to models/ not touching the disk.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gguf
import jax
import jax.numpy as jnp
import numpy as np
from safetensors import safe_open
from tokenizers import Tokenizer

from models import tokenizer as texts
from models.decoder import Config, outline
from models.functional import Model

GGUF_FAMILIES = {"llama": True, "qwen2": False, "qwen3": False}  # architecture -> interleaved rotary pairs
FOLDER_FAMILIES = ("llama", "qwen2", "qwen3")
GGUF_NAMES = {
    "tok.embedding": "token_embd.weight", "norm.scale": "output_norm.weight", "head.kernel": "output.weight",
    "norm1": "attn_norm", "norm2": "ffn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
    "q_norm": "attn_q_norm", "k_norm": "attn_k_norm", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
    "blocks": "blk",
}  # fmt: skip
FOLDER_NAMES = {
    "tok.embedding": "model.embed_tokens.weight", "norm.scale": "model.norm.weight", "head.kernel": "lm_head.weight",
    "norm1": "input_layernorm", "norm2": "post_attention_layernorm",
    **{name: f"self_attn.{name}_proj" for name in "qkvo"}, "q_norm": "self_attn.q_norm", "k_norm": "self_attn.k_norm",
    **{name: f"mlp.{name}_proj" for name in ("gate", "up", "down")}, "blocks": "model.layers",
}  # fmt: skip


class Pretrained(NamedTuple):
    """A decoder with its weights in model.params, and what turns text into its tokens and back.

    special: "eos", and "bos", "unk", "pad" where the tokenizer names them -> number.
    template: the chat template in Jinja, as it stands in the file, or None.
    """

    model: Model
    tokenizer: Tokenizer
    config: Config
    special: dict[str, int]
    template: str | None


def from_gguf(path: str | Path, *, dtype: Any = jnp.float32, place: Callable = jnp.array) -> Pretrained:
    """The decoder of a GGUF file, dequantised to dtype: architectures llama, qwen2, qwen3.

    place: one tensor in the host's memory -> jax.Array, such as one whose parts lie on several devices.
    Raises FileNotFoundError, and ValueError for another architecture, a missing key, a scaled rotary base, a tokenizer
    that is not supported or incomplete, and a tensor that is missing, unexpected or of the wrong shape.
    """
    path = _existing(path)
    reader = gguf.GGUFReader(path)
    get = _metadata(reader, path)
    config = _gguf_config(get, {tensor.name for tensor in reader.tensors})
    tokenizer, special = texts.from_metadata(get), texts.metadata_special(get)
    texts.check(tokenizer, special, config.vocabulary, path)
    template = get("tokenizer.chat_template", None)
    reader.fields.clear()  # an array object for every token: as large as half of the weights
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    shapes = {name: tuple(map(int, tensor.shape[::-1])) for name, tensor in tensors.items()}

    def read(name):
        return gguf.quants.dequantize(tensors[name].data, tensors[name].tensor_type)

    model = _filled(config, shapes, read, GGUF_NAMES, path, dtype, place)
    return Pretrained(model, tokenizer, config, special, template)


def from_folder(path: str | Path, *, dtype: Any = jnp.float32, place: Callable = jnp.array) -> Pretrained:
    """The decoder of a Hugging Face folder: config.json, tokenizer.json, *.safetensors; Llama, Qwen2, Qwen3.

    place and errors as in from_gguf. lm_head.weight is ignored in a tied model.
    """
    folder = Path(path)
    config = _folder_config(json.loads(_existing(folder / "config.json").read_text()))
    tokenizer = Tokenizer.from_file(str(_existing(folder / "tokenizer.json")))
    special = texts.folder_special(folder, tokenizer)
    texts.check(tokenizer, special, config.vocabulary, folder)
    opened = [safe_open(file, framework="np") for file in _weight_files(folder)]
    holders = {name: file for file in opened for name in file.keys()}  # noqa: SIM118 (not a dict)
    if config.tied:
        holders.pop("lm_head.weight", None)
    shapes = {name: tuple(file.get_slice(name).get_shape()) for name, file in holders.items()}
    model = _filled(config, shapes, lambda name: holders[name].get_tensor(name), FOLDER_NAMES, folder, dtype, place)
    return Pretrained(model, tokenizer, config, special, texts.folder_template(folder))


def _filled(config: Config, shapes: dict, read: Callable, names: dict, source: Path, dtype, place: Callable) -> Model:
    """The decoder with the tensors that read(name) gives, after all names and shapes have been compared."""
    model = outline(config)
    leaves, structure = jax.tree.flatten_with_path(model.params)
    wanted = [(_name(path, names), path[-1].key == "kernel", leaf.shape) for path, leaf in leaves]
    for name, turned, shape in wanted:
        shape = shape[::-1] if turned else shape
        if shapes.get(name) != shape:
            found = f"found {shapes[name]}" if name in shapes else "it is missing"
            raise ValueError(f"{source}: tensor {name} of shape {shape} was expected, {found}")
    if others := sorted(shapes.keys() - {name for name, _, _ in wanted}):
        more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
        raise ValueError(f"{source}: tensor {others[0]}{more} was not expected, {len(wanted)} others were")
    weights: list = [None] * len(wanted)
    for i in sorted(range(len(wanted)), key=lambda i: -leaves[i][1].size):  # the largest while the rest is not there
        name, turned, _ = wanted[i]
        found = read(name)
        weights[i] = place(np.asarray(found.T if turned else found, dtype))
    return model._replace(params=jax.tree.unflatten(structure, weights))


def _name(path: tuple, names: dict) -> str:
    """The tensor's name in the file: blocks.3.q.kernel -> blk.3.attn_q.weight."""
    keys = [str(key.key) for key in path]
    if keys[0] != "blocks":
        return names[".".join(keys)]
    return f"{names['blocks']}.{keys[1]}.{names[keys[2]]}.{'bias' if keys[3] == 'bias' else 'weight'}"


def _existing(path: str | Path) -> Path:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} is not a file: expected the weights, config or tokenizer of a language model")
    return Path(path)


def _metadata(reader: gguf.GGUFReader, path: Path) -> Callable:
    def get(key: str, *default):
        if key not in reader.fields:
            if default:
                return default[0]
            raise ValueError(f"{path} lacks the metadata key {key}")
        return reader.fields[key].contents()

    return get


def _gguf_config(get: Callable, tensors: set[str]) -> Config:
    family = get("general.architecture")
    if family not in GGUF_FAMILIES:
        raise ValueError(f"general.architecture is {family!r}: expected one of {', '.join(GGUF_FAMILIES)}")

    def size(key: str, *default) -> int:
        return int(get(f"{family}.{key}", *default))

    scaling = get(f"{family}.rope.scaling.type", "none")
    if scaling != "none" or "rope_freqs.weight" in tensors:
        raise ValueError(f"scaled rotary positions ({scaling}, or rope_freqs.weight) are not supported")
    heads, width = size("attention.head_count"), size("embedding_length")
    head_width = size("attention.key_length", width // heads)
    if size("rope.dimension_count", head_width) != head_width:
        raise ValueError(
            f"rotary positions of {size('rope.dimension_count')} in heads of {head_width} are not supported"
        )
    return Config(
        vocabulary=len(get("tokenizer.ggml.tokens")),
        width=width,
        layers=size("block_count"),
        heads=heads,
        kv_heads=size("attention.head_count_kv", heads),
        head_width=head_width,
        hidden=size("feed_forward_length"),
        rope_base=float(get(f"{family}.rope.freq_base", 10_000.0)),
        epsilon=float(get(f"{family}.attention.layer_norm_rms_epsilon")),
        tied="output.weight" not in tensors,
        qk_norm=family == "qwen3",
        qkv_bias=family == "qwen2",
        interleaved=GGUF_FAMILIES[family],
        longest=size("context_length"),
    )


def _folder_config(found: dict) -> Config:
    family = found.get("model_type")
    if family not in FOLDER_FAMILIES:
        raise ValueError(f"model_type is {family!r}: expected one of {', '.join(FOLDER_FAMILIES)}")
    rope = found.get("rope_parameters") or found.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    unsupported = {
        "rotary scaling": kind if kind != "default" else None,
        "sliding windows": found.get("use_sliding_window"),
        "the activation": found.get("hidden_act", "silu") if found.get("hidden_act", "silu") != "silu" else None,
        "biases": found.get("mlp_bias") or (family != "qwen2" and found.get("attention_bias")),
    }
    for what, value in unsupported.items():
        if value:
            raise ValueError(f"config.json asks for {what} ({value}), which is not supported")
    sizes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    for key in sizes:
        if key not in found:
            raise ValueError(f"config.json lacks {key}")
    vocabulary, width, layers, heads, hidden = (int(found[key]) for key in sizes)
    return Config(
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=found.get("num_key_value_heads") or heads,
        head_width=found.get("head_dim") or width // heads,
        hidden=hidden,
        rope_base=float(rope.get("rope_theta") or found.get("rope_theta") or 10_000.0),
        epsilon=float(found.get("rms_norm_eps", 1e-6)),
        tied=bool(found.get("tie_word_embeddings", False)),
        qk_norm=family == "qwen3",
        qkv_bias=family == "qwen2",
        longest=int(found.get("max_position_embeddings", 2048)),
    )


def _weight_files(folder: Path) -> list[Path]:
    """One file, or the shards that an index names."""
    index = folder / "model.safetensors.index.json"
    if index.exists():
        return [_existing(folder / name) for name in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
    return [_existing(folder / "model.safetensors")]
