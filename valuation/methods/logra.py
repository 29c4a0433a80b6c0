"""LoGra (Choe et al., "What is Your Data Worth to GPT?", 2024): influence in low-rank projections, layer by layer.

    influence(i, j) = sum over layers of (P g_j)' (H + lambda I)^-1 (P g_i),   H = mean over training of P g (P g)',
    lambda = damping * tr(H) / dim H

Features are computed once, may be kept on disk, and are all that the scores need.
"""

from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.aggregate import by_contributor, purpose, trained, union_examples
from valuation.factors import shapes
from valuation.outputs import log_likelihood
from valuation.problem import Examples, Problem
from valuation.projection import sides, two_sided, widths
from valuation.stream import MEMORY, features

PROJECTION = 3  # purposes of a key
product = jax.jit(jnp.matmul)  # NumPy's threads and XLA's would wait for each other


def scores(
    train: Iterable[np.ndarray],
    query: Float[np.ndarray, "m r"],
    widths: list[int],
    *,
    damping: float = 0.1,
    normalise: bool = False,
) -> Float[np.ndarray, "n m"]:
    """The influence of every training example on every query, from projected gradients; higher = it helps more.

    train: chunks (b, r) of features that can be run through twice: a list, or shards on disk.
    widths: how many columns belong to each layer, as projection.widths gives them.
    damping: relative to the mean eigenvalue of a layer's H.
    normalise: divide by the square root of the training example's influence on itself.
    Raises ValueError for features of different widths, an empty set of queries and a damping that is not positive.
    """
    if not len(query):
        raise ValueError("the query set is empty: there is nothing to influence")
    if damping <= 0:
        raise ValueError(f"the damping must be positive, got {damping}")
    curvature, count = [np.zeros((width, width)) for width in widths], 0
    splits = np.cumsum(widths)[:-1]
    for chunk in train:
        _same_width(chunk, query, sum(widths))
        for layer, part in zip(curvature, np.split(chunk, splits, 1), strict=True):
            layer += np.asarray(product(part.T, part))
        count += len(chunk)
    factors = [_factor(layer / count, damping) for layer in curvature]
    toward = _solved(factors, query, splits)
    found = np.concatenate([np.asarray(product(chunk, toward.T)) for chunk in train])
    if normalise:
        own = np.concatenate([(chunk * _solved(factors, chunk, splits)).sum(1) for chunk in train])
        found /= np.sqrt(np.maximum(own, np.finfo(np.float32).tiny))[:, None]
    return found


def projected(model, output: Callable, examples: Examples, state: dict, *, memory: int = MEMORY, progress=None):
    """Chunk after chunk of the projected gradients (b, r), for `scores`; state: projection.sides of the parameters."""
    return features(model, output, examples, two_sided, state, memory=memory, progress=progress)


def logra(
    problem: Problem, *, rank: int = 64, damping: float = 0.1, reduction: str = "mean", memory: int = MEMORY
) -> Float[np.ndarray, " C"]:
    """The scores' mean over validation examples, `mean` or `sum` over a contributor's own; higher = more useful.

    Gradients of the training loss at the last checkpoint. Uses validation labels. ValueError without checkpoints.
    """
    model, _ = trained(problem)[-1]
    train, rows = union_examples(problem)
    state = sides(shapes(model.params), purpose(problem, PROJECTION), rank=rank)
    ours, theirs = (
        list(projected(model, log_likelihood, part, state, memory=memory)) for part in (train, problem.validation)
    )
    return by_contributor(scores(ours, np.concatenate(theirs), widths(state), damping=damping), rows, reduction)


def _same_width(chunk: np.ndarray, query: np.ndarray, width: int) -> None:
    if not chunk.shape[1] == query.shape[1] == width:
        raise ValueError(
            f"features do not match: {chunk.shape[1]} columns of training examples, {query.shape[1]} of queries, "
            f"{width} of the layers together"
        )


def _factor(curvature: np.ndarray, damping: float):
    shift = damping * np.trace(curvature) / len(curvature) or 1.0  # a layer without any gradient
    return scipy.linalg.cho_factor(curvature + shift * np.eye(len(curvature)), lower=True)


def _solved(factors, features: np.ndarray, splits) -> np.ndarray:
    parts = zip(factors, np.split(features, splits, 1), strict=True)
    return np.concatenate([scipy.linalg.cho_solve(f, part.T).T for f, part in parts], 1).astype(np.float32)
