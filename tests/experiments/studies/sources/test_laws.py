"""Curves that are known: forecasts, laws, plans."""

import numpy as np
import pytest

from experiments.studies.sources import laws, plan
from experiments.studies.sources.answer import Amount, Point
from experiments.studies.sources.laws import Anchor, Learning
from experiments.studies.sources.learning import Reach
from theory.fit import Fit

SIZES = np.array([32.0, 64, 128, 256, 512])


def errors(n):
    return 2 * np.asarray(n, float) ** -0.5 + 0.05


CURVE = Learning(SIZES, errors(SIZES), 0.01 * errors(SIZES))


def test_forecasts_are_those_of_the_curve_from_where_it_is_anchored():
    rng = np.random.default_rng(0)
    (double, tenfold) = laws.forecasts(CURVE, 512, (2.0, 10.0), Anchor(512, 0.9, 0.0), 1.0, rng)
    assert (double.amount, tenfold.amount) == (1024, 5120)
    for one in (double, tenfold):
        assert one.predicted == pytest.approx(0.9 + errors(512) - errors(one.amount), abs=1e-4)
        assert one.interval[0] < one.predicted < one.interval[1]
    assert np.diff(tenfold.interval) > np.diff(double.interval)


def test_a_curve_of_few_sizes_has_neither_law_nor_forecast():
    few = Learning(*(column[:3] for column in CURVE))
    assert laws.laws_of(few) == []
    assert laws.forecasts(few, 512, (2.0,), Anchor(512, 0.9, 0.0), 1.0, np.random.default_rng(0)) == []
    assert laws.phase_of([10, 20], [0.3, 0.2], 0.5)[0].startswith("too few sizes")


def test_laws_have_fewer_parameters_than_there_are_points():
    found = laws.laws_of(CURVE)
    assert {law.name for law in found} == {"power", "rectified"}
    (power,) = (law for law in found if law.name == "power")
    assert power.parameters["decay"] == pytest.approx(0.5, rel=1e-3)
    low, high = power.intervals["decay"]
    assert low < 0.5 < high


def test_an_interval_that_says_nothing_is_left_out():
    intervals = {"decay": (0.1, 0.9), "amplitude": (0.0, 4e21), "floor": (0.0, np.inf)}
    one = Fit("power", {"decay": 0.5, "amplitude": 2.0, "floor": 1e-9}, intervals, None, 1.0, 2.0, None, None, 0.1)
    assert laws._law(one).intervals == {"decay": (0.1, 0.9)}
    assert laws._law(one).criterion == 2.0  # of AICc 1 and BIC 2


def amount(name, *curve):
    points = [Point(n, metric, None) for n, metric in curve]
    return Amount(name, points, curve[-1][0], [], 0.0, None, 1.0, {name: 1.0}, 0.0, *[None] * 5)


REACH = Reach(100, [100, 200, 400, 800], np.array([0.6, 0.7, 0.8, 0.9]))


def test_a_budget_goes_to_what_raises_the_metric_most():
    cheap, harmful = amount("cheap", (0, 0.6), (100, 0.7)), amount("harmful", (0, 0.6), (100, 0.5))
    prices = {"real": 1.0, "cheap": 0.5, "harmful": 0.01}
    found = plan.best_plan(REACH, [cheap, harmful], prices, 250.0)
    assert "beyond 800" not in found["limits"]
    assert found["spent"] == 250.0
    assert found["buy"] == {"real": 200, "cheap": 100}  # 100 cheap ones do as well as 100 real ones
    assert found["predicted"] == pytest.approx(0.8)
    assert {tuple(way["buy"]) for way in found["rivals"]} == {("real",), ("real", "harmful")}
    assert plan.best_plan(REACH, [cheap], {"cheap": 0.5}, 40.0)["buy"] == {}
    assert plan.best_plan(REACH, [cheap], {}, 40.0) is None


def test_nothing_is_bought_of_which_nothing_is_known():
    """The curve ends at 800 real examples: 700 more, and the rest of the money stays."""
    found = plan.best_plan(REACH, [], {"real": 1.0}, 5000.0)
    assert (found["buy"], found["spent"]) == ({"real": 700}, 700.0)
    assert found["predicted"] == pytest.approx(0.9)
    assert "nothing is known beyond 800 real examples" in found["limits"]


def test_a_forecast_is_no_surer_than_the_law_and_what_it_starts_from():
    rng = np.random.default_rng(0)
    bent = Learning(SIZES, errors(SIZES) + 0.02 * np.array([1, -1, 1, -1, 1]), 1e-4 * errors(SIZES))
    assert laws.misfit(CURVE) == pytest.approx(0, abs=1e-4)
    assert laws.misfit(bent) > 0.02
    (found,) = laws.forecasts(bent, 512, (2.0,), Anchor(512, 0.5, 0.03), 1.0, rng)
    assert np.diff(found.interval) > 2 * 1.96 * np.hypot(0.02, 0.03)


@pytest.mark.parametrize("text", ["a", "b=1", "a=0", "a=-1", "a=nan", "a=x", "=3"])
def test_prices_that_are_none_are_named(text):
    with pytest.raises(ValueError, match="prices: "):
        plan.prices_of(text, ["a"])


def test_prices_are_read_by_name():
    assert plan.prices_of(" real = 2 , my, file=.5".replace("my, file", "a=b"), ["a=b"]) == {"real": 2.0, "a=b": 0.5}
