import numpy as np
import pytest
import scipy.spatial.distance

from tests.problems import corners
from valuation.kernel_sums import gaussian_kernels, summed
from valuation.problem import contributor_examples


def test_each_kernel_counts_alike_whatever_its_unit():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2, 7, 4))
    inner, outer = zip(*((a[:5] @ a[:5].T, a[5:] @ a[:5].T) for a in rows), strict=True)
    scales = [np.mean(np.diag(k)) for k in inner]
    got = summed([(inner[0], outer[0]), (1e-6 * inner[1], 1e-6 * outer[1])])
    for side, parts in zip(got, (inner, outer), strict=True):
        np.testing.assert_allclose(side, parts[0] / scales[0] + parts[1] / scales[1], rtol=1e-12)
    nothing = np.zeros((5, 5)), np.zeros((2, 5))
    for side, alone in zip(summed([nothing, (inner[0], outer[0])]), (inner[0], outer[0]), strict=True):
        np.testing.assert_allclose(side, alone / scales[0], rtol=1e-12)


@pytest.mark.parametrize(("kernels", "found"), [([], "no kernel"), ([1, 2], r"\(1, 1\)")])
def test_what_cannot_be_summed_is_named(kernels, found):
    with pytest.raises(ValueError, match=f"kernels to sum need one shape, got .*{found}"):
        summed([(np.ones((k, k)), np.ones((3, k))) for k in kernels])


def test_gaussian_kernels_are_those_of_the_distances():
    problem = corners()
    x, v = contributor_examples(problem, problem.contributors[1]).inputs, problem.validation.inputs
    width = 2 * 0.7 * np.median(scipy.spatial.distance.pdist(v, "sqeuclidean"))
    for got, left in zip(gaussian_kernels(problem, problem.contributors[1], 0.7), (x, v), strict=True):
        expected = np.exp(-scipy.spatial.distance.cdist(left, x, "sqeuclidean") / width)
        np.testing.assert_allclose(got, expected, rtol=1e-4)
