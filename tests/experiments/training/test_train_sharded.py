"""Trainings and whole runs with weights cut over eight simulated devices, against one device."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tokenizers
from safetensors.numpy import save_file

from configs import instructions as config_file
from experiments import tasks
from experiments.runtime import mesh, results
from experiments.studies.valuation import study
from experiments.training import train, train_sharded
from models.decoder import Config, decoder
from models.lora import with_lora
from tests.models import numpy_decoder
from valuation.outputs import log_likelihood
from valuation.problem import Examples

ONE = jax.sharding.Mesh(np.array(jax.devices()[:1]), (mesh.AXIS,))
EIGHT = mesh.devices()
SHAPE = Config(32, 16, 1, heads=2, kv_heads=1, head_width=8, hidden=32, qkv_bias=True)
LARGE = 256  # numbers from which these tests cut a weight


@pytest.fixture(autouse=True)
def small_weights_are_large(monkeypatch):
    monkeypatch.setitem(mesh.sharded.__kwdefaults__, "large", LARGE)


def lora(dtype=jnp.float32, *, steps=6, batch=8, sharded=False, rate=2e-3):
    base = decoder(SHAPE, jax.random.key(0))
    base = base._replace(params=jax.tree.map(lambda leaf: (8 * leaf).astype(dtype), base.params))
    model = with_lora(base, ("q", "v"), rank=2, key=jax.random.key(1))

    def loss(params, frozen, examples, key):
        return -log_likelihood(model.apply(params, frozen, examples.inputs), examples)

    def initialise(key):
        return with_lora(base, ("q", "v"), rank=2, key=key).params

    return train.Recipe(loss, initialise, model.frozen, optax.sgd(rate, momentum=0.9), steps, batch, sharded)


def sentences(count, seed):
    tokens = np.random.default_rng(seed).integers(0, 32, (count, 9)).astype(np.int32)
    return Examples(tokens[:, :-1], tokens[:, 1:], np.arange(8) >= np.full((count, 1), 3))


SETS = [sentences(20, 0), sentences(9, 1)]


def fitted(recipe, devices, sets=SETS, checkpoint=None):
    keys = list(jax.random.split(jax.random.key(1), len(sets)))
    return train.fit(recipe, sets, keys, mesh=devices, checkpoint=checkpoint)


def close(found, expected, tolerance=1e-5):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance * max(np.abs(b).max(), 1e-3))


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float32, 1e-5), (jnp.bfloat16, 0.03)])
def test_trained_parameters_are_those_of_whole_models(dtype, tolerance):
    whole = fitted(lora(dtype), ONE)
    cut = fitted(lora(dtype, sharded=True), EIGHT)
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(whole[0]["blocks"][0]["v"]["up"])) > 1e-3
    close(cut, whole, tolerance)


class Killed(Exception):
    pass


@pytest.mark.parametrize("at", [2, 5])
def test_a_killed_training_goes_on_where_it_stopped(tmp_path, monkeypatch, at):
    monkeypatch.setattr(train, "CHUNK", 2)
    monkeypatch.setattr(train, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    looks, check, recipe = [], train.check_losses, lora(sharded=True)
    whole = fitted(recipe, EIGHT)

    def killing(*arguments):
        looks.append(arguments)
        if len(looks) == at:
            raise Killed
        check(*arguments)

    monkeypatch.setattr(train, "check_losses", killing)
    with pytest.raises(Killed):
        fitted(recipe, EIGHT, checkpoint=tmp_path / "c")
    with pytest.raises(ValueError, match="another training"):
        fitted(recipe, EIGHT, SETS[::-1], checkpoint=tmp_path / "c")
    close(fitted(recipe, EIGHT, checkpoint=tmp_path / "c"), whole, 1e-6)
    assert len(looks) == 6 + 1  # nothing that was saved is computed twice
    assert not (tmp_path / "c").exists()


def test_a_corrupt_checkpoint_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(train_sharded.shutil, "rmtree", lambda folder: None)
    fitted(lora(sharded=True, steps=1), EIGHT, SETS[:1], tmp_path)
    (tmp_path / "0.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"0\.npz cannot be read"):
        fitted(lora(sharded=True, steps=1), EIGHT, SETS[:1], tmp_path)


def test_a_batch_in_pieces_gives_the_same_parameters():
    whole = fitted(lora(batch=16), ONE)
    close(fitted(lora(batch=16)._replace(pieces=4), ONE), whole)
    close(fitted(lora(batch=16, sharded=True)._replace(pieces=2), EIGHT), whole)


def test_what_cannot_be_trained_is_said():
    with pytest.raises(ValueError, match=r"batch = 24 on 8 devices, cut into 2 pieces: .* expected a multiple of 16"):
        fitted(lora(sharded=True, batch=24)._replace(pieces=2), EIGHT)
    with pytest.raises(ValueError, match=r"training\.batch = 12 on 8 devices: .* expected a multiple of 8"):
        fitted(lora(sharded=True, batch=12), EIGHT)
    recipe, (fine, bad) = lora(sharded=True), SETS
    bad = bad._replace(inputs=np.where(np.arange(9)[:, None] == 3, -1, bad.inputs))

    def loss(params, frozen, examples, key):
        return recipe.loss(params, frozen, examples, key) / (examples.inputs[:, 0] >= 0)

    with pytest.raises(FloatingPointError, match=r"loss of 1 is not finite at step [12]:"):
        fitted(recipe._replace(loss=loss), EIGHT, [fine, bad])


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
        config.split = {"validation": 16, "test": 16}
        config.tokens.update({"length": 32, "instruction": 4, "response": 12})
        config.model.update({"folder": str(folder / "model"), "dtype": "float32", "rank": 2, "adapted": ("q", "v")})
        config.training.update({"steps": 3, "batch": 8, "sharded": sharded})
        config.methods = ("ntk_utility", "rbf_utility", "mmd_size", "proxy_training", "tracin")
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
        ours, theirs = ([line[field] for line in results.select(lines, kind=kind)] for lines in found)
        close(jax.tree.map(np.array, ours), jax.tree.map(np.array, theirs), 1e-4)
