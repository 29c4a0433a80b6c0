"""What a Hugging Face folder says of its decoder: the names of the tensors, the sizes, the files of weights."""

import json
from pathlib import Path
from typing import Any

from models.decoder import Config

FAMILIES = ("llama", "qwen2", "qwen3")
NAMES = {
    "tok.embedding": "model.embed_tokens.weight", "norm.scale": "model.norm.weight", "head.kernel": "lm_head.weight",
    "norm1": "input_layernorm", "norm2": "post_attention_layernorm",
    **{name: f"self_attn.{name}_proj" for name in "qkvo"}, "q_norm": "self_attn.q_norm", "k_norm": "self_attn.k_norm",
    **{name: f"mlp.{name}_proj" for name in ("gate", "up", "down")}, "blocks": "model.layers",
}  # fmt: skip


def config_of(fields: dict[str, Any]) -> Config:
    """The sizes of the decoder that a config.json describes.

    Raises ValueError for another model_type, a missing key and what this decoder does not have.
    """
    family = fields.get("model_type")
    if family not in FAMILIES:
        raise ValueError(f"model_type is {family!r}: expected one of {', '.join(FAMILIES)}")
    rope = fields.get("rope_parameters") or fields.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    unsupported = {
        "rotary scaling": kind if kind != "default" else None,
        "sliding windows": fields.get("use_sliding_window"),
        "the activation": fields.get("hidden_act", "silu") if fields.get("hidden_act", "silu") != "silu" else None,
        "biases": fields.get("mlp_bias") or (family != "qwen2" and fields.get("attention_bias")),
    }
    for what, value in unsupported.items():
        if value:
            raise ValueError(f"config.json asks for {what} ({value}), which is not supported")
    sizes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    for key in sizes:
        if key not in fields:
            raise ValueError(f"config.json lacks {key}")
    vocabulary, width, layers, heads, hidden = (int(fields[key]) for key in sizes)
    return Config(
        vocabulary=vocabulary,
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=fields.get("num_key_value_heads") or heads,
        head_width=fields.get("head_dim") or width // heads,
        hidden=hidden,
        rope_base=float(rope.get("rope_theta") or fields.get("rope_theta") or 10_000.0),
        epsilon=float(fields.get("rms_norm_eps", 1e-6)),
        tied=bool(fields.get("tie_word_embeddings", False)),
        qk_norm=family == "qwen3",
        qkv_bias=family == "qwen2",
        longest=int(fields.get("max_position_embeddings", 2048)),
    )


def weight_files(folder: Path) -> list[Path]:
    """The one file of weights, or the shards that an index names. Raises FileNotFoundError for one that is missing."""
    index = folder / "model.safetensors.index.json"
    if index.exists():
        return [existing(folder / name) for name in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
    return [existing(folder / "model.safetensors")]


def existing(path: str | Path) -> Path:
    """The path. Raises FileNotFoundError unless a file is there."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} is not a file: expected the weights, config or tokenizer of a language model")
    return Path(path)
