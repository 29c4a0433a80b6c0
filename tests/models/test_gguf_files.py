"""What a GGUF file may say, and every type of tensor that the gguf package can read, as logits."""

import itertools

import gguf
import jax.numpy as jnp
import numpy as np
import pytest

from models.pretrained import from_gguf
from tests.models import numpy_decoder
from tests.models.written_models import FAMILIES, WIDE, agrees, written

TYPES = gguf.GGMLQuantizationType
NOT_READ = ("Q8_1", "Q8_K", "I8", "F64")  # for sums on the way, and for what is no weight
READ = [kind for kind in TYPES if kind in gguf.quants._type_traits or kind == TYPES.F16]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"llama.block_count": None}, r"a\.gguf lacks llama\.block_count"),
        ({"llama.rope.dimension_count": 4}, r"rotary positions of 4 in heads of 8 .* \(llama\.rope\.dimension_count\)"),
        ({"llama.attention.value_length": 4}, "values of 4 in heads of 8"),
        ({"llama.attention.head_count_kv": [2, 1]}, "head_count_kv differs between layers, .*: 2, 1"),
        ({"llama.rope.scaling.type": "yarn"}, r"rope\.scaling\.type asks for rotary scaling \(yarn\)"),
        ({"llama.rope.scaling.type": "longrope"}, r"rotary scaling \(longrope\)"),
        ({"llama.rope.scaling.factor": 4.0, "llama.rope.scale_linear": 2.0}, r"differ on .*: \[2.0, 4.0\]"),
        ({"llama.rope.scaling.factor": -4.0}, "must be a positive number, got -4.0"),
        ({"llama.rope.scaling.attn_factor": 1.2}, r"rope\.scaling\.attn_factor = 1.2"),
        ({"llama.rope.dimension_sections": [1, 2]}, r"rope\.dimension_sections = \[1, 2\], a key that is not known"),
        ({"llama.rope.freq_base": 0.0}, "rotary base, rotary divisors and epsilon must be positive"),
        ({"llama.attention.sliding_window": 16}, r"attention\.sliding_window = 16, which is not supported: expected 0"),
        ({"llama.attention.causal": False}, "expected True"),
        ({"llama.attention.scale": 0.5}, r"attention\.scale = 0.5"),
        ({"llama.attn_logit_softcapping": 50.0}, r"attn_logit_softcapping = 50.0"),
        ({"llama.final_logit_softcapping": 30.0}, r"final_logit_softcapping = 30.0"),
        ({"llama.logit_scale": 0.25}, r"logit_scale = 0.25"),
        ({"llama.expert_count": 8}, r"expert_count = 8"),
        ({"llama.use_parallel_residual": True}, r"use_parallel_residual = True"),
        ({"llama.swiglu_clamp_exp": 7.0}, r"swiglu_clamp_exp = 7.0, a key that is not known"),
        ({"general.type": "adapter"}, r"general\.type = adapter, which is not supported: expected model"),
        ({"split.count": 3}, r"split\.count = 3"),
        ({"tokenizer.ggml.pre": None}, r"a\.gguf lacks tokenizer\.ggml\.pre"),
        ({"tokenizer.ggml.eos_token_id": None}, "names no end-of-sequence token"),
        ({"tokenizer.ggml.eot_token_id": 999}, "lacks its eos token: expected number 999, found none"),
    ],
)  # fmt: skip
def test_what_is_not_implemented_is_refused_by_name(tmp_path, keys, message):
    written(tmp_path / "a.gguf", keys=keys, layers=1 if "differs" not in message else 2)
    with pytest.raises(ValueError, match=message) as refusal:
        from_gguf(tmp_path / "a.gguf")
    assert "\n" not in str(refusal.value)


def test_another_architecture_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "mamba", FAMILIES["llama"])
    written(tmp_path / "a.gguf", family="mamba")
    with pytest.raises(ValueError, match="architecture is 'mamba': expected one of llama, qwen2, qwen3"):
        from_gguf(tmp_path / "a.gguf")


def test_metadata_that_are_no_text_are_named(tmp_path):
    path = tmp_path / "a.gguf"
    written(path)
    whole = path.read_bytes()
    place = whole.index(b"llama", whole.index(b"general.architecture") + 20)
    path.write_bytes(whole[:place] + b"\x80" + whole[place + 1 :])
    with pytest.raises(ValueError, match=r"the metadata key general\.architecture holds no text in UTF-8"):
        from_gguf(path)


def test_a_list_longer_than_the_file_is_refused_and_not_counted_out(tmp_path):
    path = tmp_path / "a.gguf"
    written(path)
    whole, key = path.read_bytes(), b"tokenizer.ggml.tokens"
    place = whole.index(key) + len(key) + 8  # behind the types of the list and of what is in it
    path.write_bytes(whole[:place] + (2**60).to_bytes(8, "little") + whole[place + 8 :])
    with pytest.raises(ValueError, match=r"a\.gguf is no GGUF file, .*announces more than it holds"):
        from_gguf(path)


def test_frequencies_of_another_size_are_named(tmp_path):
    written(tmp_path / "a.gguf", add={"rope_freqs.weight": np.ones(3, np.float32)})
    with pytest.raises(ValueError, match=r"rope_freqs\.weight holds 3 numbers: expected 4, one a pair"):
        from_gguf(tmp_path / "a.gguf")


def test_what_changes_nothing_is_let_through(tmp_path):
    written(tmp_path / "plain.gguf")
    keys = {
        "llama.attention.head_count": [4, 4], "llama.attention.head_count_kv": [2, 2], "llama.vocab_size": 264,
        "llama.feed_forward_length": [64, 64], "llama.expert_count": 0, "llama.rope.scaling.finetuned": False,
        "llama.rope.scaling.factor": 1.0, "llama.rope.scaling.original_context_length": 32, "split.count": 1,
        "llama.logit_scale": 1.0, "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.eot_token_id": 1,
        "tokenizer.chat_template.tools": "{{ x }}", "someone.wrote": "this", "general.type": "model",
    }  # fmt: skip
    written(tmp_path / "said.gguf", keys=keys)
    plain, said = (from_gguf(tmp_path / f"{name}.gguf") for name in ("plain", "said"))
    assert plain.config == said.config
    assert (plain.ends, said.ends) == ((0,), (0, 1))
    assert plain.special == said.special == {"eos": 0, "bos": 1}


def mixed(path, kinds, made, sizes):
    """A file whose matrices are of these types in turn; (its sizes, its tensors as the file holds them).

    made: (shape, type) -> numbers that the type holds, as (what is stored, the numbers).
    """
    order, held = itertools.cycle(kinds), {}

    def stored(tensor):
        kind = next(order)
        data, held[tensor.shape, tensor[0, 0].item()] = made(tensor.shape, kind)
        return data, kind

    config, params = written(path, stored=stored, **sizes)
    tensors = numpy_decoder.renamed(params)
    return config, {name: held[x.shape, x[0, 0].item()] if x.ndim == 2 else x for name, x in tensors.items()}


def some(shape, kind):
    """Random numbers in that type: quantised, or blocks of bytes below 40: halves of them are below 1/32."""
    rng = np.random.default_rng(kind)
    try:
        data = gguf.quants.quantize(0.02 * rng.normal(size=shape).astype(np.float32), kind)
    except NotImplementedError:
        size, width = gguf.GGML_QUANT_SIZES[kind]
        data = rng.integers(0, 40, (shape[0], shape[1] // size * width), np.uint8)
    return data, gguf.quants.dequantize(data.view(np.uint8), kind)


def ternary(shape, kind):
    """Numbers -d, 0 and d, of which the ternary types lose nothing: the same before and after."""
    exact = np.float32(2**-5) * np.random.default_rng(kind).integers(-1, 2, shape).astype(np.float32)
    return gguf.quants.quantize(exact, kind), exact


def test_every_type_gives_the_logits_of_its_numbers(tmp_path):
    """The numbers as the gguf package reads them (there they are compared with llama.cpp), the forward pass NumPy's."""
    config, tensors = mixed(tmp_path / "a.gguf", READ, some, WIDE | {"layers": 4})
    assert len(READ) <= sum(x.ndim == 2 for x in tensors.values()), "every type occurs"
    assert {"F16", "BF16", "Q4_0", "Q8_0", "Q4_K", "Q6_K", "IQ4_NL", "TQ1_0", "TQ2_0"} <= {kind.name for kind in READ}
    agrees(from_gguf(tmp_path / "a.gguf"), tensors, config)


def test_ternary_weights_are_read_as_they_were(tmp_path):
    config, tensors = mixed(tmp_path / "a.gguf", (TYPES.TQ1_0, TYPES.TQ2_0), ternary, WIDE)
    found = from_gguf(tmp_path / "a.gguf")
    for ours, theirs in (("q", "self_attn.q_proj"), ("gate", "mlp.gate_proj")):
        kernel = np.asarray(found.model.params["blocks"][0][ours]["kernel"]).T
        np.testing.assert_array_equal(kernel, tensors[f"model.layers.0.{theirs}.weight"])
    agrees(found, tensors, config)


@pytest.mark.parametrize("name", NOT_READ)
def test_a_type_that_is_not_read_is_named(tmp_path, name):
    kind = TYPES[name]
    size, width = gguf.GGML_QUANT_SIZES[kind]

    def stored(tensor):
        return np.zeros((len(tensor), tensor.shape[1] // size * width), np.uint8), kind

    written(tmp_path / "a.gguf", stored=stored, **WIDE)
    with pytest.raises(ValueError, match=rf"a\.gguf: tensor token_embd\.weight is of type {name}, which"):
        from_gguf(tmp_path / "a.gguf", dtype=jnp.float32)
