"""How much worse the loss may be on the test distribution where labels of a part may be wrong (theory/README.md, 2.15).

The third valid choice for the discrepancies of theory/bound.py, and the one whose view of the labels is estimated.
Values are checked when they are concrete; under jit and vmap only shapes are.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from theory.arguments import require


class Transfer(NamedTuple):
    """Terms of an upper bound on L_T(f) - L_k(f), in units of the loss; `total` is the others' sum, but at most 1."""

    discrepancy: Float[Array, ""]
    disagreement: Float[Array, ""]
    reference: Float[Array, ""]
    estimation: Float[Array, ""]
    total: Float[Array, ""]


def reference_transfer(
    *,
    disagreements: Float[ArrayLike, "n"],
    reference_losses: Float[ArrayLike, "k"],
    discrepancy: Float[ArrayLike, ""],
    delta: Float[ArrayLike, ""],
) -> Transfer:
    """Bound on L_T(f) - L_k(f) for every f at once, which fails with probability at most delta (2.15).

        d_k + Lhat_k(h) + Lhat_T(h) + sqrt((1/n + 1/k) log(1/delta) / 2)

    of a loss in [0, 1] that is symmetric and obeys the triangle inequality: 0/1 loss, min(1, |a - b|). Pass `total` to
    mixture_bound as discrepancy_real or discrepancy_synthetic; this delta then comes on top of the bound's.

    disagreements: l(h(x), y) on the examples of a part, by a reference predictor h that has seen none of them.
    reference_losses: l(h(x), y) on validation examples that h was not fitted to.
    discrepancy: d_k >= E_T l(f, h) - E_k l(f, h) for all f in question; compares inputs alone, no labels.
    delta: chosen without the data.
    A part without examples has total 1, all that is known of it, and adds exactly 0 to mixture_bound, where its weight
    is 0. Raises ValueError for losses outside [0, 1], without validation examples, and for numbers out of range.
    """
    _require_losses("disagreements", disagreements)
    _require_losses("reference_losses", reference_losses)
    require("discrepancy", discrepancy, "be at least 0", lambda x: x >= 0)
    require("delta", delta, "lie strictly between 0 and 1", lambda x: (x > 0) & (x < 1))
    n, k = np.size(disagreements), np.size(reference_losses)
    if k == 0:
        raise ValueError("reference_losses is empty: keep validation examples that the reference is not fitted to")
    inputs = jnp.asarray(discrepancy)
    disagreement = jnp.sum(jnp.asarray(disagreements)) / max(n, 1)
    reference = jnp.mean(jnp.asarray(reference_losses))
    estimation = jnp.sqrt((1 / n + 1 / k if n else math.inf) * jnp.log(1 / delta) / 2)
    total = jnp.minimum(inputs + disagreement + reference + estimation, 1)
    return Transfer(inputs, disagreement, reference, estimation, total)


def _require_losses(name: str, losses) -> None:
    if np.ndim(losses) != 1:
        raise ValueError(f"{name} must be a vector, found shape {np.shape(losses)}")
    require(name, losses, "lie in [0, 1]", lambda x: (x >= 0) & (x <= 1))
