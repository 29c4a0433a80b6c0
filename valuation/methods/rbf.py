"""Fits with a Gaussian kernel on the problem's features (theory/README.md, 3.4).

A contributor of more than inducing.EXACT examples is fitted by inducing points, which the problem's key draws: O(n)
time, its inputs are read in blocks and may lie on disk, and memory is that of inducing.memory_bytes, 1.1 GB at 784
features, beside 16 n c bytes for targets. Up to EXACT the fit is exact, with 24 n^2 bytes.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from valuation.at_initialisation import contributor_targets, validation_targets
from valuation.closed_form import predictions, relative_margins, ridge_coefficients, utilities
from valuation.feature_space import contributor_source, median_squared_distance, raw_validation_features
from valuation.inducing import EXACT, gaussian, kernel_ridge
from valuation.kernel_sums import gaussian_kernels
from valuation.margins import margins
from valuation.problem import Contributor, Problem, once
from valuation.purposes import Purpose, purpose_key
from valuation.workers import progress_over


def rbf_utility(problem: Problem, *, ridge: float = 0.01, bandwidth: float = 0.5) -> Float[np.ndarray, " C"]:
    """Utility on the validation set of ridge regression with k = exp(-||x - x'||^2 / (2 s2)) on the features.

    ridge: lambda = ridge * mean diagonal. bandwidth: s2 over the median squared distance between validation examples.
    In units of the objective's utility; of classes the predicted accuracy. Uses validation targets, trains nothing.
    """
    return utilities(problem, lambda c: rbf_predictions(problem, c, ridge, bandwidth))


def rbf_wide(problem: Problem, *, ridge: float = 0.01, bandwidth: float = 4.0) -> Float[np.ndarray, " C"]:
    """rbf_utility with a kernel so wide that it is nearly linear: for numbers, whose noise a narrow one would learn."""
    return rbf_utility(problem, ridge=ridge, bandwidth=bandwidth)


def rbf_margin(
    problem: Problem, *, ridge: float = 0.01, bandwidth: float = 0.5, smoothing: float = 0.2
) -> Float[np.ndarray, " C"]:
    """Smoothed accuracy of the predictions of rbf_utility: an order, not a predicted accuracy.

    Every validation example counts by its margin, so that the order hangs less on a few examples near a boundary.
    smoothing: the margin, a difference of predicted probabilities, over which an example goes from wrong to right.
    """
    targets = validation_targets(problem)
    return np.array(
        [margin_utility(rbf_predictions(problem, c, ridge, bandwidth), targets, smoothing)
         for c in problem.contributors]
    )  # fmt: skip


def rbf_relative(
    problem: Problem, *, ridge: float = 0.01, bandwidth: float = 1.0, smoothing: float = 0.5
) -> Float[np.ndarray, " C"]:
    """Margins relative to their own root mean square (margins.relative_margin), of the predictions of rbf_utility.

    An order, not a predicted accuracy: from 0 to 1, free of the scale of predictions, .5 where they know nothing.
    smoothing: the margin in root mean squares over which an example goes from wrong to right.
    """
    return relative_margins(problem, lambda c: rbf_predictions(problem, c, ridge, bandwidth), smoothing=smoothing)


def rbf_predictions(
    problem: Problem, contributor: Contributor, ridge: float, bandwidth: float
) -> Float[np.ndarray, "m c"]:
    """What the fit on the contributor predicts for the validation set; computed once a problem."""
    depends = (problem.model, problem.initial, problem.features, problem.pool, contributor, problem.validation,
               problem.objective, problem.key)  # fmt: skip

    def make():
        if len(contributor.index) > EXACT:
            return _by_inducing_points(problem, contributor, bandwidth * median_squared_distance(problem), ridge)
        kernels = gaussian_kernels(problem, contributor, bandwidth)
        return predictions(problem, contributor, kernels, lambda kernel: ridge_coefficients(kernel, ridge))

    return once(problem, "rbf predictions", depends, make, options=(ridge, bandwidth))


def _by_inducing_points(problem: Problem, contributor: Contributor, s2: float, ridge: float):
    targets = contributor_targets(problem, contributor)
    centre = problem.objective.centre(targets)
    data, v = contributor_source(problem, contributor, targets - centre), raw_validation_features(problem)
    key = purpose_key(problem.key, Purpose.INDUCING)
    progress = progress_over(data.count)
    return centre + kernel_ridge(data, v, gaussian(s2), key=key, ridge=ridge, progress=progress)


def margin_utility(predictions: Float[np.ndarray, "m c"], targets: Float[np.ndarray, "m c"], smoothing: float) -> float:
    """Mean of Phi(m / smoothing), m the margins (margins.margins); accuracy, ties one half, as smoothing goes to 0.

    targets: rows of zeros with a one at the class.
    """
    return float(ndtr(margins(predictions, targets.argmax(1)) / smoothing).mean())
