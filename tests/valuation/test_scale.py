import numpy as np
import pytest

from valuation.scale import check_float32, check_rows, mean_diagonal, significant


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_sums_in_another_order_do_not_differ_and_a_thousandth_does(dtype, unit):
    """Means of the same numbers, forwards and backwards, against a mean that is really larger."""
    numbers = np.random.default_rng(0).random(1000).astype(dtype) * dtype(unit)
    means = np.array([numbers.mean(), numbers[::-1].mean(), numbers.sum() / dtype(1000)])
    assert not significant(np.ptp(means), means.max(), dtype=dtype)
    assert significant(1e-3 * means[0], means[0], dtype=dtype)


def test_nothing_and_nan_are_not_significant():
    np.testing.assert_array_equal(significant(np.array([0.0, np.nan, 1.0]), np.array([0.0, 1.0, 0.0])), [0, 0, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squares_that_float32_holds_are_taken_and_others_named(dtype):
    """A row of 1e18 in four features has the squared norm 4e36, and the distance to its opposite is 1.6e37."""
    rows = np.full((3, 2, 2), 1e18, dtype)
    check_rows(rows, "example")
    with np.errstate(over="raise"):
        assert np.isfinite(np.square(rows - -rows, dtype=np.float32).sum())
    for value, words in (
        (9.97e36, r"^good: example 12 holds 9.97e\+36, whose square is no float32 number: is it a fill value$"),
        (np.nan, "^good: example 12 holds nan, which is not finite$"),
        (-np.inf, "^good: example 12 holds -inf, which is not finite$"),
    ):
        rows[1, 1, 0] = value
        with pytest.raises(ValueError, match=words):
            check_rows(rows, "good: example", [10, 12, 14])


def test_whole_numbers_are_rows_too():
    check_rows(np.array([[2**40, 3]]), "example")
    check_rows(np.array([True, False]), "example")


@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_the_mean_diagonal_is_in_the_unit_of_the_kernel(unit):
    assert mean_diagonal(unit * np.array([[1.0, 9.0], [9.0, 2.0]])) == pytest.approx(1.5 * unit)
    assert mean_diagonal(np.zeros((2, 2))) == 1


def test_an_offset_that_leaves_no_digits_of_float32_is_named():
    """Units of float32 are 1/1024 at 1e4 and 128 at 1.7e9; the third column is a constant but for rounding."""
    draw = np.random.default_rng(0)
    rows = np.column_stack([draw.normal(size=50), 1e4 + draw.normal(size=50), 0.1 + 1e-17 * np.arange(50)])
    check_float32(rows, "validation")
    check_float32(2**30 + np.arange(50)[:, None] * 2**12, "validation")
    rows[:, 1] = 1.7e9 + 600 * draw.normal(size=50)
    with pytest.raises(ValueError, match=r"^validation: column 1 varies by \d+ beside 1\.7e\+09, which float32 cannot"):
        check_float32(rows, "validation")
