"""What the config.json of a Hugging Face folder says of its decoder: the names of the tensors and the sizes."""

from typing import Any

from models import rotary
from models.checkpoint import check_keys, number
from models.decoder import Config

FAMILIES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}
NAMES = {
    "tok.embedding": "model.embed_tokens.weight", "norm.scale": "model.norm.weight", "head.kernel": "lm_head.weight",
    "norm1": "input_layernorm", "norm2": "post_attention_layernorm",
    **{name: f"self_attn.{name}_proj" for name in "qkvo"}, "q_norm": "self_attn.q_norm", "k_norm": "self_attn.k_norm",
    **{name: f"mlp.{name}_proj" for name in ("gate", "up", "down")}, "blocks": "model.layers",
}  # fmt: skip
READ = {
    "model_type", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "head_dim", "intermediate_size", "rms_norm_eps", "max_position_embeddings", "rope_theta",
    "rope_scaling", "rope_parameters", "bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id",
}  # fmt: skip
WITHOUT_EFFECT = {  # on logits: provenance, how to train, how to sample, what to return, in which type to compute
    "_name_or_path", "name_or_path", "transformers_version", "transformers.js_config", "torch_dtype", "dtype",
    "unsloth_version", "unsloth_fixed", "is_llama_config", "tokenizer_class", "model_max_length", "max_sequence_length",
    "use_cache", "initializer_range", "attention_dropout", "pretraining_tp", "max_window_layers", "attn_implementation",
    "_attn_implementation", "_attn_implementation_autoset", "use_bfloat16", "torchscript", "tf_legacy_loss",
    "return_dict", "return_dict_in_generate", "output_scores", "output_attentions", "output_hidden_states",
    "finetuning_task", "task_specific_params", "problem_type", "id2label", "label2id", "prefix", "is_decoder",
    "sep_token_id", "cls_token_id", "mask_token_id", "decoder_start_token_id", "forced_bos_token_id",
    "forced_eos_token_id", "max_length", "min_length", "max_new_tokens", "do_sample", "early_stopping", "num_beams",
    "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p", "typical_p", "repetition_penalty",
    "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences",
    "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens",
}  # fmt: skip
NEUTRAL: dict[str, tuple] = {  # what this decoder has only at these values
    "hidden_act": ("silu", "swish"), "mlp_bias": (False,), "attention_bias": (False,), "partial_rotary_factor": (1,),
    "rope_interleaved": (False,), "use_sliding_window": (False,), "sliding_window": (0,), "use_mrope": (False,),
    "is_encoder_decoder": (False,), "add_cross_attention": (False,), "tie_encoder_decoder": (False,),
    "chunk_size_feed_forward": (0,), "pruned_heads": ({},), "quantization_config": (), "compression_config": (),
    "auto_map": ({},), "tie_word_embeddings": (True, False),
}  # fmt: skip
ROTARY = {  # kind of rotary scaling -> the keys that it needs
    "default": (),
    "linear": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
}


def config_of(fields: dict[str, Any], source: str = "config.json") -> Config:
    """The sizes of the decoder that a config.json describes.

    Every key has to be known: what changes the logits is read, or refused by name. source: the file, for messages.
    Raises ValueError for another model_type, a missing key, and what this decoder does not have.
    """
    family = fields.get("model_type")
    if not isinstance(family, str) or family not in FAMILIES:
        raise ValueError(f"{source}: model_type is {family!r}: expected one of {', '.join(FAMILIES)}")
    qwen2, layers = family == "qwen2", number(fields, "num_hidden_layers", int, source)
    unread = {"attention_bias"} if qwen2 else set()  # its biases are always there
    unread |= {"sliding_window"} if family != "llama" else set()  # use_sliding_window decides
    alike = {"architectures": ([FAMILIES[family]],), "layer_types": (["full_attention"] * layers,)}
    check_keys(fields, READ | WITHOUT_EFFECT | unread, NEUTRAL | alike, source)
    width, heads = (number(fields, key, int, source) for key in ("hidden_size", "num_attention_heads"))
    head_width = number(fields, "head_dim", int, source, 128 if family == "qwen3" else width // max(heads, 1))
    base, divisors = _rotary(fields, head_width, source)
    return Config(
        vocabulary=number(fields, "vocab_size", int, source),
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=number(fields, "num_key_value_heads", int, source, heads),
        head_width=head_width,
        hidden=number(fields, "intermediate_size", int, source),
        rope_base=base,
        rope_divisors=divisors,
        epsilon=number(fields, "rms_norm_eps", float, source, 1e-6),
        tied=bool(fields.get("tie_word_embeddings", False)),
        qk_norm=family == "qwen3",
        qkv_bias=qwen2,
        longest=number(fields, "max_position_embeddings", int, source, 2048),
    )


def _rotary(fields: dict[str, Any], head_width: int, source: str) -> tuple[float, tuple[float, ...]]:
    """(base, divisors) of the rotary frequencies, from rope_scaling, the old way, or rope_parameters, the new.

    Where both are there, or the base is said twice, they have to agree.
    """
    groups = {key: fields[key] for key in ("rope_scaling", "rope_parameters") if fields.get(key)}
    for key, group in groups.items():
        if not isinstance(group, dict):
            raise ValueError(f"{source}: {key} must be an object with a rope_type, got {group!r}")
    bases = {"rope_theta": number(fields, "rope_theta", float, source, None)}
    bases |= {key: number(group, "rope_theta", float, f"{source}, {key}", None) for key, group in groups.items()}
    base = _agreed({key: value for key, value in bases.items() if value is not None}, 10_000.0, source)
    found = {key: _divisors(group, base, head_width, f"{source}, {key}") for key, group in groups.items()}
    return base, _agreed(found, (), source)


def _divisors(group: dict[str, Any], base: float, head_width: int, source: str) -> tuple[float, ...]:
    """What one group of rotary settings divides the frequencies by."""
    kinds = {str(group[key]) for key in ("rope_type", "type") if group.get(key) is not None}
    settings = group.keys() - {"rope_theta", "partial_rotary_factor"}
    if len(kinds) > 1 or (settings and not kinds):
        raise ValueError(
            f"{source} names {' and '.join(sorted(kinds)) or 'no rope_type'}: expected one kind of rotary scaling, "
            f"{', '.join(ROTARY)}"
        )
    kind = kinds.pop() if kinds else "default"
    if kind not in ROTARY:
        raise ValueError(f"{source} asks for rotary scaling ({kind}), which is not supported: only {', '.join(ROTARY)}")
    understood = {"rope_type", "type", "rope_theta", "original_max_position_embeddings", *ROTARY[kind]}
    check_keys(group, understood, {"partial_rotary_factor": (1,), "factor": (1,), "attention_factor": (1,)}, source)
    numbers = [number(group, key, float, source) for key in ROTARY[kind]]
    if kind == "default":
        return ()
    if kind == "linear":
        return rotary.linear_divisors(head_width, *numbers)
    factor, low, high, original = numbers
    return rotary.llama3_divisors(head_width, base, factor=factor, low=low, high=high, original=original)


def _agreed(said: dict[str, Any], otherwise: Any, source: str) -> Any:
    """What all the places say that say something; otherwise where none does."""
    if len(set(said.values())) > 1:
        raise ValueError(f"{source}: {' and '.join(said)} differ on rotary positions: leave the one that is right")
    return next(iter(said.values()), otherwise)
