"""Cosine between the mean gradients of a contributor and of the validation set, as in gradient alignment."""

import numpy as np
from jaxtyping import Float

from valuation.mean_gradients import gradient_products_of_sets
from valuation.problem import Problem


def gradient_cosine(problem: Problem) -> Float[np.ndarray, " C"]:
    """<g_c, g_V> / (|g_c| |g_V|), from -1 to 1, no unit; higher = a step on the contributor helps validation more.

    g: mean gradients of minus the loss at the last checkpoint (theory/README.md, 3.5). A contributor without gradient
    has 0. Uses validation targets. ValueError without checkpoints.
    """
    products = gradient_products_of_sets(problem)
    lengths = np.sqrt(products.diagonal())
    scale = lengths[:-1] * lengths[-1]
    return np.divide(products[:-1, -1], scale, out=np.zeros(len(scale)), where=scale > 0)
