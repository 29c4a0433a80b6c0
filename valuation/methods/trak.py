"""TRAK (Park et al., "TRAK: Attributing Model Behavior at Scale", ICML 2023)."""

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.aggregate import by_contributor, trained, union_examples
from valuation.examples import Examples
from valuation.factors import shapes
from valuation.kernel import likelihoods
from valuation.outputs import margin
from valuation.precise import jit
from valuation.problem import Problem
from valuation.projection import Hashes, hashes, sketch
from valuation.purposes import Purpose, purpose_key
from valuation.scale import mean_diagonal
from valuation.stream import MEMORY, features

product = jit(jnp.matmul)  # NumPy's threads and XLA's would wait for each other


def one_example(problem: Problem, examples: int, options: Mapping[str, Any]) -> str:
    """Why there is nothing to hold against each other, "" if there is: Method.unfit of TRAK."""
    if not problem.contributors or examples > 1:
        return ""
    return (
        "trak holds the gradients of examples against each other, and there is 1 in all: expected at least 2; take "
        "gradient_cosine, which holds one against the validation set"
    )


def scores(
    train: Float[np.ndarray, "n r"], query: Float[np.ndarray, "m r"], *, damping: float = 0.1
) -> Float[np.ndarray, "n m"]:
    """Phi (Phi'Phi + lambda I)^-1 phi_query', of one model; lambda = damping * tr(Phi'Phi) / min(n, r).

    train, query: sketched gradients of n examples and m queries.
    The ranking depends on lambda more than on anything else, so it is relative and stated. With fewer examples than
    dimensions the n x n form (Phi Phi' + lambda I)^-1 Phi phi_query' is solved, which is the same.
    Raises ValueError for features of different widths, an empty set of queries and a damping that is not positive.
    """
    if train.shape[1] != query.shape[1]:
        raise ValueError(f"features do not match: {train.shape[1]} columns of training examples, {query.shape[1]} "
                         "of queries")  # fmt: skip
    if not len(query):
        raise ValueError("the query set is empty: there is nothing to attribute")
    if damping <= 0:
        raise ValueError(f"the damping must be positive, got {damping}")
    n, r = train.shape
    gram = np.array(product(train, train.T) if n <= r else product(train.T, train))
    shift = damping * mean_diagonal(gram)
    factor = scipy.linalg.cho_factor(gram + shift * np.eye(len(gram), dtype=gram.dtype), lower=True)
    if n <= r:
        return scipy.linalg.cho_solve(factor, np.asarray(product(train, query.T)))
    return np.asarray(product(train, scipy.linalg.cho_solve(factor, query.T)))


def sketched(
    model, output: Callable, examples: Examples, state: Hashes, *, memory: int = MEMORY, progress=None
) -> Float[np.ndarray, "n r"]:
    """The gradients of the output over all parameters in r dimensions.

    output: (outputs, examples) -> (n,), a module-level function, such as outputs.margin. state: projection.hashes of
    the shapes of the parameters. memory, progress: as in stream.features.
    """
    return np.concatenate(list(features(model, output, examples, sketch, state, memory=memory, progress=progress)))


def trak(
    problem: Problem, *, dimensions: int = 2048, damping: float = 0.1, reduction: str = "mean", memory: int = MEMORY
) -> Float[np.ndarray, " C"]:
    """(mean over checkpoints of the scores) * (mean of Q_i), Q = 1 - p of the training target; higher = more useful.

    The mean over validation examples, reduced over a contributor's examples. Uses validation targets; its authors
    average models trained independently, here they are checkpoints of one. dimensions: of the sketched gradients.
    damping: as in `scores`. reduction: as in aggregate.by_contributor. memory: bytes of a chunk of gradients.
    ValueError if there are no checkpoints.
    """
    train, group_rows = union_examples(problem)
    state = hashes(shapes(problem.model.params), purpose_key(problem.key, Purpose.TRAK), dimensions=dimensions)
    pairs, slack = [], []
    for model, _ in trained(problem):
        train_features, query_features = (
            sketched(model, margin, examples, state, memory=memory) for examples in (train, problem.validation)
        )
        pairs.append(scores(train_features, query_features, damping=damping))
        slack.append(-np.expm1(likelihoods(model, train)))
    scaled, weights = np.mean(pairs, 0) * np.mean(slack, 0)[:, None], problem.objective.weights(problem.validation)
    return by_contributor(scaled, group_rows, reduction, weights)
