"""Regrets, equivalents and forecasts of made-up lines whose answers are known, and the laws by themselves."""

import ml_collections
import numpy as np
import pytest

from experiments.studies.mixing import judge
from experiments.studies.mixing.laws import MixingLaw, mixing_law, power_forecast

AMOUNTS, COUNTS, SEEDS = (0, 40, 160), (10, 20, 40, 80, 320), 3
SOURCES = {"good": 0.5, "bad": -0.05}  # real examples that an added one stands for


def config():
    images = {"real": (40,), "added": AMOUNTS, "real_curve": COUNTS, "sources": dict.fromkeys(SOURCES, 0)}
    return ml_collections.ConfigDict({"tasks": ("images",), "seed": 0, "draws": 1, "small": 4, "images": images})


def accuracy(count):
    return 1 - 0.9 * np.asarray(count, float) ** -0.4


def lines():
    """Trainings that reach accuracy(equivalent count), the seeds a little apart, and predictions .1 below them."""
    about, made = {"task": "images", "draw": 0}, []

    def trained(source, real, added):
        rate = SOURCES.get(source, 0)
        for seed in range(SEEDS):
            reached = accuracy(real + rate * added) + 0.001 * (seed - 1)
            made.append({"kind": "trained", **about, "source": source, "real": real, "added": added, "seed": seed,
                         "utility": reached, "loss": 1 - reached})  # fmt: skip

    for count in COUNTS:
        trained("real", count, 0)
    for source, rate in SOURCES.items():
        for real, added in ((40, 40), (40, 160), (10, 10)):
            trained(source, real, added)
        curve = accuracy(40 + rate * np.array(AMOUNTS)) - 0.1
        made.append({"kind": "predicted", **about, "source": source, "real": 40, "amounts": list(AMOUNTS), "own": curve,
                     "metric": curve, "best": AMOUNTS[int(np.argmax(curve))], "bound_weight": 0.5})  # fmt: skip
    curve = accuracy(COUNTS) - 0.1
    made.append({"kind": "real curve", **about, "counts": list(COUNTS), "own": curve, "metric": curve})
    return made


@pytest.fixture(scope="module")
def derived(quick_fits):
    return judge.derived(config(), lines())


def test_a_rule_loses_what_its_amount_lacks(derived):
    found = {(x["source"], x["rule"]): (x["amount"], x["regret"]) for x in derived if x["kind"] == "rule"}
    for source, best, worst in (("good", 160, 0), ("bad", 0, 160)):
        reached = {amount: accuracy(40 + SOURCES[source] * amount) for amount in AMOUNTS}
        for rule, amount in (
            ("predicted best", best), ("all", 160), ("none", 0), ("as many as real", 40), ("the bound's weight", 40),
        ):  # fmt: skip
            assert found[source, rule] == (amount, pytest.approx(reached[best] - reached[amount]))
        assert found[source, "mixing law"][0] in (best, worst)


def test_the_best_amount_is_taken_on_other_seeds():
    """Amounts that differ by noise alone: none loses anything, on average over 1,000 curves."""
    noise = np.random.default_rng(0).normal(size=(1000, 8, 3))
    lost = [judge.reachable(trained) - trained[-1].mean() for trained in noise]
    assert abs(np.mean(lost)) < 4 * np.std(lost) / np.sqrt(1000)
    assert judge.reachable(np.array([[0.1, 0.2], [0.5, 0.4]])) == pytest.approx(0.45)


def test_equivalent_counts_are_those_of_the_curve(derived):
    for line in (x for x in derived if x["kind"] == "equivalent"):
        truth = line["real"] + SOURCES[line["source"]] * line["added"]
        for side in ("trained", "predicted"):
            assert line[f"{side}_censored"] == ""
            assert line[side] == pytest.approx(truth, rel=0.15)  # linear in the logarithm between counts
        assert line["trained"] == pytest.approx(line["predicted"])


def test_forecasts_of_a_power_law_are_exact(derived):
    """From 80 examples, of which 10, 20 and 40 are known too; the surrogate, .1 below, has another floor."""
    found = {x["method"]: x["forecast"] for x in derived if x["kind"] == "forecast"}
    assert set(found) == set(judge.FORECASTS)
    assert found["power law of trainings"] == pytest.approx(accuracy(320), abs=2e-3)
    assert found[judge.GAIN] == pytest.approx(accuracy(320), abs=4e-3)
    assert found["power law of the surrogate"] == pytest.approx(accuracy(320) - 0.1, abs=4e-3)
    assert found["one training, no change"] == pytest.approx(accuracy(80))


def test_summaries_are_means_and_paired_differences(derived):
    regrets = [x for x in derived if x["kind"] == "rule"]
    for line in (x for x in derived if x["kind"] == "summary" and x["measure"] == "regret"):
        own = [x["regret"] for x in regrets if x["rule"] == line["name"]]
        assert line["mean"] == pytest.approx(np.mean(own))
        assert line["count"] == len(own) == 2
        if line["name"] != judge.PREDICTED:
            assert line["above"] == pytest.approx(np.mean(own))  # that of the predicted best is 0
    shares = {(x["measure"], x["name"]): x["mean"] for x in derived if x["kind"] == "summary"}
    assert shares["equivalent", "own"] == 1
    assert shares["censored", "metric"] == 0


def test_a_mixing_law_is_found_again():
    law = MixingLaw(0.4, 0.8, np.array([1.5, -0.7]))
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3), 30)[:, :2]
    found = mixing_law(shares, law.loss(shares))
    np.testing.assert_allclose(found.loss(shares), law.loss(shares), atol=1e-3)
    np.testing.assert_allclose(found.slopes, law.slopes, atol=0.1)


def test_a_power_law_is_forecast(quick_fits):
    at = np.array([200.0, 1000.0])
    np.testing.assert_allclose(
        power_forecast(np.array([10, 20, 40, 80]), accuracy([10, 20, 40, 80]), at), accuracy(at), atol=3e-3
    )
