"""Transfer through a reference, and the mixture bound with it, against brute force and exact numbers (2.15)."""

import inspect
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from theory.bound import mixture_bound, reference_bound
from theory.disagreement import reference_transfer
from theory.transfer import total_variation

X = np.array([-1.0, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0])  # inputs; predictors are w x with |w| <= 1
SLOPE, NOISE = 0.4, 0.05  # labels are SLOPE x +- NOISE; wrong ones have the other sign
RIGHT = SLOPE * X[:, None] + np.array([-NOISE, NOISE])
TEST = np.full(8, 1 / 8)
SHIFTED = np.array([3, 4, 4, 5, 5, 4, 4, 3]) / 32  # of the synthetic part
DRAWS, DELTA = 200, 0.1


@pytest.fixture(autouse=True)
def strict(x64):
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        yield


def cut(difference):
    """The loss min(1, |a - b|) of a difference a - b."""
    return np.minimum(1, np.abs(difference))


def corners(*labels):
    """All slopes in [-1, 1] where some loss |w x - y| or its cut at 1 has a corner; a sup over the ball lies at one."""
    slopes = np.concatenate([((y + step) / X[:, None]).ravel() for y in labels for step in (-1, 0, 1)])
    return np.append(slopes[np.abs(slopes) < 1], [-1.0, 1.0])


def coins(n: int, heads: int):
    return np.arange(n) < heads


def test_formula_by_hand():
    draw = np.random.default_rng(0)
    wrong, held_out = draw.random(30) / 9, draw.random(20) / 9
    got = reference_transfer(disagreements=wrong, reference_losses=held_out, discrepancy=0.1, delta=0.2)
    assert got.discrepancy == 0.1
    assert got.disagreement == pytest.approx(wrong.sum() / 30)
    assert got.reference == pytest.approx(held_out.sum() / 20)
    assert got.estimation == pytest.approx(math.sqrt((20 + 30) / 600 * math.log(5) / 2))
    assert got.total == pytest.approx(sum(got[:4]))
    zero = reference_transfer(disagreements=0 * wrong, reference_losses=0 * held_out, discrepancy=0.1, delta=0.2)
    assert zero.total == pytest.approx(0.1 + zero.estimation)  # h is the truth: the transfer of the inputs alone


@pytest.mark.parametrize("delta", [0.1, 0.01])
def test_estimation_covers_the_binomial(delta):
    """Two means of n coins each, from scipy's quantile of their sum."""
    n = 500
    exact = 1 - stats.binom(2 * n, 0.5).ppf(delta) / n
    fair = coins(n, n // 2) * 1.0
    got = reference_transfer(disagreements=fair, reference_losses=fair, discrepancy=0.0, delta=delta)
    assert exact < got.estimation < 2 * exact


def test_no_term_can_have_a_smaller_constant():
    """0/1 loss, same inputs. On half of them f follows wrong labels; elsewhere 1 in 5 test labels is not h's."""
    reference, part = coins(1000, 0), coins(1000, 500)
    f, test = part, coins(1000, 1000) & (np.arange(1000) >= 900)
    got = reference_transfer(
        disagreements=(reference != part) * 1.0, reference_losses=(reference != test) * 1.0, discrepancy=0.0, delta=0.1
    )
    assert np.mean(f != part) == 0.0
    assert (got.disagreement, got.reference) == (0.5, 0.1)
    assert np.mean(f != test) == pytest.approx(got.total - got.estimation) == pytest.approx(0.6)


def test_counterexample_of_the_page():
    """x = +-1, y = x, all 7,500 synthetic labels y = -x, none of the 2,500 real ones; f(x) = -x, min(1, |f - y|)."""
    n, m, k = 2500, 7500, 1000
    bound = partial(
        mixture_bound,
        losses_real=np.ones(n),
        losses_synthetic=np.zeros(m),
        discrepancy_real=0.0,
        kernel_diagonal_real=np.ones(n),
        kernel_diagonal_synthetic=np.ones(m),
        norm=1.0,
    )
    true_loss = 1.0  # |-x - x| = 2, cut at 1
    blind = bound(discrepancy_synthetic=0.0, delta=0.05)
    assert blind.total == pytest.approx(0.25 + 0.02 + 3 * math.sqrt(1e-4 * math.log(80) / 2))
    assert blind.total == pytest.approx(0.3144, abs=5e-5)
    assert blind.total < true_loss
    transfer = reference_transfer(
        disagreements=np.ones(m), reference_losses=np.zeros(k), discrepancy=0.0, delta=0.025
    )  # h(x) = x
    seeing = bound(discrepancy_synthetic=transfer.total, delta=0.025)
    assert seeing.loss + seeing.discrepancy == pytest.approx(true_loss)
    assert seeing.total == pytest.approx(1.0 + 0.02 + 3 * math.sqrt(1e-4 * math.log(160) / 2))
    assert bound(discrepancy_synthetic=transfer.total, real_weight=0.0).discrepancy == transfer.total
    assert bound(discrepancy_synthetic=transfer.total, real_weight=1.0).discrepancy == 0.0


def sample(draw, inputs, labels, size):
    """DRAWS samples of a part: inputs and labels (draws, size), counts of the outcomes (draws, inputs, labels)."""
    a, b = draw.choice(8, (DRAWS, size), p=inputs), draw.choice(2, (DRAWS, size))
    counts = np.stack([np.bincount(2 * i + j, minlength=16).reshape(8, 2) for i, j in zip(a, b, strict=True)])
    return X[a], labels[a, b], counts


@jax.jit
@partial(jax.vmap, in_axes=(0, 0, 0, 0, None))
def totals(losses, of_reference, held_out, diagonals, gaps):
    """The bound with label disagreement (delta/2 for the mixture, delta/4 a part), and with the inputs' gaps alone."""
    bound = partial(
        mixture_bound,
        losses_real=losses[0],
        losses_synthetic=losses[1],
        kernel_diagonal_real=diagonals[0],
        kernel_diagonal_synthetic=diagonals[1],
        norm=1.0,
    )
    of_inputs = {"discrepancy_real": gaps[0], "discrepancy_synthetic": gaps[1], "delta": DELTA}
    through = reference_bound(
        bound,
        disagreements_real=of_reference[0],
        disagreements_synthetic=of_reference[1],
        reference_losses=held_out,
        **of_inputs,
    )
    return through.total, bound(**of_inputs).total


@pytest.mark.parametrize(
    ("n", "m", "real", "synthetic", "blind_fails"),
    [(300, 1500, RIGHT, RIGHT, 0.0), (300, 1500, RIGHT, -RIGHT, 1.0), (1500, 300, -RIGHT, RIGHT, 1.0)],
    ids=["right", "wrong synthetic", "wrong real"],
)
def test_holds_for_every_predictor_whichever_labels_are_wrong(n, m, real, synthetic, blind_fails):
    """Exact expectations; the fit of each draw, and its worst slope by brute force; h saw 100 validation examples."""
    draw = np.random.default_rng(3)
    parts = [sample(draw, TEST, real, n), sample(draw, SHIFTED, synthetic, m)]
    validation = sample(draw, TEST, RIGHT, 500)
    x, y = (values[0] for values in sample(draw, TEST, RIGHT, 100)[:2])
    h = x @ y / (x @ x)
    held_out = cut(h * validation[0] - validation[1])
    of_reference = [cut(h * x - y) for x, y, _ in parts]

    slopes = corners(RIGHT, -RIGHT, h * X[:, None])
    apart = cut(slopes[:, None] * X - h * X)  # l(f(x), h(x)), (slopes, inputs)
    gaps = [max(0.0, float(np.max(apart @ (TEST - inputs)))) for inputs in (TEST, SHIFTED)]
    assert 0 < gaps[1] < total_variation(jnp.asarray(TEST), jnp.asarray(SHIFTED))
    expected = cut(slopes[:, None, None] * X[:, None] - RIGHT).mean((1, 2))
    measured = sum(
        np.einsum("wxy,dxy->dw", cut(slopes[:, None, None] * X[:, None] - labels), counts) / (n + m)
        for labels, (_, _, counts) in zip((real, synthetic), parts, strict=True)
    )
    worst = slopes[np.argmax(expected - measured, 1)]
    fitted = sum((x * y).sum(1) for x, y, _ in parts) / sum((x**2).sum(1) for x, _, _ in parts)

    diagonals = [x**2 for x, _, _ in parts]
    for slope in (worst[:, None], fitted[:, None]):
        true = cut(slope[:, :, None] * X[:, None] - RIGHT).mean((1, 2))
        losses = [cut(slope * x - y) for x, y, _ in parts]
        full, blind = totals(losses, of_reference, held_out, diagonals, gaps)
        assert np.mean(true > full) <= DELTA
        assert np.mean(true > blind) == blind_fails

        relabelled = [cut(slope * x - h * x) for x, _, _ in parts]
        sharper, _ = totals(relabelled, [0 * loss for loss in relabelled], held_out, diagonals, gaps)
        assert np.mean(true > sharper) <= DELTA
        assert np.all(sharper <= full + 1e-12)
    assert np.all(full < 1)  # of the fit: not vacuous


def test_delta_is_split_between_the_losses_of_f_and_of_h():
    draw = np.random.default_rng(2)
    n, m, k, gaps = 40, 70, 30, (0.02, 0.1)
    bound = partial(
        mixture_bound,
        losses_real=draw.random(n),
        losses_synthetic=draw.random(m),
        kernel_diagonal_real=draw.random(n),
        kernel_diagonal_synthetic=draw.random(m),
        norm=1.0,
        real_weight=0.3,
    )
    real, synthetic, held_out = (draw.random(size) / 9 for size in (n, m, k))
    got = reference_bound(
        bound,
        disagreements_real=real,
        disagreements_synthetic=synthetic,
        reference_losses=held_out,
        discrepancy_real=gaps[0],
        discrepancy_synthetic=gaps[1],
        delta=0.04,
    )
    transfer = 0.0
    for weight, losses, gap in ((0.3, real, gaps[0]), (0.7, synthetic, gaps[1])):
        estimation = math.sqrt((1 / len(losses) + 1 / k) * math.log(1 / 0.01) / 2)
        transfer += weight * (gap + losses.mean() + held_out.mean() + estimation)
    assert got.discrepancy == pytest.approx(transfer)
    assert got.size == bound(discrepancy_real=0.0, discrepancy_synthetic=0.0, delta=0.02).size
    with pytest.raises(ValueError, match="delta must be finite and lie strictly between 0 and 1, found 2"):
        inspect.unwrap(reference_bound)(
            bound,
            disagreements_real=real,
            disagreements_synthetic=synthetic,
            reference_losses=held_out,
            discrepancy_real=0.0,
            discrepancy_synthetic=0.0,
            delta=2.0,
        )


@pytest.mark.parametrize("empty", ["real", "synthetic"])
def test_an_empty_part_adds_nothing(empty):
    draw = np.random.default_rng(5)
    losses, none = draw.random(60), np.zeros(0)
    full = {"real": "synthetic", "synthetic": "real"}[empty]
    unknown, known = (
        reference_transfer(disagreements=d, reference_losses=losses[:20] / 4, discrepancy=0.1, delta=0.05)
        for d in (none, losses / 4)
    )
    assert unknown.disagreement == 0.0
    assert (unknown.estimation, unknown.total) == (math.inf, 1.0)
    bound = partial(
        mixture_bound,
        **{f"losses_{full}": losses, f"kernel_diagonal_{full}": losses, f"discrepancy_{full}": known.total},
        **{f"losses_{empty}": none, f"kernel_diagonal_{empty}": none, f"discrepancy_{empty}": unknown.total},
        norm=1.0,
    )
    weight = 1.0 if empty == "synthetic" else 0.0
    assert bound(real_weight=weight).discrepancy == bound().discrepancy == known.total


def test_squared_losses_cost_factors():
    """Worlds that reach the constants 4, 4, 2 and 2; the root form never exceeds that sum, and holds (2.15)."""
    f, part, h, test = 4.0, 3.0, 2.0, 0.0
    assert (f - test) ** 2 == 4 * (f - part) ** 2 + 4 * (h - part) ** 2 + 2 * (h - test) ** 2
    f, h, test = 2.0, 1.0, 0.0  # of the test; in the part f = h = y, so d_k = (f - h)^2
    assert (f - test) ** 2 == 2 * (f - h) ** 2 + 2 * (h - test) ** 2
    draw = np.random.default_rng(7)
    f, part, h, test = draw.normal(size=(4, 2000, 3))  # 2,000 worlds of three equally likely inputs, d_k = 0
    of_f, of_h, of_test = (np.mean((a - b) ** 2, 1) for a, b in ((f, part), (h, part), (h, test)))
    true = np.mean((f - test) ** 2, 1)
    roots = (np.sqrt(of_test) + np.sqrt(of_f) + np.sqrt(of_h)) ** 2
    assert np.all(true <= roots)
    assert np.all(roots <= 4 * of_f + 4 * of_h + 2 * of_test + 1e-9)
    assert np.any(true > of_f + of_h + of_test)


GOOD = {"disagreements": np.ones(3), "reference_losses": np.zeros(4), "discrepancy": 0.1, "delta": 0.05}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"disagreements": np.full(3, 1.5)}, r"disagreements must be finite and lie in \[0, 1\], found 1.5"),
        ({"disagreements": np.ones((3, 1))}, r"disagreements must be a vector, found shape \(3, 1\)"),
        ({"reference_losses": np.array([0.0, math.nan])}, r"reference_losses must be finite and lie in \[0, 1\]"),
        ({"reference_losses": 0.3}, "reference_losses must be a vector"),
        ({"reference_losses": np.zeros(0)}, "reference_losses is empty: keep validation examples"),
        ({"discrepancy": -0.1}, "discrepancy must be finite and be at least 0, found -0.1"),
        ({"discrepancy": math.inf}, "discrepancy must be finite"),
        ({"delta": 0.0}, "delta must be finite and lie strictly between 0 and 1, found 0"),
        ({"delta": 1.0}, "delta must be finite and lie strictly between 0 and 1, found 1"),
    ],
)
def test_bad_input_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        inspect.unwrap(reference_transfer)(**(GOOD | wrong))  # without the tests' shape checks, as a user has it


def test_dtype_follows_the_input():
    single = {name: np.float32(value) for name, value in GOOD.items()}
    assert reference_transfer(**single).total.dtype == jnp.float32
    assert reference_transfer(**GOOD).total.dtype == jnp.float64
