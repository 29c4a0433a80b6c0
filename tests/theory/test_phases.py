"""The closed form against exact sums, its derivatives against finite differences, its limits."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, special

from theory import knowledge, phases
from theory.knowledge import Accuracy

LAW = {"exponent": 1.5, "cutoff": 100.0}
exact_error = partial(knowledge.exact_error, ranks=20_000)  # of 200,000 ranks it differs by 1e-10 of itself


@pytest.fixture(autouse=True)
def strict():
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        yield


@pytest.fixture(scope="module")
def cases():
    """Random laws with their exact errors: 60 above 30 x shots draws, 20 from 0.1 draws on."""
    random = np.random.default_rng(1)
    size = 80
    exponent, shots = random.uniform(1.2, 2.5, size), random.integers(1, 11, size).astype(float)
    cutoff = np.floor(np.exp(random.uniform(np.log(10), np.log(3001), size)))
    share = 10 ** random.uniform(-3, 0, size)
    least = np.where(np.arange(size) < 60, 30 * shots, 0.1)
    total = np.exp(random.uniform(np.log(least), np.log(1e8)))
    law = {"exponent": exponent, "cutoff": cutoff, "shots": shots}
    exact = [
        exact_error(total[i] * share[i], total[i] * (1 - share[i]), **{k: v[i] for k, v in law.items()})
        for i in range(size)
    ]
    return total * share, total * (1 - share), law, np.array(exact)


def test_closed_form_equals_the_exact_sum(x64, cases):
    """The bar is 0.2 %; measured on 2,000 random cases: 7e-5 at worst."""
    n_real, n_synthetic, law, exact = cases
    error = phases.expected_error(n_real, n_synthetic, **law)
    assert error.dtype == np.float64
    np.testing.assert_allclose(error, exact, rtol=1e-4)


def test_float32_loses_at_most_1e_4(x64, cases):
    n_real, n_synthetic, law, exact = cases
    narrow = {name: value.astype(np.float32) for name, value in law.items()}
    error = phases.expected_error(n_real.astype(np.float32), n_synthetic.astype(np.float32), **narrow)
    assert error.dtype == np.float32
    np.testing.assert_allclose(error, exact, rtol=1e-4 + 1e-4)


@pytest.mark.parametrize("cutoff", [1, 2, 7, 8, 9])
@pytest.mark.parametrize("n", [0, 0.3, 10, 1e5])
def test_short_heads(x64, cutoff, n):
    exact = exact_error(0.05 * n, 0.95 * n, exponent=1.5, cutoff=cutoff)
    assert phases.expected_error(0.05 * n, 0.95 * n, exponent=1.5, cutoff=cutoff) == pytest.approx(exact, rel=1e-3)


def test_head_and_tail_are_the_two_sums(x64):
    p = knowledge.power_law(1.5, 2_000_000)
    draws = 50 * p + 5000 * knowledge.truncated(p, 100)
    parts = phases.error_parts(50.0, 5000.0, **LAW)
    assert parts.head == pytest.approx(np.sum((p * np.exp(-draws))[:100]), rel=1e-5)
    beyond = special.zeta(1.5, 2_000_001) / special.zeta(1.5)
    assert parts.tail == pytest.approx(np.sum((p * np.exp(-draws))[100:]) + beyond, rel=1e-5)


@pytest.mark.parametrize("shots", [1.0, 4.0])
def test_accuracies_that_depend_on_the_rank(x64, shots):
    accuracy = Accuracy(0.95, 0.05, 0.3, 0.2)
    counts = np.array([30.0, 3e3, 3e5]), np.array([1e3, 1e5, 1e7])
    exact = [
        exact_error(*pair, exponent=1.4, cutoff=50, accuracy=accuracy, shots=shots)
        for pair in zip(*counts, strict=True)
    ]
    error = phases.error_with_accuracies(*counts, exponent=1.4, cutoff=50.0, accuracy=accuracy, shots=shots)
    np.testing.assert_allclose(error, exact, rtol=1e-4)


def test_limits(x64):
    assert phases.expected_error(0, 0, **LAW) == pytest.approx(1, rel=1e-5)
    head = knowledge.head_mass(1.5, 100)
    assert phases.expected_error(0, 1e12, **LAW) == pytest.approx(1 - head, rel=1e-6), "no real data: the plateau"
    exact = knowledge.exact_error(200, 800, exponent=1.5, cutoff=10_000_000, ranks=1)
    assert phases.expected_error(200, 800, exponent=1.5, cutoff=np.inf) == pytest.approx(exact, rel=1e-4)
    # Hutter (2021): Gamma(e) c n^-e for real data only
    e, constant = 1 / 3, 1 / special.zeta(1.5)
    power = constant ** (2 / 3) / 1.5 * special.gamma(e) * 1e10**-e
    assert phases.expected_error(10**10, 0, **LAW) == pytest.approx(power, rel=1e-3)


@pytest.mark.parametrize("shots", [1.0, 1.5, 3.0])
@pytest.mark.parametrize(("n_real", "n_synthetic"), [(0.0, 0.0), (0.0, 1e4), (3.0, 1e3), (500.0, 1e5), (1e6, 1e6)])
def test_marginal_values_are_finite_differences(x64, shots, n_real, n_synthetic):
    slopes = phases.marginal_error(n_real, n_synthetic, shots=shots, **LAW)

    def exact(real, synthetic):
        return exact_error(real, synthetic, exponent=1.5, cutoff=100, shots=shots)

    step_real, step_synthetic = 1e-4 * (n_real + 1), 1e-4 * (n_synthetic + 1)
    differences = [
        (
            -3 * exact(n_real, n_synthetic)
            + 4 * exact(n_real + h, n_synthetic + g)
            - exact(n_real + 2 * h, n_synthetic + 2 * g)
        )
        / (2 * (h + g))
        for h, g in ((step_real, 0), (0, step_synthetic))
    ]
    # at 0 and m = 1.5 the derivative grows like sqrt(n), so differences over a step are off by its root
    np.testing.assert_allclose(slopes, differences, rtol=2e-3, atol=2e-2 if n_real == 0 and shots == 1.5 else 1e-9)


def test_derivatives_without_real_data_follow_their_formulas(x64):
    """Only the tail learns from the first real example: -sum_{i>k} p_i^2 for m = 1 (head saturated), 0 for m > 1."""
    squares = special.zeta(3.0, 101) / special.zeta(1.5) ** 2
    assert phases.marginal_error(0.0, 1e9, **LAW).real == pytest.approx(-squares, rel=1e-5)
    assert phases.marginal_error(0.0, 1e9, shots=2.0, **LAW).real == pytest.approx(0, abs=1e-15)
    float32 = phases.marginal_error(
        jnp.float32(0), jnp.float32(1e9), exponent=jnp.float32(1.5), cutoff=jnp.float32(100)
    )
    assert float32.real == pytest.approx(-squares, rel=1e-4)


@pytest.mark.parametrize("name", ["exponent", "cutoff", "shots"])
@pytest.mark.parametrize("n_real", [0.0, 20.0, 1e5])
def test_derivatives_in_the_law(x64, name, n_real):
    law = {"exponent": 1.6, "cutoff": 40.3, "shots": 2.5}

    def error(value):
        return phases.expected_error(n_real, 3e3, **(law | {name: value}))

    slope = jax.grad(error)(law[name])
    assert slope == pytest.approx(float(error(law[name] + 1e-5) - error(law[name] - 1e-5)) / 2e-5, rel=1e-5, abs=1e-10)


def test_zeta(x64):
    exponent, start = np.meshgrid([1.05, 1.2, 2.0, 3.7], [1.0, 1.5, 11.0, 3000.0])
    np.testing.assert_allclose(phases.zeta(exponent, start), special.zeta(exponent, start), rtol=1e-12)
    slope = optimize.approx_fprime(np.array([1.3]), lambda x: special.zeta(x[0], 4.5), 1e-7)
    assert jax.grad(phases.zeta)(1.3, 4.5) == pytest.approx(slope[0], rel=1e-5)


def test_breakpoints_and_their_ratio(x64):
    share = np.array([0.001, 0.01, 0.3, 1.0])
    first, second = phases.breakpoints(share, shots=3.0, **LAW)
    head = knowledge.head_mass(1.5, 100)
    np.testing.assert_allclose(second, 3 * special.zeta(1.5) * 1000 / share)
    np.testing.assert_allclose(second / first, 1 + (1 - share) / (share * head))
    # at T1 all data, at T2 the real data alone have shown item k `shots` times on average
    p = knowledge.power_law(1.5, 100)[-1]
    np.testing.assert_allclose((share * first + (1 - share) * first / head) * p, 3)
    np.testing.assert_allclose(share * second * p, 3)
    none = phases.breakpoints(0.0, **LAW)
    assert np.isinf(none.second)
    assert np.isfinite(none.first)


def test_phase_changes_at_the_breakpoints(x64):
    first, second = phases.breakpoints(0.01, **LAW)
    n = np.array([first * 0.99, first * 1.01, second * 0.99, second * 1.01])
    np.testing.assert_array_equal(phases.phase(0.01 * n, 0.99 * n, **LAW), [1, 2, 2, 3])


def test_slopes_of_the_three_phases(x64):
    """-(1 - 1/beta) at the end, nearly flat between the breakpoints (README 1.3: 4 % at a real share of 0.01)."""
    first, second = phases.breakpoints(0.01, **LAW)
    n = np.geomspace(first, second, 50)
    assert phases.local_slope(1e10, 0.01, **LAW) == pytest.approx(-1 / 3, rel=1e-2)
    assert np.max(phases.local_slope(n, 0.01, **LAW)) == pytest.approx(-0.04 / 3, rel=0.15)


def test_under_jit_and_vmap(x64):
    n = np.geomspace(10, 1e6, 5)
    plain = phases.expected_error(0.1 * n, 0.9 * n, **LAW)
    mapped = jax.jit(jax.vmap(lambda n, k: phases.expected_error(0.1 * n, 0.9 * n, exponent=1.5, cutoff=k)))
    np.testing.assert_allclose(mapped(n, np.full(5, 100.0)), plain, rtol=1e-12)
    table = phases.expected_error(n[:, None], n, **LAW)
    assert table.shape == (5, 5)
    assert table[1, 3] == pytest.approx(float(phases.expected_error(n[1], n[3], **LAW)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exponent": 1.0}, "exponent must exceed 1"),
        ({"exponent": np.nan}, "exponent must exceed 1"),
        ({"exponent": 1 + 1e-9}, "which is not so in float32"),
        ({"cutoff": 0.5}, "cutoff is a rank"),
        ({"shots": 0.0}, "shots must be positive"),
        ({"n_real": -1.0}, "n_real counts examples"),
        ({"n_synthetic": np.array([3.0, np.inf])}, "n_synthetic counts examples"),
    ],
)
def test_bad_input_is_named(change, message):
    for function in (phases.expected_error, phases.marginal_error, phases.phase):
        with pytest.raises(ValueError, match=message):
            function(**({"n_real": 1.0, "n_synthetic": 1.0} | LAW | change))


def test_breakpoints_beyond_float32_are_named():
    with pytest.raises(ValueError, match="is beyond the numbers of float32: use"):
        phases.breakpoints(0.1, exponent=4.5, cutoff=1e9)
    with jax.enable_x64(True):
        assert 1e39 < float(phases.breakpoints(0.1, exponent=4.5, cutoff=1e9).first) < 1e41


def test_bad_shares_are_named():
    with pytest.raises(ValueError, match="real_share lies between 0 and 1"):
        phases.breakpoints(1.2, **LAW)
    with pytest.raises(ValueError, match="seen >= unseen"):
        phases.error_with_accuracies(1.0, 1.0, accuracy=Accuracy(0.2, 0.0, 0.5, 0.0), **LAW)
