import numpy as np
import scipy.spatial.distance
from scipy.stats import norm

from tests.problems import corners
from valuation.at_initialisation import fitted_kernels
from valuation.methods.kernel_sum import kernel_sum
from valuation.problem import contributor_examples


def test_it_is_the_margin_of_ridge_regression_with_both_kernels():
    problem, which = corners(), 2
    contributor = problem.contributors[which]
    examples, v = contributor_examples(problem, contributor), problem.validation.inputs
    width = 2 * np.median(scipy.spatial.distance.pdist(v, "sqeuclidean"))
    tangent, gauss = (
        fitted_kernels(problem, contributor),
        [np.exp(-scipy.spatial.distance.cdist(side, examples.inputs, "sqeuclidean") / width)
         for side in (examples.inputs, v)],
    )  # fmt: skip
    scale = np.mean(np.diag(tangent[0]))
    inner, outer = (one + np.asarray(other, np.float64) / scale for one, other in zip(gauss, tangent, strict=True))
    y = np.eye(3)[examples.targets] - 1 / 3
    fit = outer @ np.linalg.solve(inner + 0.02 * np.eye(len(inner)), y)  # the mean diagonal of the sum is 2
    right = np.arange(3) == problem.validation.targets[:, None]
    margin = fit[right] - np.where(right, -np.inf, fit).max(1)
    expected = norm.cdf(margin / (0.5 * np.sqrt(np.mean(margin**2)))).mean()
    one = problem._replace(contributors=(contributor,))
    np.testing.assert_allclose(kernel_sum(one), [expected], rtol=1e-4)
