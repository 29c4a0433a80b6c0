import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.linalg import block_diag, eigh
from scipy.spatial.distance import pdist, squareform

from valuation.covariates.diversity import cluster_counts, cluster_diversity, vendi_score


def test_three_clumps_are_three_clusters():
    rng = np.random.default_rng(0)
    rows = np.add.outer([0.0, 10.0, 20.0], [0.0, 0.1, 0.3]).reshape(9, 1)
    assert cluster_diversity(rows, 1.0, rng, each=9, draws=2) == pytest.approx(3**2 / 9)
    assert cluster_diversity(rows, 100.0, rng, each=9, draws=2) == pytest.approx(1 / 9)
    assert cluster_diversity(rows, 0.01, rng, each=9, draws=2) == pytest.approx(9)


@pytest.mark.parametrize("threshold", [0.4, 0.8, 1.6])
def test_clusters_are_scipys(threshold):
    sets = np.random.default_rng(0).normal(size=(30, 8, 2))
    trees = [linkage(pdist(rows), "average") for rows in sets]
    expected = [fcluster(tree, threshold, "distance").max() for tree in trees]
    assert len(set(expected)) > 2
    found = cluster_counts(np.stack([squareform(pdist(rows)) for rows in sets]), threshold)
    np.testing.assert_array_equal(found, expected)


def test_pairs_count_by_their_distance():
    """Of two examples: 1/2 where they are together, 2 where not."""
    rows = np.arange(6.0)[:, None]
    together = np.mean([abs(i - j) <= 2 for i in range(6) for j in range(6) if i != j])
    found = cluster_diversity(rows, 2.0, np.random.default_rng(0), each=2, draws=400)
    error = 1.5 * np.sqrt(together * (1 - together) / 400)
    assert abs(found - (together / 2 + 2 * (1 - together))) < 4 * error
    assert cluster_diversity(rows[:1], 2.0, np.random.default_rng(0)) == 1


def test_vendi_counts_what_is_different():
    groups = block_diag(np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2)))
    for kernel, expected in ((np.eye(5), 5), (np.ones((5, 5)), 1), (groups, 3)):
        np.testing.assert_allclose(vendi_score(kernel), expected, rtol=1e-9)


def test_vendi_is_the_exponential_of_an_entropy():
    x = np.random.default_rng(0).normal(size=(12, 3))
    kernel = np.exp(-0.5 * np.square(x[:, None] - x).sum(-1))
    shares = eigh(kernel / 12, eigvals_only=True)
    np.testing.assert_allclose(vendi_score(kernel), np.prod(shares**-shares), rtol=1e-8)
