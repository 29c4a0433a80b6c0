"""LoGra (Choe et al., "What is Your Data Worth to GPT?", 2024): influence in low-rank projections, layer by layer.

    influence(i, j) = sum over layers of (P g_j)' (H + lambda I)^-1 (P g_i),   H = mean over training of P g (P g)',
    lambda = damping * tr(H) / dim H

Features are computed once and are all that the scores need.
"""

from collections.abc import Callable, Iterable

import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.aggregate import by_contributor, trained, union_examples
from valuation.examples import Examples
from valuation.factors import shapes
from valuation.precise import jit
from valuation.problem import Problem
from valuation.projection import sides, two_sided, widths
from valuation.purposes import Purpose, purpose_key
from valuation.scale import mean_diagonal
from valuation.stream import MEMORY, features

product = jit(jnp.matmul)  # NumPy's threads and XLA's would wait for each other


def scores(
    train: Iterable[np.ndarray],
    query: Float[np.ndarray, "m r"],
    widths: list[int],
    *,
    damping: float = 0.1,
    normalise: bool = False,
) -> Float[np.ndarray, "n m"]:
    """The influence of every training example on every query, from projected gradients; higher = it helps more.

    train: chunks (b, r) of features that can be run through twice, such as a list.
    query: features of m queries.
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
    pairs = np.concatenate([np.asarray(product(chunk, toward.T)) for chunk in train])
    if normalise:
        on_itself = np.concatenate([(chunk * _solved(factors, chunk, splits)).sum(1) for chunk in train])
        pairs /= np.sqrt(np.maximum(on_itself, np.finfo(np.float32).tiny))[:, None]
    return pairs


def projected(model, output: Callable, examples: Examples, state: dict, *, memory: int = MEMORY, progress=None):
    """Chunk after chunk of the projected gradients (b, r), for `scores`.

    output: minus the loss, (outputs, examples) -> (n,), a module-level function. state: projection.sides of the shapes
    of the parameters. memory, progress: as in stream.features.
    """
    return features(model, output, examples, two_sided, state, memory=memory, progress=progress)


def logra(
    problem: Problem, *, rank: int = 64, damping: float = 0.1, reduction: str = "mean", memory: int = MEMORY
) -> Float[np.ndarray, " C"]:
    """The scores' mean over validation examples, reduced over a contributor's examples; higher = more useful.

    Gradients of the training loss at the last checkpoint. Uses validation targets. rank: of the projection of each side
    of a layer. damping: as in `scores`. reduction: as in aggregate.by_contributor. memory: bytes of a chunk of
    gradients. ValueError without checkpoints.
    """
    model, _ = trained(problem)[-1]
    train, group_rows = union_examples(problem)
    state = sides(shapes(model.params), purpose_key(problem.key, Purpose.LOGRA), rank=rank)
    train_features, query_features = (
        list(projected(model, problem.objective.minus_loss, part, state, memory=memory))
        for part in (train, problem.validation)
    )
    pairs = scores(train_features, np.concatenate(query_features), widths(state), damping=damping)
    return by_contributor(pairs, group_rows, reduction, problem.objective.weights(problem.validation))


def _same_width(chunk: np.ndarray, query: np.ndarray, width: int) -> None:
    if not chunk.shape[1] == query.shape[1] == width:
        raise ValueError(
            f"features do not match: {chunk.shape[1]} columns of training examples, {query.shape[1]} of queries, "
            f"{width} of the layers together"
        )


def _factor(curvature: np.ndarray, damping: float):
    shift = damping * mean_diagonal(curvature)
    return scipy.linalg.cho_factor(curvature + shift * np.eye(len(curvature)), lower=True)


def _solved(factors, features: np.ndarray, splits) -> np.ndarray:
    parts = zip(factors, np.split(features, splits, 1), strict=True)
    return np.concatenate([scipy.linalg.cho_solve(f, part.T).T for f, part in parts], 1).astype(np.float32)
