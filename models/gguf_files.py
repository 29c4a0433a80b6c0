"""What a GGUF file says of its decoder: the names of the tensors, the sizes, and the tensors as numbers."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from models import rotary
from models.checkpoint import check_keys, existing, number
from models.decoder import Config

FAMILIES = {"llama": True, "qwen2": False, "qwen3": False}  # architecture -> interleaved rotary pairs
NAMES = {
    "tok.embedding": "token_embd.weight", "norm.scale": "output_norm.weight", "head.kernel": "output.weight",
    "norm1": "attn_norm", "norm2": "ffn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
    "q_norm": "attn_q_norm", "k_norm": "attn_k_norm", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
    "blocks": "blk",
}  # fmt: skip
ROPE_FREQS = "rope_freqs.weight"  # what each rotary frequency is divided by: how Llama 3.1's scaling is kept in a file
READ = {  # keys after the architecture's name
    "block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count",
    "attention.head_count_kv", "attention.key_length", "attention.value_length", "rope.dimension_count",
    "rope.freq_base", "rope.scaling.type", "rope.scaling.factor", "rope.scale_linear",
    "attention.layer_norm_rms_epsilon",
}  # fmt: skip
WITHOUT_EFFECT = {"vocab_size", "rope.scaling.finetuned", "rope.scaling.original_context_length"}
NEUTRAL: dict[str, tuple] = {  # what this decoder does not have -> the values that do not ask for it
    "expert_count": (0,), "expert_used_count": (0,), "leading_dense_block_count": (0,), "nextn_predict_layers": (0,),
    "attention.causal": (True,), "attention.sliding_window": (0,), "attention.max_alibi_bias": (0,),
    "attention.clamp_kqv": (0,), "attention.scale": (0,), "attn_logit_softcapping": (0,),
    "final_logit_softcapping": (0,), "logit_scale": (0, 1), "residual_scale": (0, 1), "embedding_scale": (0, 1),
    "use_parallel_residual": (False,), "rope.scaling.attn_factor": (0, 1), "pooling_type": (0,),
    "tensor_data_layout": ("Meta AI original pth",),
}  # fmt: skip
FILE: dict[str, tuple] = {"general.type": ("model",), "split.count": (0, 1)}  # of the file as a whole


class _Reader(gguf.GGUFReader):
    """The package's reader, which ends where the file does: it would count out what a damaged file announces."""

    def _get(self, offset, dtype, count=1, override_order=None):
        if int(offset) + int(count) * np.dtype(dtype).itemsize > self.data.nbytes:
            raise ValueError("it announces more than it holds")
        return super()._get(offset, dtype, count, override_order)


def opened(path: Path) -> gguf.GGUFReader:
    """The file, mapped. Raises as `checkpoint.existing`, and ValueError for a file that is damaged or cut off."""
    try:
        return _Reader(existing(path))
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} is no GGUF file, damaged or cut off ({error}): fetch it again") from None


def metadata(reader: gguf.GGUFReader, path: Path) -> Callable:
    """(key, default) -> the value of a metadata key. Without a default, ValueError names a file that lacks it; with or
    without, one whose text is no UTF-8.
    """

    def get(key: str, *default):
        if key not in reader.fields:
            if default:
                return default[0]
            raise ValueError(f"{path} lacks the metadata key {key}")
        try:
            return reader.fields[key].contents()
        except UnicodeDecodeError:
            raise ValueError(f"{path}: the metadata key {key} holds no text in UTF-8: fetch the file again") from None

    return get


def config_of(reader: gguf.GGUFReader, path: Path) -> Config:
    """The sizes of the decoder that the metadata describe; path: of the file, for messages.

    Every key of the architecture has to be known: what changes the logits is read, or refused by name.
    Raises ValueError for another architecture, a missing key, and what this decoder does not have.
    """
    get, tensors = metadata(reader, path), {tensor.name: tensor for tensor in reader.tensors}
    family = get("general.architecture")
    if not isinstance(family, str) or family not in FAMILIES:
        raise ValueError(f"{path}: general.architecture is {family!r}: expected one of {', '.join(FAMILIES)}")
    source = str(path)
    said = {key: get(key) for key in reader.fields if key.startswith(f"{family}.")}
    understood = {f"{family}.{key}" for key in READ | WITHOUT_EFFECT}
    neutral = {f"{family}.{key}": values for key, values in NEUTRAL.items()}
    check_keys(said, understood, neutral, source)
    check_keys({key: get(key, None) for key in FILE}, (), FILE, source)

    def size(key: str, *default: int) -> int:
        return number(said, f"{family}.{key}", int, source, *default)

    heads, width, layers = size("attention.head_count"), size("embedding_length"), size("block_count")
    head_width = size("attention.key_length", width // max(heads, 1))
    for key, what in (("rope.dimension_count", "rotary positions"), ("attention.value_length", "values")):
        if size(key, head_width) != head_width:
            raise ValueError(
                f"{source}: {what} of {size(key)} in heads of {head_width} are not supported ({family}.{key})"
            )
    return Config(
        vocabulary=len(get("tokenizer.ggml.tokens")),
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=size("attention.head_count_kv", heads),
        head_width=head_width,
        hidden=size("feed_forward_length"),
        rope_base=number(said, f"{family}.rope.freq_base", float, source, 10_000.0),
        rope_divisors=_divisors(said, f"{family}.rope", tensors.get(ROPE_FREQS), head_width, source),
        epsilon=number(said, f"{family}.attention.layer_norm_rms_epsilon", float, source),
        tied=NAMES["head.kernel"] not in tensors,
        qk_norm=family == "qwen3",
        qkv_bias=family == "qwen2",
        interleaved=FAMILIES[family],
        longest=size("context_length"),
    )


def numbers(tensor: gguf.ReaderTensor, source: str | Path) -> np.ndarray:
    """The tensor as floating-point numbers, dequantised. Raises ValueError for a type that the gguf package cannot."""
    try:
        return gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    except NotImplementedError:
        raise ValueError(
            f"{source}: tensor {tensor.name} is of type {tensor.tensor_type.name}, which the gguf package cannot "
            "dequantise: take the model in another quantisation"
        ) from None


def _divisors(said: Mapping[str, Any], rope: str, tensor, head_width: int, source: str) -> tuple[float, ...]:
    """What rotary frequencies are divided by: the factor of linear scaling, times the file's own tensor of them.

    rope: how the keys begin. A factor without a type is linear scaling, as in files from before there were types; 0
    stands for 1.
    """
    kind = said.get(f"{rope}.scaling.type", "linear")
    if kind not in ("none", "linear"):
        raise ValueError(f"{source}: {rope}.scaling.type asks for rotary scaling ({kind}), which is not supported")
    keys = (f"{rope}.scaling.factor", f"{rope}.scale_linear")
    factors = {factor for key in keys if (factor := number(said, key, float, source, 0.0)) not in (0, 1)}
    if len(factors) > 1:
        raise ValueError(f"{source}: {' and '.join(keys)} differ on rotary positions: {sorted(factors)}")
    linear = rotary.linear_divisors(head_width, factors.pop()) if factors and kind == "linear" else ()
    if tensor is None:
        return linear
    own = numbers(tensor, source).ravel().astype(float)
    if own.size != head_width // 2:
        raise ValueError(f"{source}: {ROPE_FREQS} holds {own.size} numbers: expected {head_width // 2}, one a pair")
    return tuple((own * np.array(linear or 1.0)).tolist())
