"""A fit with the Gaussian kernel on features and the network's tangent kernel together (theory/README.md, 3.4)."""

import numpy as np
from jaxtyping import Float

from valuation.at_initialisation import fitted_kernels
from valuation.closed_form import predictions, relative_margins, ridge_coefficients
from valuation.kernel_sums import gaussian_kernels, summed
from valuation.problem import Contributor, Problem


def kernel_sum(
    problem: Problem, *, ridge: float = 0.01, bandwidth: float = 1.0, smoothing: float = 0.5
) -> Float[np.ndarray, " C"]:
    """Relative margins (margins.relative_margin) of ridge regression with the sum of both kernels, scaled alike.

    An order, not a predicted accuracy: from 0 to 1. ridge: lambda = ridge * mean diagonal of the sum. bandwidth: of the
    Gaussian kernel, as in rbf_relative. smoothing: the margin in root mean squares over which an example goes from
    wrong to right. Uses validation targets, trains nothing.
    """

    def predicted(contributor: Contributor) -> Float[np.ndarray, "m c"]:
        kernels = summed([gaussian_kernels(problem, contributor, bandwidth), fitted_kernels(problem, contributor)])
        return predictions(problem, contributor, kernels, lambda kernel: ridge_coefficients(kernel, ridge))

    return relative_margins(problem, predicted, smoothing=smoothing)
