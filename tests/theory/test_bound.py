"""The mixture bound against Monte Carlo, exact worst cases and simulation (theory/README.md, section 2)."""

import inspect
import itertools
import json
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from experiments.runtime import results
from experiments.studies.bound import study
from tests.experiments.runtime.written import unwritten
from theory.bound import best_real_weight, mixture_bound, paper_bound
from theory.bound_terms import kernel_term, peeled_radius, ridge_norm, sharper_size_term, size_term

KEY = jax.random.key(0)


@pytest.fixture(autouse=True)
def strict(x64):
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        yield


def parts(n=30, m=70, seed=0) -> dict:
    draw = np.random.default_rng(seed)
    return {
        "losses_real": draw.random(n),
        "losses_synthetic": draw.random(m),
        "discrepancy_real": 0.1,
        "discrepancy_synthetic": 0.3,
        "kernel_diagonal_real": draw.random(n) + 1,
        "kernel_diagonal_synthetic": draw.random(m) + 1,
        "norm": 1.7,
    }


def test_formula_by_hand():
    p = parts()
    c = np.r_[np.full(30, 0.4 / 30), np.full(70, 0.6 / 70)]
    diagonal = np.r_[p["kernel_diagonal_real"], p["kernel_diagonal_synthetic"]]
    got = mixture_bound(**p, norm_unit=0.5, outputs=3, lipschitz=0.5, real_weight=0.4, delta=0.1)
    assert got.loss == pytest.approx(c @ np.r_[p["losses_real"], p["losses_synthetic"]])
    assert got.discrepancy == pytest.approx(0.4 * 0.1 + 0.6 * 0.3)
    assert got.kernel == pytest.approx(2 * math.sqrt(2) * 0.5 * 2.0 * math.sqrt(c**2 @ diagonal))  # 1.7 -> .5 * 2^2
    assert got.size == pytest.approx(3 * math.sqrt(c @ c * math.log(2 * 12 / 0.1) / 2))
    assert got.total == pytest.approx(sum(got[:4]))


def test_plain_mean_is_the_default_weight():
    p = parts()
    both = np.r_[p["losses_real"], p["losses_synthetic"]]
    assert mixture_bound(**p).loss == pytest.approx(both.mean())
    assert mixture_bound(**p) == mixture_bound(**p, real_weight=0.3)


@pytest.mark.parametrize("empty", ["real", "synthetic"])
def test_an_empty_part_adds_nothing(empty):
    full, none = parts(50, 50), np.zeros(0)
    p = full | {f"losses_{empty}": none, f"kernel_diagonal_{empty}": none, f"discrepancy_{empty}": 0.9}
    other = {"real": "synthetic", "synthetic": "real"}[empty]
    got = mixture_bound(**p)
    assert got.loss == pytest.approx(full[f"losses_{other}"].mean())
    assert got.discrepancy == pytest.approx(full[f"discrepancy_{other}"])
    assert got.size == pytest.approx(3 * math.sqrt(math.log(2 * 6 / 0.05) / (2 * 50)))
    assert best_real_weight(partial(mixture_bound, **p)).real_weight == (1.0 if empty == "synthetic" else 0.0)
    with pytest.raises(ValueError, match="real_weight must be finite and lie in"):
        mixture_bound(**p, real_weight=0.5)


def test_kernel_term_is_the_rademacher_complexity_of_the_ball():
    """E sup_{||g|| <= R} 2 sum_ik c_i s_ik g_k(x_i) by Monte Carlo; Jensen costs under 5 % here."""
    draw = np.random.default_rng(1)
    features = draw.normal(size=(60, 40))
    c = np.r_[np.full(20, 0.6 / 20), np.full(40, 0.4 / 40)]
    signs = draw.choice([-1.0, 1.0], size=(4000, 3, 60))
    sup = 2 * 1.5 * np.sqrt((((signs * c) @ features) ** 2).sum((1, 2)))  # three outputs that share one kernel
    trace = 3 * (features**2).sum(1)
    bound = kernel_term(trace[:20], trace[20:], 0.6, radius=1.5, outputs=3) / math.sqrt(2)
    assert 0.95 * bound < sup.mean() < bound


@pytest.mark.parametrize("weight", [0.1, 0.5, 1.0])
def test_kernel_term_is_twice_the_largest_deviation_of_a_memoriser(weight):
    """Distinct points far apart, random signs y, loss (1 - y g)/2: the sup is exactly R/2 sqrt(sum c_i^2)."""
    n, m, radius = 25, 100, 0.8
    sup = radius / 2 * math.sqrt(weight**2 / n + (1 - weight) ** 2 / m)
    bound = kernel_term(np.ones(n), np.ones(m), weight, radius=radius, lipschitz=0.5)
    assert bound == pytest.approx(2 * sup)


def test_rademacher_complexity_moves_by_half_a_weight():
    """The step behind sharper_size_term: exchange one example of a random class of losses, all signs enumerated."""
    draw = np.random.default_rng(4)
    signs = np.array(list(itertools.product([-1, 1], repeat=5)))
    largest = 0.0
    for _ in range(2000):
        c = draw.dirichlet(np.ones(5))
        losses = draw.choice([0.0, 1.0, draw.random()], size=(draw.integers(1, 7), 5))  # (functions, examples)
        exchanged = losses.copy()
        exchanged[:, 0] = draw.choice([0.0, 1.0], size=len(losses))
        before, after = (((signs * c) @ table.T).max(1).mean() for table in (losses, exchanged))
        largest = max(largest, abs(before - after) / c[0])
    assert 0.4 < largest <= 0.5 + 1e-12


def test_jit_agrees_and_skips_the_checks_of_values():
    p = parts()
    names = [name for name in p if name != "norm"]
    jitted = jax.jit(lambda norm: mixture_bound(**{name: p[name] for name in names}, norm=norm).total)
    assert jitted(1.7) == pytest.approx(float(mixture_bound(**p).total))


def test_size_terms_cover_the_binomial():
    """A single predictor with a 0/1 loss: the deviation of a mean of n coins, from scipy's quantile."""
    for n, delta in ((50, 0.1), (1000, 0.01)):
        exact = 0.5 - stats.binom(n, 0.5).ppf(delta) / n
        assert exact < sharper_size_term(n, 0, 1.0, delta=delta) < size_term(n, 0, 1.0, delta=delta)
        assert sharper_size_term(n, 0, 1.0, delta=delta) < 4 * exact


def test_peeled_radius_is_the_smallest_and_shares_sum_to_one():
    norms = np.array([0.0, 0.3, 0.5, 0.5000001, 1.0, 1.1, 4.0, 1000.0])
    radius, share = peeled_radius(norms, 0.5)
    np.testing.assert_allclose(radius, [0.5, 0.5, 0.5, 1, 1, 2, 4, 1024])
    np.testing.assert_allclose(share, 1 / np.array([2, 2, 2, 6, 6, 12, 20, 156]))
    _, all_shares = peeled_radius(2.0 ** np.arange(500))
    assert 1 - 3e-3 < float(all_shares.sum()) <= 1


def test_ridge_norm_is_the_norm_in_feature_space():
    draw = np.random.default_rng(2)
    features, y = draw.normal(size=(20, 6)), draw.normal(size=(20, 2))
    kernel = jnp.asarray(features @ features.T)
    alpha = jnp.linalg.solve(kernel + 0.1 * jnp.eye(20), jnp.asarray(y))
    assert ridge_norm(kernel, alpha) == pytest.approx(np.linalg.norm(features.T @ np.asarray(alpha)))
    assert ridge_norm(kernel, alpha) <= math.sqrt(float(jnp.sum(jnp.asarray(y) * alpha)))


def test_best_weight_is_the_best_of_the_grid_and_its_price_is_of_delta_alone():
    p = parts(200, 800) | {"discrepancy_real": 0.0, "discrepancy_synthetic": 0.9}
    best = best_real_weight(partial(mixture_bound, **p), delta=0.1)
    grid = [float(mixture_bound(**p, real_weight=v, delta=0.1 / 101).total) for v in np.linspace(0, 1, 101)]
    assert float(best.bound.total) == pytest.approx(min(grid))
    assert float(best.real_weight) == pytest.approx(np.argmin(grid) / 100)
    sizes = [size_term(200, 800, float(best.real_weight), delta=d / 6) for d in (0.1 / 101, 0.1)]
    assert best.price == pytest.approx(sizes[0] - sizes[1])
    assert best.price > 0


def test_dtype_follows_the_input():
    p = {k: np.float32(v) for k, v in parts().items()}
    assert mixture_bound(**p).kernel.dtype == jnp.float32
    assert mixture_bound(**parts()).kernel.dtype == jnp.float64


def test_paper_form_by_hand_and_why_it_is_not_a_bound():
    """Memorised noise: with 1e6 times the kernel nothing changes but the form's kernel term, which goes to 0."""
    n, scale = 400, 1e6
    p = {"losses_real": np.zeros(n), "losses_synthetic": np.zeros(0), "discrepancy_real": 0.0}
    got = paper_bound(**p, discrepancy_synthetic=0.0, quadratic_form=n / scale, delta=0.05)
    assert got.kernel == pytest.approx(2 / math.sqrt(scale))
    assert got.size == pytest.approx(3 * math.sqrt(2 * math.log(8 / 0.05) / n))
    true_loss = 1.0 - n / 1e6  # min(|0 - y|, 1) on all but n of a million points
    assert got.total < 0.5 < true_loss
    ours = mixture_bound(
        **p,
        discrepancy_synthetic=0.0,
        kernel_diagonal_real=np.full(n, scale),
        kernel_diagonal_synthetic=np.zeros(0),
        norm=math.sqrt(n / scale),
    )
    assert ours.total > true_loss


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"delta": 0.0}, "delta must be finite and lie strictly between 0 and 1, found 0"),
        ({"delta": 1.0}, "delta"),
        ({"real_weight": 1.2}, r"real_weight must be finite and lie in \[0, 1\]"),
        ({"real_weight": math.nan}, "real_weight"),
        ({"losses_real": np.full(30, 1.5)}, r"losses_real must be finite and lie in \[0, 1\], found 1.5"),
        ({"losses_synthetic": np.full(70, math.nan)}, "losses_synthetic"),
        ({"losses_real": np.ones(29)}, r"losses_real and kernel_diagonal_real .* found shapes \(29,\) and \(30,\)"),
        ({"losses_real": np.ones((30, 1))}, "vectors of one length"),
        (
            {"kernel_diagonal_synthetic": np.full(70, -1.0)},
            "kernel_diagonal_synthetic must be finite and be at least 0",
        ),
        ({"discrepancy_real": -0.1}, "discrepancy_real"),
        ({"norm": math.inf}, "norm must be finite"),
        ({"norm_unit": 0.0}, "norm_unit must be finite and exceed 0"),
        ({"outputs": 0}, "outputs"),
        ({"lipschitz": -1.0}, "lipschitz"),
        (dict.fromkeys(("losses_real", "losses_synthetic"), np.zeros(0)), "one length"),
    ],
)
def test_bad_input_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        inspect.unwrap(mixture_bound)(**(parts() | wrong))  # without the tests' shape checks, as a user has it


def test_two_empty_parts_are_refused():
    names = ("losses_real", "losses_synthetic", "kernel_diagonal_real", "kernel_diagonal_synthetic")
    with pytest.raises(ValueError, match="both parts are empty"):
        mixture_bound(**(parts() | dict.fromkeys(names, np.zeros(0))))


@pytest.mark.usefixtures("each_key_once")
def test_simulated_bounds_hold(tmp_path, monkeypatch):
    """100 draws at each of two settings: no more than delta violations, also for the worst predictor found.

    What the inputs' discrepancy alone would claim fails in every draw where all synthetic labels are wrong.
    """
    first = {"n": 200, "real_share": 0.5, "shift": 0.4, "head": 1.0, "wrong": 0.0}
    other = {"n": 3000, "real_share": 0.1, "shift": 0.0, "head": 0.7, "wrong": 1.0}
    monkeypatch.setattr(study, "settings", lambda: [first, other])
    with jax.enable_x64(False), jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        study.run(tmp_path, draws=100, seed=1)
    every = results.read(tmp_path / "results.jsonl")
    assert unwritten("bound", every) == []
    lines = results.select(every, kind="bound")
    assert len(lines) == 2
    for line in lines:
        failures = json.loads(json.dumps(line["failures"]))
        failures.pop("paper_form")
        assert failures.pop("inputs") == line["wrong"]
        assert max(failures.values()) <= line["delta"]
        assert line["gap"] < line["ball_kernel"]
        assert line["spread"] < line["ball_sharper_size"] < line["ball_size"]
        assert line["transfer_gap"] <= line["term_discrepancy"] + 1e-6
    assert (tmp_path / "figures" / "bound.png").stat().st_size > 10_000
    assert (tmp_path / "report.md").read_text().count("\n") == 2 + 2 + 2
