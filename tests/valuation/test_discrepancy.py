import numpy as np
import pytest
import scipy.spatial.distance

from tests.reference import mmd_squared
from valuation.discrepancy import distance_table, distances_to, mean_squared_distance, mk_mmd, squared_lengths

RNG = np.random.default_rng(0)
X, Y = RNG.normal(0.3, 1, (23, 4)).astype(np.float32), RNG.normal(0, 1, (17, 4)).astype(np.float32)
LX, LY = RNG.integers(0, 2, 23), RNG.integers(0, 2, 17)


def signed_root(value):
    return np.sign(value) * np.sqrt(abs(value))


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("block", [4, 17, 512])
@pytest.mark.parametrize("labels", [None, (LX, LY)])
def test_quadratic_estimators_are_the_double_sum(unbiased, block, labels):
    bandwidth = scipy.spatial.distance.pdist(Y.astype(np.float64), "sqeuclidean").mean()
    expected = signed_root(mmd_squared(X, Y, bandwidth, *(labels or (None, None)), unbiased=unbiased))
    got = mk_mmd(X, Y, estimator="unbiased" if unbiased else "biased", block=block, labels=labels)
    np.testing.assert_allclose(got, expected, atol=2e-4)


@pytest.mark.parametrize("estimator", ["unbiased", "biased", "linear"])
def test_a_common_offset_does_not_matter(estimator):
    """Exact in float64; the constant column is one that squares of float32 could not hold."""
    x, y = (np.column_stack([side + 2.0**30, np.full(len(side), 1e30)]) for side in (np.float64(X), np.float64(Y)))
    np.testing.assert_allclose(mk_mmd(x, y, estimator=estimator), mk_mmd(X, Y, estimator=estimator), atol=1e-3)


def test_mean_squared_distance_is_that_over_distinct_pairs():
    np.testing.assert_allclose(
        mean_squared_distance(Y), scipy.spatial.distance.pdist(Y, "sqeuclidean").mean(), rtol=1e-6
    )


def test_linear_estimator_is_unbiased():
    """Its mean over many pairings equals the unbiased estimate: both estimate the same number without bias."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(0.5, 1, (4000, 2)), rng.normal(0, 1, (4000, 2))
    linear = [mk_mmd(rng.permutation(x), rng.permutation(y), estimator="linear", bandwidth=4.0) for _ in range(30)]
    squares = np.sign(linear) * np.square(linear)
    whole = mk_mmd(x, y, bandwidth=4.0) ** 2
    assert abs(squares.mean() - whole) < 4 * squares.std() / np.sqrt(30)


def test_the_same_distribution_has_no_distance_on_average():
    rng = np.random.default_rng(2)
    signed = [mk_mmd(rng.normal(size=(30, 3)), rng.normal(size=(30, 3)), bandwidth=3.0) for _ in range(100)]
    squares = np.sign(signed) * np.square(signed)
    assert abs(squares.mean()) < 4 * squares.std() / 10
    assert min(signed) < 0 < max(signed)


def test_one_row_has_a_biased_distance_only():
    expected = signed_root(mmd_squared(X[:1], Y, 2.0, unbiased=False))
    np.testing.assert_allclose(mk_mmd(X[:1], Y, estimator="biased", bandwidth=2.0), expected, rtol=1e-4)
    with pytest.raises(ValueError, match="at least 2 rows a sample are needed, got 1 and 17"):
        mk_mmd(X[:1], Y)


@pytest.mark.parametrize(
    ("x", "y", "options", "words"),
    [
        (X, Y[:, :2], {}, "4 and 2 features"),
        (X * np.nan, Y, {}, "NaN"),
        (X, Y, {"estimator": "cubic"}, "unbiased, biased, linear"),
        (X, Y, {"bandwidth": 0.0}, "positive"),
        (X, np.ones((3, 4)), {}, "all rows"),
    ],
)
def test_bad_input_is_named(x, y, options, words):
    with pytest.raises(ValueError, match=words):
        mk_mmd(x, y, **options)


@pytest.mark.parametrize("offset", [0.0, 2.0**13])
def test_distance_table_is_scipys(offset):
    x, y = X + np.float32(offset), Y + np.float32(offset)
    expected = scipy.spatial.distance.cdist(x, y, "sqeuclidean")
    np.testing.assert_allclose(distance_table(x, y), expected, atol=1e-4)


@pytest.mark.parametrize("fill", [-999.0, 1e5])
def test_rows_far_from_most_keep_their_distances(fill):
    x, y = X.copy(), Y.copy()
    x[::4, 0] = y[::4, 0] = fill
    for one, other in ((x, y), (y, y), (Y, x), (x, Y)):
        expected = scipy.spatial.distance.cdist(one, other, "sqeuclidean")
        np.testing.assert_allclose(distance_table(one, other), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("offset", [0.0, 2.0**13])
def test_distances_of_rows_that_are_mostly_zero_are_scipys(offset):
    """Seven numbers of each row of 200 are not zero, of one row none; beside a column with an offset."""
    rng = np.random.default_rng(3)
    x, y = (np.zeros((count, 200), np.float32) for count in (12, 9))
    for side in (x[1:], y):
        np.put_along_axis(side, rng.permuted(np.tile(np.arange(200), (len(side), 1)), axis=1)[:, :7], 1.5, 1)
        side[:, 0] += offset
    for one, other in ((x[1:], y), (y, y), (y, x[1:]), *([(x, y)] if not offset else [])):
        expected = scipy.spatial.distance.cdist(one, other, "sqeuclidean")
        np.testing.assert_allclose(distance_table(one, other), expected, atol=1e-4)
    expected = scipy.spatial.distance.cdist(x, y, "sqeuclidean")
    np.testing.assert_allclose(
        distances_to(x, np.ascontiguousarray(y.T), squared_lengths(y)), expected, atol=1e-4 + 1e-6 * offset**2
    )


def test_a_sample_far_away_keeps_the_distances_within():
    """Between the samples the kernel vanishes."""
    x = X + np.float32(2.0**13)
    expected = signed_root(mmd_squared(x, Y, 8.0, unbiased=True))
    np.testing.assert_allclose(mk_mmd(x, Y, bandwidth=8.0), expected, rtol=1e-4)
