"""Tangent kernels of sets of examples, exact or from sketched gradients (theory/README.md, 3.1 and 3.8).

An objective (objective/) takes one or the other: exact, where an example is small; sketched, where the gradients of a
validation set of sequences would not fit into memory.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from valuation.examples import Examples
from valuation.factors import shapes
from valuation.kernel import filled, gram
from valuation.precise import jit
from valuation.projection import hashes, sketch
from valuation.purposes import Purpose, purpose_key
from valuation.stream import features

FILLED = 64  # rows are filled up to a multiple of this, so that sets of like size share a compilation
SKETCH = 4096  # inner products are off by about 1/64 of the product of the lengths
_product = jit(jnp.matmul)  # NumPy's threads and XLA's would wait for each other


def exact_kernel(model, output: Callable, a: Examples, b: Examples | None = None) -> Float[np.ndarray, "n m"]:
    """<grad o(a), grad o(b)> over model.params of the scalar output o of each of n and m examples; b defaults to a."""
    if b is None:
        return gram(model, a.inputs, a.targets, output=output)
    return gram(model, a.inputs, a.targets, output=output, inputs_b=b.inputs, labels_b=b.targets)


def sketched_gradients(model, output: Callable, examples: Examples, key: jax.Array) -> Float[np.ndarray, "n r"]:
    """Gradients of each example's scalar output in r = SKETCH dimensions: their products estimate those of the whole
    gradients without bias.

    key: of the problem; the sketch is the same for all examples and all models of one shape.
    """
    state = hashes(shapes(model.params), purpose_key(key, Purpose.TANGENT), dimensions=SKETCH)
    rows = filled(examples, FILLED)
    return np.concatenate(list(features(model, output, rows, sketch, state)))[: len(examples.inputs)]


def row_products(a: Float[np.ndarray, "n r"], b: Float[np.ndarray, "m r"]) -> Float[np.ndarray, "n m"]:
    """a b', float32."""
    return np.asarray(_product(a, b.T))
