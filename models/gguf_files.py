"""What a GGUF file says of its decoder: the names of the tensors and the sizes."""

from collections.abc import Callable
from pathlib import Path

import gguf

from models.decoder import Config

FAMILIES = {"llama": True, "qwen2": False, "qwen3": False}  # architecture -> interleaved rotary pairs
NAMES = {
    "tok.embedding": "token_embd.weight", "norm.scale": "output_norm.weight", "head.kernel": "output.weight",
    "norm1": "attn_norm", "norm2": "ffn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
    "q_norm": "attn_q_norm", "k_norm": "attn_k_norm", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
    "blocks": "blk",
}  # fmt: skip


def metadata(reader: gguf.GGUFReader, path: Path) -> Callable:
    """(key, default) -> the value of a metadata key; without a default, ValueError names the file that lacks it."""

    def get(key: str, *default):
        if key not in reader.fields:
            if default:
                return default[0]
            raise ValueError(f"{path} lacks the metadata key {key}")
        return reader.fields[key].contents()

    return get


def config_of(get: Callable, tensors: set[str]) -> Config:
    """The sizes of the decoder that the metadata describe; get: as `metadata` returns it; tensors: names in the file.

    Raises ValueError for another architecture, a missing key and scaled or partial rotary positions.
    """
    family = get("general.architecture")
    if family not in FAMILIES:
        raise ValueError(f"general.architecture is {family!r}: expected one of {', '.join(FAMILIES)}")

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
        interleaved=FAMILIES[family],
        longest=size("context_length"),
    )
