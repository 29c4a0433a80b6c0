"""The plan against brute force over exact sums, and identities of its slopes."""

import numpy as np
import pytest
from scipy import special

from theory import knowledge, phases, plan

LAW = {"exponent": 1.5, "cutoff": 50}
PRICES = {"price_real": 1.0, "price_synthetic": 0.02}


@pytest.mark.parametrize("shots", [1.0, 3.0])
@pytest.mark.parametrize(("n_real", "n_synthetic", "budget"), [(0, 0, 30), (0, 0, 300), (100, 0, 100), (0, 1e5, 1e4)])
def test_best_split_is_that_of_brute_force(n_real, n_synthetic, budget, shots):
    """80 splits, every error by exact summation."""
    found = plan.best_purchase(n_real, n_synthetic, budget, shots=shots, **PRICES, **LAW)
    share = np.concatenate([np.linspace(0, 1, 41), np.geomspace(1e-8, 1, 40)])
    errors = [exact_error(n_real + x * budget, n_synthetic + (1 - x) * budget / 0.02, shots) for x in share]
    assert found.error <= min(errors) * (1 + 1e-4)
    exact = exact_error(n_real + found.real, n_synthetic + found.synthetic, shots)
    assert found.error == pytest.approx(exact, rel=2e-4)
    assert found.real + 0.02 * found.synthetic == pytest.approx(budget, rel=1e-9)


def exact_error(n_real, n_synthetic, shots):
    return knowledge.exact_error(n_real, n_synthetic, shots=shots, ranks=20_000, **LAW)


def test_at_the_best_split_money_is_worth_the_same(x64):
    found = plan.best_purchase(0, 0, 300, **PRICES, **LAW)
    assert found.real > 0
    assert found.synthetic > 0
    value = plan.value_of_money(found.real, found.synthetic, **PRICES, **LAW)
    assert value.real == pytest.approx(value.synthetic, rel=1e-3)


def test_value_of_money_is_the_slope_over_the_price():
    step, here = 1e-2, exact_error(20.0, 500.0, 1.0)
    value = plan.value_of_money(20.0, 500.0, price_real=2.0, price_synthetic=0.1, **LAW)
    assert value.real == pytest.approx((exact_error(20 + step, 500, 1.0) - here) / step / 2, rel=1e-3)
    assert value.synthetic == pytest.approx((exact_error(20, 500 + step, 1.0) - here) / step / 0.1, rel=1e-3)


def test_on_the_plateau_only_real_data_are_worth_money():
    value = plan.value_of_money(0.0, 1e6, **PRICES, **LAW)
    assert value.real < -1e-5
    assert value.synthetic == pytest.approx(0, abs=1e-12)
    assert plan.best_purchase(0.0, 1e6, 100.0, **PRICES, **LAW).synthetic == pytest.approx(0, abs=1e-3)


def test_real_examples_that_end_the_plateau(x64):
    needed = plan.real_to_leave_plateau(0, shots=2.0, **LAW)
    assert needed == pytest.approx(2 * special.zeta(1.5) * 50**1.5)
    assert plan.real_to_leave_plateau(400, shots=2.0, **LAW) == pytest.approx(needed - 400)
    assert plan.real_to_leave_plateau(1e9, **LAW) == 0
    assert phases.phase(needed * 0.99, 1e6, shots=2.0, **LAW) == 2
    assert phases.phase(needed * 1.01, 1e6, shots=2.0, **LAW) == 3


def test_without_money_nothing_is_bought():
    found = plan.best_purchase(10, 100, 0, **PRICES, **LAW)
    assert (found.real, found.synthetic) == (0, 0)
    assert found.error == pytest.approx(exact_error(10, 100, 1.0), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"price_real": 0.0}, "price_real must be positive"),
        ({"price_synthetic": -1.0}, "price_synthetic must be positive"),
        ({"budget": -5.0}, "budget must be finite and not negative"),
        ({"n_real": -1.0}, "n_real counts examples"),
        ({"cutoff": 0.0}, "cutoff is a rank"),
        ({"exponent": 1.0}, "exponent must exceed 1"),
    ],
)
def test_bad_input_is_named(change, message):
    good = {"n_real": 1.0, "n_synthetic": 1.0, "budget": 10.0, **PRICES, **LAW}
    with pytest.raises(ValueError, match=message):
        plan.best_purchase(**(good | change))
