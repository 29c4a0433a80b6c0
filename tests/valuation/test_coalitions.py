"""Values of contributors against averages over all orders and coalitions, the axioms, and sampling statistics."""

import itertools

import jax
import numpy as np
import pytest
from scipy import stats

from valuation import coalitions
from valuation.coalitions import banzhaf, banzhaf_fits, evaluate, leave_one_out, shapley, shapley_fits

pytestmark = pytest.mark.usefixtures("each_key_once")

METHODS = {"shapley": shapley, "banzhaf": banzhaf}


@pytest.fixture
def key():
    return jax.random.key(0)


def random_game(contributors, seed=0):
    table = np.random.default_rng(seed).normal(size=2**contributors)
    return lambda mask: table[mask @ 2 ** np.arange(contributors)]


def additive(weights, base=3.0):
    return lambda mask: base + weights @ mask


def smooth(contributors, seed=0):
    """A utility with diminishing returns and interactions of every order."""
    weights = np.random.default_rng(seed).exponential(size=contributors)
    return lambda mask: np.sqrt(1 + weights @ mask)


@pytest.mark.parametrize("contributors", [1, 2, 5, 6])
def test_exact_shapley_is_the_mean_over_all_orders(contributors, key):
    utility = random_game(contributors)
    expected = np.zeros(contributors)
    orders = list(itertools.permutations(range(contributors)))
    for order in orders:
        mask = np.zeros(contributors, bool)
        for i in order:
            before = utility(mask)
            mask[i] = True
            expected[i] += (utility(mask) - before) / len(orders)
    values, errors = shapley(utility, contributors, key=key)
    np.testing.assert_allclose(values, expected, atol=1e-12)
    assert not errors.any()


@pytest.mark.parametrize("contributors", [1, 2, 7])
def test_exact_banzhaf_is_the_mean_over_all_coalitions(contributors, key):
    utility = random_game(contributors)
    expected = np.zeros(contributors)
    for bits in itertools.product([False, True], repeat=contributors):
        for i in range(contributors):
            mask = np.array(bits)
            with_i, without_i = mask.copy(), mask.copy()
            with_i[i], without_i[i] = True, False
            expected[i] += (utility(with_i) - utility(without_i)) / 2**contributors
    np.testing.assert_allclose(banzhaf(utility, contributors, key=key).values, expected, atol=1e-12)


@pytest.mark.parametrize("contributors", [12, 13, 20])
def test_shapley_is_efficient(contributors, key):
    utility = smooth(contributors)
    everybody = utility(np.ones(contributors, bool)) - utility(np.zeros(contributors, bool))
    assert shapley(utility, contributors, pairs=5, key=key).values.sum() == pytest.approx(everybody)


@pytest.mark.parametrize("contributors", [4, 15])
def test_additive_games(contributors, key):
    weights = np.random.default_rng(1).normal(size=contributors)
    np.testing.assert_allclose(shapley(additive(weights), contributors, pairs=2, key=key).values, weights)
    np.testing.assert_allclose(leave_one_out(additive(weights), contributors), weights)
    got = banzhaf(additive(weights), contributors, pairs=4000, key=jax.random.key(1))
    np.testing.assert_array_less(np.abs(got.values - weights), 4 * got.standard_errors + 1e-12)


def test_pairwise_games_are_exact_from_an_order_and_its_reverse(key):
    draw = np.random.default_rng(2)
    weights, together = draw.normal(size=14), draw.normal(size=(14, 14))
    together = np.triu(together, 1)
    values, errors = shapley(lambda mask: weights @ mask + mask @ together @ mask, 14, pairs=2, key=key)
    np.testing.assert_allclose(values, weights + (together + together.T).sum(1) / 2)
    np.testing.assert_allclose(errors, 0, atol=1e-12)


def test_symmetric_and_idle_contributors(key):
    utility = additive(np.zeros(5))
    same = lambda mask: (mask[0] | mask[1]) * 2.0 + mask[2] * mask[3]  # noqa: E731 - contributor 4 never matters
    np.testing.assert_allclose(shapley(same, 5, key=key).values, [1, 1, 0.5, 0.5, 0])
    np.testing.assert_allclose(banzhaf(same, 5, key=key).values, [1, 1, 0.5, 0.5, 0])
    np.testing.assert_allclose(leave_one_out(same, 5), [0, 0, 1, 1, 0])
    np.testing.assert_allclose(shapley(utility, 5, key=key).values, 0)


@pytest.mark.parametrize("name", METHODS)
def test_sampled_values_are_unbiased_and_their_errors_honest(name, monkeypatch, key):
    """400 runs against the exact values: t-test of their mean (5 sigma), mean squared error as stated (25 %)."""
    contributors, pairs = 6, 10
    utility = random_game(contributors, seed=3)
    exact = METHODS[name](utility, contributors, key=key).values
    monkeypatch.setattr(coalitions, "EXACT", 5)
    runs = [METHODS[name](utility, contributors, pairs=pairs, key=k) for k in jax.random.split(key, 400)]
    values, errors = (np.array(a) for a in zip(*runs, strict=True))
    assert np.abs(stats.ttest_1samp(values, exact).statistic).max() < 5
    np.testing.assert_allclose((errors**2).mean(0), ((values - exact) ** 2).mean(0), rtol=0.25)


def test_a_batched_utility_goes_through_the_pieces(key):
    table = np.random.default_rng(4).normal(size=2**6)
    whole = lambda masks: table[masks @ 2 ** np.arange(6)]  # noqa: E731
    masks = coalitions.all_masks(6)
    np.testing.assert_allclose(coalitions.shapley_of(whole(masks)), shapley(whole, 6, key=key).values)
    orders = coalitions.random_orders(key, 3, 6)
    utilities = whole(coalitions.order_masks(orders))
    np.testing.assert_allclose(utilities, evaluate(whole, coalitions.order_masks(orders)))
    assert coalitions.shapley_estimate(orders, utilities).values.shape == (6,)


def test_each_coalition_is_evaluated_once(key):
    seen = []
    shapley(lambda mask: seen.append(tuple(mask)) or 0.0, 13, pairs=20, key=key)
    assert len(seen) == len(set(seen)) <= 20 * 2 * 12 + 2


def test_same_key_same_values():
    one, two = (shapley(smooth(14), 14, pairs=3, key=jax.random.key(7)) for _ in range(2))
    np.testing.assert_array_equal(one.values, two.values)


def test_bad_input_is_named(key):
    with pytest.raises(ValueError, match="1 to 12 contributors, got 0"):
        shapley(additive(np.zeros(0)), 0, key=key)
    with pytest.raises(ValueError, match="contributors must be at least 1, got 0"):
        leave_one_out(additive(np.zeros(0)), 0)
    with pytest.raises(ValueError, match="pairs must be at least 2, got 1"):
        banzhaf(smooth(13), 13, pairs=1, key=key)
    with pytest.raises(ValueError, match=r"coalition \[0, 2\] is nan, not finite"):
        shapley(lambda mask: np.nan if mask.tolist() == [True, False, True] else 0.0, 3, key=key)
    with pytest.raises(ValueError, match="power of two"):
        coalitions.banzhaf_of(np.zeros(6))


@pytest.mark.parametrize("count", [1, 5, 12, 14, 24])
@pytest.mark.parametrize(("values", "said"), [(shapley, shapley_fits), (banzhaf, banzhaf_fits)])
def test_as_many_coalitions_are_evaluated_as_are_said(values, said, count, key):
    masks = []

    def utility(mask):
        masks.append(mask)
        return 0.0

    values(utility, count, key=key)
    assert len(masks) == pytest.approx(said(count), rel=0.03 if count > 12 else 0)
