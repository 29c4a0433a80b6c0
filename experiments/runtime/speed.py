"""How fast this machine computes, timed in a moment: for estimates that are told before work."""

import time

import numpy as np
import scipy.linalg

PRODUCT = 768  # rows of the matrices whose product is timed


def flops_a_second() -> float:
    """Operations a second of a product of two matrices in float64, the faster of two."""
    a, seconds = np.ones((PRODUCT, PRODUCT), order="F"), []
    for _ in range(2):
        begun = time.perf_counter()
        scipy.linalg.blas.dgemm(1.0, a, a)
        seconds.append(time.perf_counter() - begun)
    return 2.0 * PRODUCT**3 / min(seconds)
