"""Trainings and whole runs with weights cut over eight simulated devices, against one device."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tokenizers
from safetensors.numpy import save_file

from configs import instructions as config_file
from experiments import tasks
from experiments.runtime import mesh, results
from experiments.studies.valuation import study
from experiments.training.recipe import Recipe, optimizer
from models.decoder import Config, decoder
from models.lora import with_lora
from tests.experiments.training import trainings
from tests.experiments.training.trainings import EIGHT, ONE, assert_close, fitted
from tests.models import numpy_decoder
from valuation.outputs import log_likelihood
from valuation.problem import Examples

SHAPE = Config(32, 16, 1, heads=2, kv_heads=1, head_width=8, hidden=32, qkv_bias=True)
LARGE = 256  # numbers from which these tests cut a weight


@pytest.fixture(autouse=True)
def small_weights_are_large(monkeypatch):
    monkeypatch.setitem(mesh.sharded.__kwdefaults__, "large", LARGE)


def lora(dtype, sharded: bool) -> Recipe:
    base = decoder(SHAPE, jax.random.key(0))
    base = base._replace(params=jax.tree.map(lambda leaf: (8 * leaf).astype(dtype), base.params))
    model = with_lora(base, ("q", "v"), rank=2, key=jax.random.key(1))

    def loss(params, frozen, examples, key):
        return -log_likelihood(model.apply(params, frozen, examples.inputs), examples)

    def initialise(key):
        return with_lora(base, ("q", "v"), rank=2, key=key).params

    sgd = optimizer("sgd", {"learning_rate": 2e-3, "momentum": 0.9})
    return Recipe(loss, initialise, model.frozen, sgd, 6, 8, sharded)


def sentences(count, seed):
    tokens = np.random.default_rng(seed).integers(0, 32, (count, 9)).astype(np.int32)
    return Examples(tokens[:, :-1], tokens[:, 1:], np.arange(8) >= np.full((count, 1), 3))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_trained_parameters_are_those_of_whole_models(dtype):
    """LoRA of a decoder that two devices hold together.

    Both add the same numbers in another order. A gradient is a sum over 40 tokens through 4 products of up to 32
    terms: at worst some hundred roundings of the weights' type one after another, on any CPU at most 10 times their
    square root where they are random: 100 eps of the largest number. A wrong gradient would be off by a share of it.
    """
    sets = [sentences(20, 0), sentences(9, 1)]
    whole, cut = fitted(lora(dtype, False), ONE, sets), fitted(lora(dtype, True), EIGHT, sets)
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(whole[0]["blocks"][0]["v"]["up"])) > 1e-3
    assert_close(cut, whole, {jnp.float32: 100 * 2**-23, jnp.bfloat16: 10 * 2**-7}[dtype])


def test_a_batch_in_pieces_gives_the_same_parameters(x64):
    """The mean of the pieces' gradients is the batch's, as is a sum over devices: no matter the order of additions.

    In float64, where that order costs some eps = 2e-16 a step, 1e-12 holds on every CPU and is still far below what a
    piece left out or counted twice would do. In float32 the same twelve steps differ by 1e-6 on one CPU, 2e-6 on
    another.
    """

    def plan(**changes):
        return trainings.recipe(steps=12, batch=16, name="sgd", dtype=jnp.float64, **changes)

    whole = fitted(plan())
    assert_close(fitted(plan(pieces=4)), whole, 1e-12)
    assert_close(fitted(plan(pieces=2, sharded=True), EIGHT), whole, 1e-12)


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """The paper's config on a random checkpoint of the Qwen2 family and two mock data sets, everything else small."""
    folder = tmp_path_factory.mktemp("paper")
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=264, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(["in out"] * 9, trainer)
    shape = SHAPE._replace(vocabulary=264, longest=64)
    (folder / "model").mkdir()
    tokenizer.save(str(folder / "model" / "tokenizer.json"))
    sizes = {"vocab_size": 264, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes |= {"num_key_value_heads": 1, "intermediate_size": 32, "tie_word_embeddings": True, "model_type": "qwen2"}
    sizes |= {"rms_norm_eps": shape.epsilon, "max_position_embeddings": 64, "eos_token_id": 0}
    (folder / "model" / "config.json").write_text(json.dumps(sizes))
    weights = numpy_decoder.renamed(jax.tree.map(lambda x: x * 8, decoder(shape, jax.random.key(0)).params))
    save_file({k: np.ascontiguousarray(v) for k, v in weights.items()}, folder / "model" / "model.safetensors")
    rng = np.random.default_rng(0)

    def words():
        return " ".join(rng.choice(["in", "out", "up", "down"], 5))

    rows = [
        {"task_name": f"task{i:03d}_{'ab'[i % 2]}_x", "definition": "Do.", "inputs": f"{i} {words()}",
         "targets": words()} for i in range(120)
    ]  # fmt: skip
    made = [{"instruction": words(), "response": words()} for _ in range(20)]
    for name, lines in {"real": rows, "made": made}.items():
        (folder / name).mkdir()
        (folder / name / "part.jsonl").write_text("\n".join(map(json.dumps, lines)))

    def config(sharded: bool):
        config = config_file.get_config("paper,contributors=3,truth_seeds=1,size=12")
        config.folders = {"real": str(folder / "real"), "synthetic": str(folder / "made")}
        config.split.update({"validation": 16, "test": 16})
        config.tokens.update({"length": 32, "instruction": 4, "response": 12})
        config.model.update({"folder": str(folder / "model"), "dtype": "float32", "rank": 2, "adapted": ("q", "v")})
        config.training.update({"steps": 3, "batch": 8, "sharded": sharded})
        config.choice = "ntk_utility"
        config.methods = ("ntk_utility", "rbf_utility", "tracin")  # a kernel, states, products
        config.options = {name: dict(config.options[name]) for name in config.options if name in config.methods}
        config.checkpoints, config.memory, config.bootstrap = 1, 0, 20
        return config.lock()

    return config


def test_a_run_with_cut_weights_gives_the_numbers_of_one_device(paper, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study.report, "write", lambda workdir: None)
    models, load = [], tasks.load
    monkeypatch.setattr(tasks, "load", lambda *args: models.append(load(*args)) or models[-1])
    found = []
    for sharded in (True, False):
        workdir = tmp_path / str(sharded)
        study.run(paper(sharded), str(workdir), None)
        found.append(results.read(workdir / "results.jsonl"))
    cut, whole = (jax.tree.leaves(one.model.frozen) for one in models)
    parts = [leaf.size // leaf.addressable_shards[0].data.size for leaf in cut]
    assert parts == [8 if leaf.size >= LARGE else 1 for leaf in whole]
    assert 8 in parts
    assert "estimate: 0.00 G frozen" in capsys.readouterr().out
    for kind, field in (("terms", "terms"), ("values", "values"), ("truth", "utility"), ("truth", "loss")):
        cut, whole = ([line[field] for line in results.select(lines, kind=kind)] for lines in found)
        assert_close(jax.tree.map(np.array, cut), jax.tree.map(np.array, whole), 1e-4)
