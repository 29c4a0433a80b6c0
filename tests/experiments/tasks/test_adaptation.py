"""A pretrained decoder adapted on kept states: its loss, its head, what it refuses, and a run through the pipeline."""

import jax
import numpy as np
import pytest
import scipy.stats
from ml_collections import ConfigDict
from scipy.special import log_softmax

from configs import instructions as config_file
from experiments.runtime import results
from experiments.studies.valuation import evaluate, ground_truth, lora_everywhere, report, study
from experiments.tasks import adaptation, decoders
from experiments.tasks.token_rows import Coder
from experiments.training.fit import fit
from models.decoder import Config, decoder
from tests.experiments.runtime.written import unwritten
from tests.models.test_decoder import spread
from tests.models.test_pretrained import written
from valuation.methods import METHODS
from valuation.outputs import log_likelihood
from valuation.problem import Examples
from valuation.stream import gradient_products

LENGTH, SHAPE = 8, Config(24, 8, 2, 2, 1, 4, 16)
RNG = np.random.default_rng(0)
POOL = np.zeros((6, LENGTH + 1), np.int32)
MASK = np.zeros((6, LENGTH), bool)
for number, (begin, end) in enumerate([(2, 5), (3, 9), (1, 4), (4, 7), (5, 8), (2, 3)]):
    POOL[number, :end], MASK[number, begin - 1 : end - 1] = RNG.integers(5, 20, end), True
EXAMPLES = Examples(POOL[:, :-1], POOL[:, 1:], MASK)
ENDS = (0, 2)


def config(**model):
    shape = {"name": "folder", "dtype": "float32", "rank": 2, "adapted": ("q", "v"), "last": 1, "states": 10**6}
    return ConfigDict({
        "model": shape | model,
        "tokens": {"length": LENGTH, "response": 6},
        "training": {"steps": 3, "batch": 4, "learning_rate": 0.1, "sharded": False, "pieces": 1},
        "metric": "minus_nats_per_byte",
    })  # fmt: skip


@pytest.fixture
def learned(tmp_path, monkeypatch):
    """What `adapted` makes of a small random decoder instead of a file."""
    base = spread(decoder(SHAPE, jax.random.key(0)))
    monkeypatch.setattr(adaptation, "whole", lambda *_: (base, lambda: "none"))
    coder = Coder(None, 3, 4, 2, np.ones(24, int), ENDS)
    return lambda **model: adaptation.adapted(config(**model), coder, str(tmp_path))


def test_the_loss_is_that_of_the_words_of_the_pool_at_response_positions(learned):
    """Of tokens and of states alike, against NumPy on the logits of all words everywhere."""
    some = EXAMPLES.take(slice(0, 5))
    words = np.union1d(some.targets[some.mask], ENDS)
    assert len(words) < SHAPE.vocabulary
    left_out = np.where(np.isin(np.arange(SHAPE.vocabulary), words), 0, -np.inf)
    found = []
    for model, recipe in (learned(states=states).on_pool(some, [EXAMPLES]) for states in (0, 10**6)):
        params = spread(model).params
        logits = np.asarray(jax.jit(model.apply)(params, model.frozen, some.inputs), np.float64)
        log_p = np.take_along_axis(log_softmax(logits + left_out, -1), some.targets[..., None], -1)[..., 0]
        expected = [-row[chosen].mean() for row, chosen in zip(log_p, some.mask, strict=True)]
        loss = jax.jit(recipe.loss)(params, recipe.frozen, some, None)
        np.testing.assert_allclose(loss, expected, rtol=1e-5)
        found.append(logits[some.mask])
    on_tokens, on_states = found
    np.testing.assert_allclose(on_states, on_tokens, atol=0.03 * np.abs(on_tokens).max())  # those are kept in 16 bits


def test_gradients_are_those_of_the_training_loss(learned):
    """Of pairs of rows; of a row with a target that the pool lacks, of its other targets."""
    some = EXAMPLES.take(slice(0, 5))
    model, recipe = learned().on_pool(some, [EXAMPLES])
    model = spread(model)
    losses = jax.jit(jax.jacrev(lambda params: -recipe.loss(params, recipe.frozen, some, None)))(model.params)
    exact = np.hstack([np.asarray(leaf).reshape(5, -1) for leaf in jax.tree.leaves(losses)])
    first = np.argmax(some.mask, 1)
    unknown = np.setdiff1d(np.arange(SHAPE.vocabulary), model.words)[0]
    targets, mask = some.targets.copy(), some.mask.copy()
    targets[0, first[0]] = unknown
    mask[0, first[0]] = False
    found, strange, fewer = (
        gradient_products(model, log_likelihood, some, query)
        for query in (some, some._replace(targets=targets), some._replace(mask=mask))
    )
    np.testing.assert_allclose(found, exact @ exact.T, rtol=1e-4, atol=1e-5 * np.abs(found).max())
    np.testing.assert_allclose(strange, fewer, rtol=1e-5, atol=1e-6 * np.abs(fewer).max())
    assert np.abs(strange - found)[:, 0].max() > 0.01 * np.abs(found).max()


def test_what_was_not_prepared_is_refused_before_training(learned):
    of_five = learned().on_pool(EXAMPLES.take(slice(0, 5)), [EXAMPLES.take(slice(0, 4))])[1]
    unseen = EXAMPLES._replace(targets=np.where(MASK, 21, EXAMPLES.targets))
    for examples, message in (
        (EXAMPLES, "real: example 4 has no states"),
        (unseen, "real: example 0 asks for token 21, which the head lacks"),
        (
            EXAMPLES._replace(mask=MASK & (np.arange(6) != 1)[:, None]),
            "example 1 has no response token: the rule of le",
        ),
        (EXAMPLES._replace(mask=np.ones_like(MASK)), "example 0 has 8 response tokens, the head reads 6"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(of_five, [examples], [jax.random.key(0)], mesh=None, names=["real"])
    for model, other, message in (
        ({"last": 0}, {}, r"model\.last = 0 adapts all of them: set states to 0"),
        ({}, {"metric": "rouge_l"}, r"'rouge_l' is of texts that the whole decoder writes: set model\.states to 0"),
    ):
        changed = config(**model)
        changed.update(other)
        with pytest.raises(ValueError, match=message):
            adaptation.adapted(changed, None, None)


def started(recipe, sets, keys, **_):
    """What `fit` returns of no steps, but for a part of each start, so that models differ."""
    for examples in sets:
        recipe.check(examples)
    return [jax.tree.map(lambda leaf: leaf + 0.1 * leaf.mean() + 0.02, jax.jit(recipe.initialise)(key)) for key in keys]


def test_a_draw_is_valued_trained_and_checked_everywhere(tmp_path, monkeypatch):
    """Every step of a run of SmolLM2's kind at its smallest, and the truth of LoRA in all blocks beside it."""
    written(tmp_path / "tiny.gguf", keys={"llama.context_length": 64})
    for module in (decoders, adaptation):
        monkeypatch.setattr(module, "member", lambda *_: tmp_path / "tiny.gguf")
    chosen = config_file.get_config("tiny,model=smollm2,contributors=3,truth_seeds=1,draws=2")
    assert (chosen.features.name, chosen.model.states > 0) == ("states", True)
    methods = ("ntk_utility", "knn_lm", "ngram_utility", "mmd_size", "shapley")
    chosen.update({"methods": methods, "options": {}, "choice": "ntk_utility"})
    chosen.model.update({"last": 1, "rank": 2})
    chosen.training.update({"steps": 4, "batch": 4})
    chosen.tokens.special = ("<|start|>", "<|start|>", "<|end|>")  # the tiny file has no more special tokens
    monkeypatch.setattr(report, "draw_all", lambda *_: [])
    monkeypatch.setattr(ground_truth, "fit", started)  # the union alone is trained on
    folder = str(tmp_path / "data")
    page = study.run(chosen.lock(), str(tmp_path / "run"), folder).read_text()
    lines = results.read(tmp_path / "run" / "results.jsonl")
    values = {line["method"]: line["values"] for line in results.select(lines, kind="values")}
    assert {name: np.ptp(values[name]) > 0 for name in methods} == dict.fromkeys(methods, True)
    assert results.select(lines, kind="values", method="shapley")[0]["errors"] == [0, 0, 0]
    missing = unwritten("valuation", lines)
    assert not [name for name in missing if name.startswith("reference.")]
    knn = [line["values"] for line in results.select(lines, kind="values", method="knn_lm")]
    before, after = results.select(lines, kind="reference", draw=1000)
    assert before["trained_on"] == "nothing"
    assert {"held-out real", "generated 0.7"} & before["nats"].keys()
    assert before["loss"] == pytest.approx(before["nats"]["held-out real"])
    assert after["loss"] != before["loss"]
    assert f"| nothing | {before['utility']:.3f} | {before['validation']:.3f} |" in page
    asked = {"of": tmp_path / "run", "count": 3, "draws": [], "seeds": 1, "steps": 2, "data_dir": folder}
    workdir = tmp_path / "everywhere"
    text = lora_everywhere.run(workdir, **asked).read_text()
    assert "LoRA in all blocks, 2 steps, 3 contributors, 1 draw, 1 seed." in text
    assert all(METHODS[name].title in text for name in methods)
    first = results.select(results.read(workdir / "results.jsonl"), kind="everywhere")

    text = lora_everywhere.run(workdir, **asked | {"draws": [1001], "seeds": 2}).read_text()
    lines = results.read(workdir / "results.jsonl")
    truths = results.select(lines, kind="everywhere")
    assert [(line["draw"], line["seed"]) for line in truths] == [(1000, 0), (1000, 1), (1001, 0), (1001, 1)]
    assert truths[:1] == first
    agreements = results.select(lines, kind="everywhere agreement", method="knn_lm")
    utilities = [np.array([x["utility"] for x in results.select(truths, draw=draw)]).T for draw in (1000, 1001)]
    assert [line["seeds"] for line in agreements] == pytest.approx([*map(evaluate.seed_agreement, utilities)])
    rho = [scipy.stats.spearmanr(x.mean(1), values).statistic for x, values in zip(utilities, knn, strict=True)]
    assert [line["spearman"] for line in agreements] == pytest.approx(rho)
    assert f"two seeds of it agree with {np.mean([x['seeds'] for x in agreements]):.3f}" in text
    assert unwritten("lora_everywhere", lines) == []
    for wrong, message in (
        ({"count": 4}, "--contributors=4, --seeds=1, --steps=2: the run has 3 contributors"),
        ({"draws": [1000, 7]}, "--draw=7: expected a draw of the run, 1000 or 1001"),
    ):
        with pytest.raises(ValueError, match=message):
            lora_everywhere.run(tmp_path / "other", **asked | wrong)
