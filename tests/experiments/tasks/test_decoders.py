"""Decoders of responses, and what is measured of them."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
import tokenizers
from ml_collections import ConfigDict
from scipy.special import log_softmax

from experiments.tasks import decoders, response_metrics, token_rows
from experiments.tasks.token_rows import Pair
from models.pretrained import from_folder
from tests.experiments.tasks.test_token_rows import rows_of


def test_nats_per_byte_against_numpy(parts, sequence_config):
    model = decoders.learner(sequence_config, parts.coder, None).model
    some = parts.test.take(np.arange(7))
    logp = log_softmax(np.asarray(jax.jit(model.apply)(model.params, model.frozen, some.inputs), np.float64), axis=-1)
    target_logp = np.take_along_axis(logp, some.targets[..., None], -1)[..., 0]
    expected = [-target_logp[row][some.mask[row]].sum() for row in range(7)]
    np.testing.assert_allclose(response_metrics.nats(model, some), expected, rtol=1e-5)
    utility, loss = response_metrics.measure(parts.coder, model, some)
    size = sum(len(response.encode()) for _, response in token_rows.texts(parts.coder, rows_of(some)))
    np.testing.assert_allclose([utility, loss], [-sum(expected) / size, sum(expected) / some.mask.sum()], rtol=1e-5)
    counts = np.ones(len(parts.coder.lengths))
    for token in parts.train.targets[parts.train.mask]:
        counts[token] += 1
    by_hand = -sum(np.log(counts[t] / counts.sum()) for t in some.targets[some.mask]) / size
    np.testing.assert_allclose(response_metrics.unigram(parts.coder, parts.train, some), by_hand, rtol=1e-9)


@pytest.fixture
def folder(tmp_path):
    """A pretrained decoder of 64 tokens with a tokenizer for a few letters."""
    source = Path(__file__).parents[2] / "models" / "data" / "qwen3"
    for path in source.glob("*.safetensors*"):
        shutil.copy(path, tmp_path)
    sizes = json.loads((source / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(sizes | {"max_position_embeddings": 40}))
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    special = ["<pad>", "<end>", "<ask>", "<answer>"]
    tokenizer.train_from_iterator(
        ["abc abd"] * 9, tokenizers.trainers.BpeTrainer(vocab_size=60, special_tokens=special)
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_pretrained_decoder_is_read_adapted_and_asked_to_write(folder, sequence_config):
    code = token_rows.folder_coder(folder, ("<ask>", "<answer>", "<end>"))
    pairs = [Pair("", "abc ab", "abd", "a"), Pair("", "abd abc abc", "abc abc", "a")]
    examples, _ = token_rows.encode(code, pairs, ConfigDict({"length": 16, "instruction": 0, "response": 6}))
    assert token_rows.bytes_of(code, examples) == len("abd") + len("abc abc")
    shape = {"name": "folder", "folder": str(folder), "dtype": "float32", "rank": 2, "adapted": ("q", "v"), "last": 1}
    limits = {"length": 16, "response": 6}
    chosen = ConfigDict({**sequence_config.to_dict(), "model": shape | {"states": 0}, "tokens": limits})
    model, recipe = decoders.learner(chosen, code, None).on_pool(examples, ())
    assert list(model.params["blocks"]) == [1]
    plain = from_folder(folder).model
    np.testing.assert_allclose(
        response_metrics.nats(model, examples), response_metrics.nats(plain, examples), rtol=1e-5
    )
    gradient = jax.jit(jax.grad(lambda params: recipe.loss(params, recipe.frozen, examples, None).mean()))(model.params)
    assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient))
    score, loss = response_metrics.measure_text(code, "rouge_l", model, examples)
    assert 0 <= score <= 1
    assert loss == pytest.approx(response_metrics.measure(code, model, examples)[1])
    with pytest.raises(ValueError, match="lacks '<none>'"):
        token_rows.folder_coder(folder, ("<ask>", "<none>", "<end>"))
    chosen.model.folder = ""
    with pytest.raises(ValueError, match=r"config\.model\.folder is empty"):
        decoders.coder_of(chosen, None)
