"""DAVINZ (Wu, Shu and Low, "DAVINZ: Data Valuation using Deep Neural Networks at Initialization", ICML 2022)."""

import numpy as np
from jaxtyping import Float

from valuation.discrepancy import distance_table
from valuation.feature_space import contributor_distances, median_squared_distance, validation_features
from valuation.methods.score_terms import kernel_terms
from valuation.problem import Contributor, Problem


def davinz(problem: Problem, *, ridge: float = 1e-4, bandwidth: float = 1.0) -> Float[np.ndarray, " C"]:
    """-kappa sqrt(y' Theta^-1 y / n) - MMD, kappa = mean MMD / mean kernel term; higher = better, no unit.

    Theta: kernel of the target's output at initialisation, mean over the problem's initialisations. MMD: biased, one
    Gaussian kernel exp(-||x - x'||^2 / width) on the problem's features, all examples of the contributor against
    validation inputs. Looks at no validation target and trains nothing.
    ridge: of Theta, relative to its mean diagonal.
    bandwidth: width over the median squared distance between validation examples; the authors' code uses a fixed
        width, which saturates the kernel on raw pixels.
    """
    v, width = validation_features(problem), bandwidth * median_squared_distance(problem)
    mean_validation = np.exp(-distance_table(v, v) / width).mean()

    def mmd(contributor: Contributor) -> float:
        distances = contributor_distances(problem, contributor)
        mean_contributor, mean_cross = (np.exp(squared / -width).mean() for squared in distances)
        return float(np.sqrt(max(mean_contributor + mean_validation - 2 * mean_cross, 0.0)))

    distances = np.array([mmd(contributor) for contributor in problem.contributors])
    kernels = np.array([kernel_terms(problem, c, output="target", ridge=ridge).kernel for c in problem.contributors])
    kappa = distances.mean() / kernels.mean() if kernels.any() else 0.0  # all >= 0: their mean is no rounding
    return -kappa * kernels - distances
