"""A linear fit on the problem's features (theory/README.md, 3.4)."""

import numpy as np
from jaxtyping import Float

from valuation.closed_form import predictions, ridge_coefficients, utilities
from valuation.feature_space import contributor_features, validation_features
from valuation.problem import Contributor, Problem


def linear_utility(problem: Problem, *, ridge: float = 0.01) -> Float[np.ndarray, " C"]:
    """Utility on the validation set of linear ridge regression with an intercept on the features.

    ridge: lambda = ridge * mean diagonal of the kernel x'x + 1.
    In units of the objective's utility; of classes the predicted accuracy. Uses validation targets, trains nothing.
    """
    v = validation_features(problem)

    def predicted(contributor: Contributor) -> Float[np.ndarray, "m c"]:
        x = contributor_features(problem, contributor)
        kernels = x @ x.T + 1, v @ x.T + 1
        return predictions(problem, contributor, kernels, lambda kernel: ridge_coefficients(kernel, ridge))

    return utilities(problem, predicted)
