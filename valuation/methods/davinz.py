"""DAVINZ (Wu, Shu and Low, "DAVINZ: Data Valuation using Deep Neural Networks at Initialization", ICML 2022)."""

import numpy as np
from jaxtyping import Float

from valuation.discrepancy import distance_table
from valuation.methods.score import kernel_and_loss
from valuation.problem import Problem, flat_features


def davinz(problem: Problem, *, ridge: float = 1e-4, bandwidth: float | None = None) -> Float[np.ndarray, " C"]:
    """-kappa sqrt(y' Theta^-1 y / n) - MMD, kappa = mean MMD / mean kernel term; higher = better, no unit.

    Theta: true-class kernel at initialisation, mean over the problem's initialisations, with a ridge relative to its
    mean diagonal. MMD: biased, one Gaussian kernel exp(-||x - x'||^2 / bandwidth) on the problem's features, all
    examples of the contributor against validation inputs. Looks at no validation label and trains nothing.
    bandwidth: None takes the median squared distance between validation examples; the authors' code uses a fixed
        width, which saturates the kernel on raw pixels.
    """
    ahead = flat_features(problem, problem.validation.inputs)
    inner = distance_table(ahead, ahead)
    width = float(np.median(inner[np.triu_indices(len(inner), 1)])) if bandwidth is None else bandwidth
    mean_ahead = np.exp(-inner / width).mean()

    def mmd(contributor) -> float:
        own = flat_features(problem, problem.pool.inputs[contributor.index])
        mean_own = np.exp(-distance_table(own, own) / width).mean()
        mean_cross = np.exp(-distance_table(own, ahead) / width).mean()
        return float(np.sqrt(max(mean_own + mean_ahead - 2 * mean_cross, 0.0)))

    distances = np.array([mmd(contributor) for contributor in problem.contributors])
    kernels = np.array(
        [kernel_and_loss(problem, c, output="true_class", scaled=False, ridge=ridge)[0] for c in problem.contributors]
    )
    return -distances.mean() / kernels.mean() * kernels - distances
