"""Kernels of a closed-form fit, and their sum, in which each counts alike whatever its unit (theory/README.md, 3.4)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from valuation.feature_space import contributor_distances, median_squared_distance
from valuation.problem import Contributor, Problem

Kernels = tuple[np.ndarray, np.ndarray]  # (K(S, S) (n, n), K(validation, S) (m, n))


def summed(kernels: Sequence[Kernels]) -> tuple[Float[np.ndarray, "n n"], Float[np.ndarray, "m n"]]:
    """sum of K / (mean diagonal of K(S, S)), float64, as closed_form.predictions takes it: the mean diagonal is 1 each.

    kernels: one pair or more, of one contributor, such as at_initialisation.fitted_kernels and gaussian_kernels. A
    kernel whose diagonal is zero adds nothing. Raises ValueError for no kernel, and for shapes that differ.
    """
    pairs = [tuple(np.asarray(side, np.float64) for side in pair) for pair in kernels]
    shapes = {tuple(side.shape for side in pair) for pair in pairs}
    if len(shapes) != 1:
        raise ValueError(f"kernels to sum need one shape, got {sorted(shapes) or 'no kernel'}")
    scales = [np.trace(inner) / len(inner) for inner, _ in pairs]
    inner, outer = (
        sum((pair[side] / scale for pair, scale in zip(pairs, scales, strict=True) if scale > 0), np.zeros(shape))
        for side, shape in enumerate(shapes.pop())
    )
    return inner, outer


def gaussian_kernels(problem: Problem, contributor: Contributor, bandwidth: float) -> Kernels:
    """k = exp(-|x - x'|^2 / (2 s2)) on the problem's features, s2 = bandwidth * the median squared distance between
    validation examples.
    """
    s2 = bandwidth * median_squared_distance(problem)
    inner, outer = (np.exp(squared / (-2 * s2)) for squared in contributor_distances(problem, contributor))
    return inner, outer
