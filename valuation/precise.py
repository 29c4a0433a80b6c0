"""jax.jit whose products of float32 numbers are those of float32, on every device.

Unless it is told otherwise, a GPU rounds the factors of such a product to 11 bits and a TPU to 8. A network learns as
well that way. Kernels that are solved with, and sums of gradients whose small differences order contributors, do not
bear it: on a GPU values came out in another order, and a kernel matrix had no Cholesky factor. Trainings stay as they
are.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax


def jit(function: Callable, **options: Any) -> Any:
    """jax.jit(function, **options) of which every product of float32 numbers keeps their 24 bits.

    Also those of functions that it calls, as a model's, and of their gradients.
    """

    @wraps(function)
    def precise(*args, **kwargs):
        with jax.default_matmul_precision("float32"):
            return function(*args, **kwargs)

    return jax.jit(precise, **options)
