"""What a config.json may say: known keys are read, what changes the logits and is not implemented is refused."""

import pytest

from models.hugging_face import config_of
from tests.models.written_models import FAMILIES, fields_of

LLAMA = FAMILIES["llama"]._replace(vocabulary=99, interleaved=False)
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
THETA = {"rope_type": "default", "rope_theta": 500.0}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_sizes_come_back(family):
    config = FAMILIES[family]._replace(vocabulary=99, interleaved=False)
    assert config_of(fields_of(config, family)) == config


def test_what_changes_nothing_is_let_through():
    for change in (
        {"rope_scaling": None, "attention_dropout": 0.1, "pretraining_tp": 2, "temperature": 0.6, "new_thing": None},
        {"rope_theta": None, "rope_parameters": THETA}, {"rope_parameters": THETA}, {"partial_rotary_factor": 1.0},
        {"layer_types": ["full_attention"] * 2}, {"hidden_act": "swish"}, {"mlp_bias": False, "attention_bias": False},
        {"rope_scaling": {"rope_type": "default", "factor": 1.0}}, {"pad_token_id": -1}, {"architectures": None},
    ):  # fmt: skip
        assert config_of(fields_of(LLAMA, "llama") | change) == LLAMA
    qwen2 = FAMILIES["qwen2"]._replace(vocabulary=99)
    windows = {"use_sliding_window": False, "sliding_window": 32, "max_window_layers": 1}
    assert config_of(fields_of(qwen2, "qwen2") | windows | {"attention_bias": True}) == qwen2


def test_what_is_missing_counts_as_the_family_counts_it():
    fields = fields_of(LLAMA, "llama")
    for key in ("head_dim", "rms_norm_eps", "rope_theta", "tie_word_embeddings", "num_key_value_heads"):
        del fields[key]
    assert config_of(fields) == LLAMA._replace(epsilon=1e-6, rope_base=1e4, tied=False, kv_heads=4)
    qwen3 = fields_of(FAMILIES["qwen3"]._replace(vocabulary=99), "qwen3")
    assert config_of(qwen3 | {"head_dim": None}).head_width == 128


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gemma"}, "model_type is 'gemma': expected one of llama, qwen2, qwen3"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "architectures = .*, which is not supported"),
        ({"hidden_size": None}, r"config\.json lacks hidden_size"),
        ({"hidden_size": "many"}, "hidden_size must be a number of type int, got 'many'"),
        ({"hidden_act": "gelu"}, "hidden_act = gelu, which is not supported: expected silu"),
        ({"mlp_bias": True}, "mlp_bias = True"),
        ({"attention_bias": True}, "attention_bias = True"),
        ({"sliding_window": 16}, "sliding_window = 16"),
        ({"use_sliding_window": True}, "use_sliding_window = True"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "layer_types = "),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor = 0.5"),
        ({"rope_interleaved": True}, "rope_interleaved = True"),
        ({"quantization_config": {"bits": 4}}, "quantization_config = .*expected none"),
        ({"tie_word_embeddings": "false"}, "tie_word_embeddings = false, .*: expected True or False"),
        ({"auto_map": {"AutoModelForCausalLM": "own.Model"}}, "auto_map"),
        ({"num_local_experts": 8}, "num_local_experts = 8, a key that is not known"),
        ({"final_logit_softcapping": 30.0}, "final_logit_softcapping = 30.0, a key that is not known"),
        ({"logits_scaling": 8.0}, "logits_scaling"),
        ({"attention_multiplier": 0.1}, "attention_multiplier"),
        ({"use_qk_norm": True}, "use_qk_norm"),
        ({"is_causal": False}, "is_causal"),
        ({"rope_scaling": {"factor": 4.0}}, "rope_scaling names no rope_type"),
        ({"rope_scaling": {"type": "linear", "rope_type": "llama3", "factor": 4.0}}, "names linear and llama3"),
        ({"rope_scaling": YARN}, r"rotary scaling \(yarn\), which is not supported: only default, linear, llama3"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, r"rotary scaling \(dynamic\)"),
        ({"rope_scaling": {"rope_type": "longrope", "long_factor": [1.0]}}, r"rotary scaling \(longrope\)"),
        ({"rope_scaling": {"type": "mrope", "mrope_section": [1, 2]}}, r"rotary scaling \(mrope\)"),
        ({"rope_parameters": THETA, "rope_scaling": YARN}, r"rope_scaling asks for rotary scaling \(yarn\)"),
        ({"rope_parameters": {"rope_type": "default", "factor": 4.0}}, "rope_parameters asks for factor = 4.0"),
        ({"rope_parameters": THETA | {"partial_rotary_factor": 0.5}}, "partial_rotary_factor = 0.5"),
        ({"rope_parameters": THETA | {"rope_theta": 1e4}}, "rope_theta and rope_parameters differ"),
        ({"rope_parameters": THETA, "rope_scaling": {"type": "linear", "factor": 2.0}}, "parameters differ on rotary"),
        ({"rope_parameters": {"full_attention": THETA}}, "rope_parameters names no rope_type"),
        ({"rope_scaling": {"rope_type": "linear"}}, "rope_scaling lacks factor"),
        ({"rope_scaling": {"rope_type": "linear", "factor": -2.0}}, "must be a positive number, got -2.0"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 2.0, "mscale": 1.2}}, "mscale = 1.2, a key that is not"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "lacks low_freq_factor"),
        ({"rope_scaling": 4.0}, "rope_scaling must be an object"),
    ],
)
def test_what_is_not_implemented_is_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message) as refusal:
        config_of(fields_of(LLAMA, "llama") | change)
    assert "\n" not in str(refusal.value)
