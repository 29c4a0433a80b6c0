"""Score matrices of single examples by every method that has one: (n training examples, m queries), higher = helps."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from models.functional import Model
from valuation.factors import shapes
from valuation.fisher import fisher_examples
from valuation.kernel import likelihoods
from valuation.methods import ekfac, knn_shapley, logra, tracin, trak
from valuation.objective import Classification
from valuation.outputs import margin
from valuation.problem import Examples
from valuation.projection import hashes, sides, widths
from valuation.stream import MEMORY

RANK, DIMENSIONS, VECTORS, NEIGHBOURS = 64, 2048, 16_384, 5  # the methods' defaults


class Given(NamedTuple):
    """What a method is given: models after equal shares of one training on all examples, with its learning rate."""

    models: list[Model]
    rate: float
    train: Examples
    query: Examples
    classes: int
    key: jax.Array


Scorer = Callable[[Given], Float[np.ndarray, "n m"]]


def by_gradients(given: Given) -> Float[np.ndarray, "n m"]:
    """TracIn: inner products of gradients, summed over the checkpoints."""
    models = [(model, given.rate) for model in given.models]
    return tracin.scores(models, _minus_loss(given), given.train, given.query)


def by_logra(given: Given) -> Float[np.ndarray, "n m"]:
    """LoGra at the last checkpoint."""
    model, loss = given.models[-1], _minus_loss(given)
    state = sides(shapes(model.params), given.key, rank=RANK)
    made = [list(logra.projected(model, loss, one, state)) for one in (given.train, given.query)]
    return logra.scores(made[0], np.concatenate(made[1]), widths(state))


def by_trak(given: Given) -> Float[np.ndarray, "n m"]:
    """TRAK over the checkpoints, weighted by how unsure the models are of an example."""
    state, pairs, slack = hashes(shapes(given.models[0].params), given.key, dimensions=DIMENSIONS), [], []
    for model in given.models:
        train, query = (trak.sketched(model, margin, one, state) for one in (given.train, given.query))
        pairs.append(trak.scores(train, query))
        slack.append(-np.expm1(likelihoods(model, given.train)))
    return np.mean(pairs, 0) * np.mean(slack, 0)[:, None]


def by_ekfac(given: Given) -> Float[np.ndarray, "n m"]:
    """EK-FAC at the last checkpoint."""
    model, objective = given.models[-1], Classification(given.classes)
    fisher = fisher_examples(model, objective.outcomes, given.train, given.key, vectors=VECTORS)
    return ekfac.scores(model, objective.minus_loss, given.train, given.query, fisher, memory=MEMORY)


def by_knn(given: Given) -> Float[np.ndarray, "n m"]:
    """KNN-Shapley of every query alone, in the inputs; it looks at no model."""
    x, v = (one.inputs.reshape(len(one.inputs), -1) for one in (given.train, given.query))
    labels = np.asarray(given.query.targets)
    value = partial(knn_shapley.values, x, given.train.targets, k=NEIGHBOURS)
    return np.stack([value(v[i : i + 1], labels[i : i + 1]) for i in range(len(v))], 1)


def by_similarity(given: Given) -> Float[np.ndarray, "n m"]:
    """Cosine of the inputs, positive for the query's label and negative for another: the cheapest of all."""
    x, v = (one.inputs.reshape(len(one.inputs), -1) for one in (given.train, given.query))
    x, v = (side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12) for side in (x, v))
    same = np.asarray(given.train.targets)[:, None] == np.asarray(given.query.targets)
    return np.where(same, 1.0, -1.0) * (x @ v.T)


def by_chance(given: Given) -> Float[np.ndarray, "n m"]:
    """Drawn by the key."""
    return np.asarray(jax.random.normal(given.key, (len(given.train.inputs), len(given.query.inputs))))


SCORERS: dict[str, Scorer] = {
    "EK-FAC": by_ekfac,
    "LoGra": by_logra,
    "TRAK": by_trak,
    "TracIn": by_gradients,
    "KNN-Shapley": by_knn,
    "similarity": by_similarity,
    "random": by_chance,
}


def _minus_loss(given: Given) -> Callable:
    return Classification(given.classes).minus_loss
