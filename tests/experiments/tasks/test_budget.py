from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import instructions, reasoning
from experiments.studies.valuation.defaults import complete
from experiments.tasks import budget
from experiments.training import recipe as recipes
from models.decoder import Config, decoder
from models.lora import with_lora
from tests.problems import sequences
from valuation import token_states
from valuation.methods import METHODS, logra, tracin, trak
from valuation.objective import next_token
from valuation.outputs import log_likelihood
from valuation.problem import Examples
from valuation.shared import Shared
from valuation.token_states import TokenStates

SHAPE = Config(2000, 128, 2, heads=4, kv_heads=2, head_width=32, hidden=512)
LENGTH, BATCH, ADAPTED = 256, 2, ("q", "k", "v", "o")


def test_memory_and_operations_are_near_those_of_the_compiled_step():
    model = with_lora(decoder(SHAPE, jax.random.key(0)), ADAPTED, rank=4, key=jax.random.key(1))
    learned = sum(leaf.size for leaf in jax.tree.leaves(model.params))
    assert budget.adapted(SHAPE, ADAPTED, 4) == learned

    def loss(params, frozen, examples, key):
        return -log_likelihood(model.apply(params, frozen, examples.inputs), examples)

    recipe = recipes.Recipe(loss, None, model.frozen, recipes.optimizer("adam", {"learning_rate": 1e-3}), 1, BATCH)
    tokens = np.zeros((BATCH, LENGTH), np.int32)
    bits = jax.random.key_data(jax.random.key(0))
    state = model.params, recipe.optimizer.init(model.params), bits, jnp.zeros((), jnp.int32)
    step = jax.jit(partial(recipes.step, recipe), donate_argnums=0)
    compiled = step.lower(state, Examples(tokens, tokens, tokens < 1), model.frozen).compile()
    found = budget.estimate(
        SHAPE, learned, budget.Tokens(BATCH * LENGTH, 0, 0, 0), batch=BATCH, length=LENGTH, devices=1, number_bytes=4,
        rate=1.0, utilisation=1.0,
    )  # fmt: skip
    assert found.activations == pytest.approx(compiled.memory_analysis().temp_size_in_bytes, rel=0.25)
    assert found.training_hours * 3600 == pytest.approx(compiled.cost_analysis()["flops"], rel=0.1)
    frozen = sum(leaf.size * 4 for leaf in jax.tree.leaves(model.frozen))
    assert (found.weights, found.learned) == (frozen, 16 * learned)


def completed(argument: str):
    """The config with the methods that a run of it takes."""
    config = instructions.get_config(argument)
    complete(config)
    return config


def test_tokens_of_a_run_by_hand():
    config = completed("paper,contributors=4,truth_seeds=2,draws=3,size=100")
    steps, row = 1000 * 16, 1024
    found = budget.tokens(config)
    assert found.trained == pytest.approx(3 * (4 * 2 + 4 * 0.1 + (1 / 3 + 2 / 3 + 1)) * steps * row)
    assert found.tested == 3 * 4 * 2 * (2000 + 1000) * row
    # gradients: all that begins at the start shares one, but for deviation; one at the last checkpoint, two at each
    assert found.differentiated == 3 * (1400 + 400 + (1 + 2 * 3) * 1400) * row
    # readings: for the terms, for the fits, for deviation, of the union at each checkpoint, after each short training
    assert found.read == 3 * (400 + 1400 + 400 + 3 * 400 + 4 * 1000) * row
    config.truth = "none"
    alone = budget.tokens(config)
    assert alone.trained == pytest.approx(3 * (4 * 0.1 + 2) * steps * row)
    assert (alone.tested, *alone[2:]) == (0, *found[2:])
    config.contributors.explicit = ({"size": 50}, {"size": 70})
    assert budget.tokens(config).differentiated == 3 * (1120 + 120 + 7 * 1120) * row
    alone = completed("paper,contributors=4,truth_seeds=2,truth=leave_one_out,size=100")
    assert budget.tokens(alone).trained == pytest.approx((5 * 2 + 4 * 0.1 + 2) * steps * row)
    added = completed("paper,contributors=4,truth_seeds=2,truth=added,beside=50,size=100")
    assert budget.tokens(added).trained == budget.tokens(alone).trained
    assert budget.tokens(added).differentiated - budget.tokens(alone).differentiated == 9 * 4 * 50 * row
    mixed = completed("paper")
    sizes = np.exp(np.random.default_rng(0).uniform(*np.log([1000, 10_000]), 100_000))  # as contributors are drawn
    rows = budget.tokens(mixed).differentiated / (8 * row)
    assert rows == pytest.approx(12 * sizes.mean() + 1000, rel=0.01)
    assert reasoning.get_config("paper").training.sharded


@pytest.mark.parametrize("left_out", [(), ("tracin", "logra"), ("surrogate", "ntk_utility"), tuple(budget.TERMS)])
def test_passes_are_those_that_methods_make(left_out, monkeypatch):
    """Every function that runs the model is replaced by one that counts examples and gives random numbers."""
    rng, passes = np.random.default_rng(0), {"differentiated": 0, "read": 0}

    def counted(kind, columns):
        def made(model, output, *sets, **options):
            passes[kind] += sum(len(one.inputs) for one in sets if isinstance(one, Examples))
            return columns(sets)

        return made

    def log_p(model, examples, **options):
        passes["read"] += len(examples.inputs)
        return -1 - rng.random(len(examples.inputs))

    def states(problem, examples):
        passes["read"] += len(examples.inputs)
        place, tokens = np.nonzero(examples.mask)[0], examples.targets[examples.mask]
        many = np.zeros(len(tokens), np.float32)
        return TokenStates(rng.normal(size=(len(tokens), 8)).astype(np.float32), tokens, place, many - 2, many)

    def rows(sets):
        return rng.normal(size=(len(sets[0].inputs), 8)).astype(np.float32)

    def layers(sets):
        return [rng.normal(size=(len(sets[0].inputs), sum(logra.widths(sets[1]))))]

    monkeypatch.setattr(next_token, "sketched_gradients", counted("differentiated", rows))
    monkeypatch.setattr(next_token, "mean_log_likelihoods", log_p)
    monkeypatch.setattr(trak, "likelihoods", log_p)
    monkeypatch.setattr(trak, "sketched", counted("differentiated", rows))
    monkeypatch.setattr(logra, "projected", counted("differentiated", layers))
    pairs = counted("differentiated", lambda sets: rng.normal(size=[len(one.inputs) for one in sets]))
    monkeypatch.setattr(tracin, "gradient_products", pairs)
    monkeypatch.setattr(token_states, "_states", states)
    config = completed("paper,size=25,contributors=2")
    config.methods = (*(name for name in config.methods if name not in left_out), "knn_lm")
    config.initialisations, config.checkpoints, config.split.validation = 2, 1, 10
    problem = sequences()._replace(learner="pretrained", shared=Shared(), contributors=sequences().contributors[:2])
    for name in config.methods:
        METHODS[name](problem)
    assert budget.passes(config, 20 + 30, 10, 2) == (passes["differentiated"], passes["read"])


def test_devices_share_weights_and_hours():
    config = reasoning.get_config("paper")
    one, eight = (budget.estimate(SHAPE, 1000, budget.tokens(config), batch=16, length=1536, devices=d) for d in (1, 8))
    assert eight.weights == one.weights / 8
    assert eight.training_hours == pytest.approx(one.training_hours / 8)
    assert eight.learned == one.learned
