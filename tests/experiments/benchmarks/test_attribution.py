"""The benchmark on a tiny folder in the format of other libraries' workloads, written here with NumPy."""

import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.benchmarks import adapted_steps, attribution, cost, discrepancy, language_model, workloads
from experiments.runtime import apart, results, study
from experiments.synthetic.language_model import untrained
from models.decoder import Config, decoder
from tests.experiments.runtime.written import unwritten
from tests.reference import jacobian
from valuation.problem import Examples

WIDTHS = (4, 6, 5, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root, draw = tmp_path_factory.mktemp("peers"), np.random.default_rng(0)
    (root / "data").mkdir()
    x, y = draw.normal(size=(30, 4)).astype(np.float32), draw.integers(0, 3, 30)
    np.savez(root / "data/digits.npz", x_train=x[:24], y_train=y[:24], x_test=x[24:], y_test=y[24:])
    weights = {}
    for i, (k, d) in enumerate(itertools.pairwise(WIDTHS)):
        weights |= {f"p/{2 * i}.weight": draw.normal(size=(d, k)), f"p/{2 * i}.bias": draw.normal(size=d)}
    h = x[24:28]
    for i in range(3):
        h = h @ weights[f"p/{2 * i}.weight"].T + weights[f"p/{2 * i}.bias"]
        h = np.maximum(h, 0) if i < 2 else h
    np.savez(root / "data/mlp.npz", check_logits=h, **weights)
    return root


def test_products_are_those_of_the_weights_in_the_file(folder):
    work = workloads.load(folder, "mlp")
    ours, query = (jacobian(work.model, workloads.class_loss, part) for part in (work.train, work.query))
    np.testing.assert_allclose(attribution.graddot(work), ours @ query.T, rtol=1e-3, atol=1e-3)
    found = attribution.ekfac_scores(work)
    assert found.shape == (24, 6)
    assert np.isfinite(found).all()


def test_drawn_sequences_are_targets_of_the_next_token():
    """The loss of what a model is sure to say is nothing."""
    tokens = np.array([[3, 1, 2, 0]])
    sure = 1e4 * jnp.eye(4)[jnp.roll(tokens, -1, 1)]
    (said,), _ = workloads.next_tokens(sure, jnp.full((1, 4), 0.5))
    np.testing.assert_array_equal(said[:, 1:], tokens[:, 1:])
    np.testing.assert_allclose(workloads.token_loss(sure, Examples(tokens, said)), 0)


def test_a_case_leaves_one_line_and_asked_for_again_none(folder, tmp_path, monkeypatch):
    work = workloads.load(folder, "mlp")
    (folder / "reference").mkdir(exist_ok=True)
    np.save(folder / "reference/dattri-tracin__mlp.npy", attribution.graddot(work) * 3)
    monkeypatch.chdir(Path(__file__).parents[3])
    asked = {"peers": folder, "repeat": 1}
    apart.run(attribution.BENCHMARK, {"name": "benchmark"}, tmp_path, ["graddot.mlp"] * 2, asked, whole=False)
    (line,) = results.read(tmp_path / "results.jsonl")
    assert line["correlation"] == pytest.approx(1, abs=1e-6)
    assert 0 < line["warm_seconds"] <= line["cold_seconds"]
    assert line["peak_megabytes"] >= line["megabytes_before"] > 0
    assert line["result_bytes"] == 4 * 24 * 6
    assert [name for name in unwritten("attribution", [line]) if not name.startswith("run.")] == []


def test_wrong_weights_and_missing_files_are_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="does not exist: --peers needs a folder"):
        workloads.load(tmp_path, "mlp")
    with pytest.raises(ValueError, match="workload 'cnn' is unknown"):
        workloads.load(folder, "cnn")
    (tmp_path / "data").mkdir()
    arrays = dict(np.load(folder / "data/mlp.npz"))
    np.savez(tmp_path / "data/mlp.npz", **(arrays | {"p/0.bias": arrays["p/0.bias"] + 1}))
    (tmp_path / "data/digits.npz").write_bytes((folder / "data/digits.npz").read_bytes())
    with pytest.raises(ValueError, match="logits of mlp are off by"):
        workloads.load(tmp_path, "mlp")


def test_the_cost_of_two_sizes_has_a_line_each_and_a_fit(monkeypatch, tmp_path):
    monkeypatch.setattr(cost, "measurements", lambda: iter(
        ({"method": "m", "axis": "examples", "size": n}, lambda: None) for n in (10, 100)
    ))  # fmt: skip
    monkeypatch.setattr(cost, "seconds", lambda function: 0.5)
    page = study.run(study.Study("cost", {"name": "cost"}, cost.steps, cost.write, cost.fits), tmp_path)
    lines = results.read(tmp_path / "results.jsonl")
    assert unwritten("cost", lines) == []
    assert results.select(lines, kind="cost_fit")[0]["exponent"] == pytest.approx(0)
    assert "| m | examples | 10 to 100 | 0.500 to 0.500 | " in page.read_text()


def test_exponent_of_a_power_law():
    sizes = np.array([1.0, 2, 4, 8])
    assert cost.exponent(sizes, 3 * sizes**1.7) == pytest.approx(1.7)


def test_steps_on_states_and_through_all_blocks_learn_the_same():
    """What is timed is what it is said to be: the loss of a first step is the same on states and on tokens."""
    model = decoder(Config(50, 8, 3, 2, 1, 4, 12, longest=128), jax.random.key(0))
    tokens = np.arange(200) * 7 % 50
    losses = [
        float(adapted_steps.CASES[name](model, tokens).call()[1]) for name in ("step_on_states", "step_with_trunk")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.parametrize("case", ["perplexity", "sampling"])
def test_a_small_language_model_is_measured(case, monkeypatch):
    """Near-zero random weights know nothing: their perplexity is the size of the vocabulary."""
    monkeypatch.setattr(language_model, "SIZE", Config(50, 8, 1, 2, 1, 4, 12, longest=128))
    monkeypatch.setattr(language_model, "peak", lambda size, dtype: 1e9)
    line = language_model.measure(case, None, True, np.dtype(np.float32), repeat=1, rows=2)
    assert line["weights_megabytes"] == 4e-6 * (50 * 8 + 8 * (8 + 4 + 4) + 8 * 8 + 3 * 8 * 12 + 3 * 8)
    assert line["tokens"] == (76 if case == "perplexity" else 2 * 64)
    assert line.get("perplexity", 50) == pytest.approx(50, rel=0.02)
    flops = 2 * line["weights_megabytes"] / 4e-6 * line["tokens"]
    assert line["share_of_peak"] == pytest.approx(flops / 1e9 / line["seconds"])


def test_the_exact_discrepancy_is_what_estimates_average_to():
    draw, shift = np.random.default_rng(0), discrepancy.SHIFT
    found = [
        discrepancy.estimators(*(draw.standard_normal((400, 8)) + s for s in (0, shift)), 16.0, 20)
        ["linear time"]().squared for _ in range(40)
    ]  # fmt: skip
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found) - discrepancy.exact(8, 16.0)) < 3 * error
    grown = discrepancy.exact(8, 16.0) / (discrepancy.SHIFT**2 * 8)
    second = sum(2 * (1 + 4 / s) ** -4 / (s + 4) for s in 16.0 * 2.0 ** np.arange(-2, 3))
    assert grown == pytest.approx(second, rel=0.01)  # small shifts count by their square


def test_the_capacity_of_a_model_that_knows_nothing():
    """All tokens equally likely, one byte each: 8 - log2 V - 24 bits over the operations of its sizes."""
    one = untrained()
    blank = one.model._replace(params=jax.tree.map(lambda leaf: 0 * leaf, one.model.params))
    text = np.array(one.tokenizer.encode("It is a truth").ids, np.int32)
    blocks = 2 * 16 * 16 + 2 * 16 * 8 + 3 * 16 * 32 + 2 * len(text) * 16
    operations = 2 * (blocks + 16 * one.config.vocabulary)
    expected = (8 - np.log2(one.config.vocabulary) - 24) / np.log2(operations)
    assert language_model.capacity(blank, one.tokenizer, one.config, text) == pytest.approx(expected, rel=1e-5)
