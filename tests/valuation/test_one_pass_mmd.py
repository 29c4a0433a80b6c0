"""The discrepancy in one pass against mk_mmd on all pairs, and its error against the spread over draws."""

import tracemalloc

import jax
import numpy as np
import pytest

from valuation.blocks import source
from valuation.discrepancy import mean_squared_distance, mk_mmd, random_feature_mmd
from valuation.one_pass_mmd import memory_bytes, one_pass_mmd

DRAW = np.random.default_rng(0)
Y = DRAW.normal(size=(70, 6))
X = DRAW.normal(size=(900, 6)) * 1.1 + 0.3
WIDTH = mean_squared_distance(Y)


def estimate(x, seed=0, validation=Y, bandwidth=WIDTH, **options):
    options = {"references": 64, "block": 256} | options
    return one_pass_mmd(source(x, x), validation, bandwidth=bandwidth, key=jax.random.key(seed), **options)


def exact(x):
    value = mk_mmd(x, Y, bandwidth=WIDTH)
    return np.sign(value) * value**2


@pytest.mark.parametrize("count", [2, 900])
def test_all_examples_as_references_are_the_exact_statistic(count):
    found = estimate(X[:count], references=900)
    assert found.squared == pytest.approx(exact(X[:count]), abs=2e-6)
    assert found.standard_error == 0


def test_labels_make_the_product_kernel_and_biased_the_v_statistic():
    of_x, of_y = (X[:, 0] > 0).astype(int), (Y[:, 0] > 0).astype(int)
    for biased in (False, True):
        estimator = "biased" if biased else "unbiased"
        expected = mk_mmd(X, Y, bandwidth=WIDTH, labels=(of_x, of_y), estimator=estimator)
        found = one_pass_mmd(source(X, of_x), Y, bandwidth=WIDTH, key=jax.random.key(0), labels=of_y, biased=biased,
                             references=900, block=256)  # fmt: skip
        assert found.squared == pytest.approx(np.sign(expected) * expected**2, abs=2e-6)


def test_the_error_is_the_spread_over_draws_of_references():
    """z-scores of 40 independent draws: mean 0, spread 1."""
    found = [estimate(X, seed, block=1024) for seed in range(40)]
    z = (np.array([e.squared for e in found]) - exact(X)) / [e.standard_error for e in found]
    assert abs(z.mean()) < 4 / np.sqrt(40)
    assert 0.7 < z.std() < 1.4


def test_the_error_shrinks_with_the_discrepancy():
    """It is that of the witness; random frequencies, as many, are far worse where the sets are far apart."""
    errors = [estimate(X + shift).standard_error for shift in (3.0, 0.3, 0.0)]
    alike = estimate((X - 0.3) / 1.1, references=64).standard_error
    assert errors[0] > errors[1] > errors[2] > alike
    rival = random_feature_mmd(X + 3, Y, bandwidth=WIDTH, frequencies=65, key=jax.random.key(0))
    assert errors[0] < rival.standard_error / 2


def test_shift_blocks_and_memory_maps_change_nothing(tmp_path):
    np.save(tmp_path / "x.npy", X + 1e6)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    found = estimate(mapped, validation=Y + 1e6, block=200)
    assert found.squared == pytest.approx(estimate(X).squared, abs=1e-5)


def test_memory_stays_below_the_bound():
    estimate(X)
    tracemalloc.start()
    estimate(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < memory_bytes(900, 6, 70, references=64, block=256) < 12 * peak


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="at least 2 examples"):
        estimate(X[:1])
    with pytest.raises(ValueError, match="got 900, 70 and 1"):
        estimate(X, references=1)
    with pytest.raises(ValueError, match="bandwidth must be positive"):
        estimate(X, bandwidth=0.0)
    with pytest.raises(ValueError, match="example 3 holds nan"):
        estimate(np.where(np.arange(900)[:, None] == 3, np.nan, X), references=900)
