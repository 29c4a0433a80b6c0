"""Sentiment of film reviews: real, of another source, by a language model, or without their rare words."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from configs.common import one_of
from experiments.data import splits
from experiments.data.reviews import Reviews
from experiments.data.vocabulary import UNKNOWN, decode, encode, rarity, vocabulary
from experiments.tasks.frozen_features import smollm2_states
from experiments.tasks.sentiment_sources import DATASETS, RUN, examples, mechanisms, read
from experiments.tasks.task import Task, classified, other_labels
from experiments.tasks.task_on_states import on_states
from experiments.tasks.tf_idf import weighted_counts
from experiments.training.recipe import Recipe, adam
from models.encoder import encoder
from models.functional import Model
from models.losses import cross_entropy
from models.mlp import mlp
from valuation.objective import Classification
from valuation.problem import Examples

CLASSES = 2


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The task of configs/sentiment.py.

    data_dir: as in archives.data_folder. mesh: not used. Raises ValueError for an unknown data set, model or features,
    and for data that cannot be read or are too few.
    """
    one_of("config.features.name", config.features.name, ("words", "smollm2"))
    one_of("config.model.name", config.model.name, ("encoder", "frozen"))
    real, others = read(config, data_dir)
    parts = split(real, config.split)
    words = vocabulary(real.take(parts.train).texts, config.tokens.vocabulary)
    numbered = partial(encode, words, length=config.tokens.length)
    (learn, cut), (validation, _), (test, _) = (examples(real.take(rows), numbered) for rows in parts[:3])
    offered = learn.take(np.arange(config.pool or len(learn.inputs)))
    weights = rarity(learn.inputs, words.get_vocab_size())
    model, recipe = learner(partial(encoder, weights, (*config.model.widths, CLASSES)), config.training)
    made, strengths, facts = mechanisms(config, others, numbered, (validation, test))
    notes = {
        "dataset": DATASETS[config.dataset],
        "duplicates dropped": len(parts.dropped),
        "train / validation / test": f"{len(offered.inputs)} / {len(validation.inputs)} / {len(test.inputs)}",
        "vocabulary": f"{len(weights):,} words, which miss {_unknown(learn.inputs):.1%} of those of the train pool",
        f"train texts cut at {config.tokens.length} words": cut,
    }
    task = Task(
        train=offered,
        validation=validation,
        test=test,
        groups=offered.targets,
        objective=Classification(CLASSES),
        mechanisms=made,
        strengths=strengths,
        corrupt_labels=partial(other_labels, classes=CLASSES),
        model=model,
        recipe=recipe,
        learner="dense",
        features=partial(word_features, weights),
        measure=classified,
        metric="accuracy",
        count_near_duplicates=partial(splits.ngram_overlap, length=RUN),
        near_rule=f"{RUN} words in a row in common",
        notes=notes | facts,
        sample=partial(decode, words),
    )
    if config.features.name == "words" and config.model.name == "encoder":
        return task
    seen = config.features.layer, config.features.tokens or config.tokens.length
    states = smollm2_states(*seen, partial(decode, words), validation.inputs, data_dir)
    if config.model.name == "encoder":
        return task._replace(features=states)
    width = states(validation.inputs[:1]).shape[1]
    return on_states(task, states, *learner(partial(mlp, (width, CLASSES)), config.training))


def split(real: Reviews, sizes) -> splits.Split:
    """The reviews split by their texts, as splits.split does."""
    return splits.split([text.encode() for text in real.texts], real.tested, sizes)


def learner(build: Callable[[jax.Array], Model], training) -> tuple[Model, Recipe]:
    """The model that `build` makes of a key, and its training by Adam on the cross-entropy.

    training: the group `training` of a config.
    """
    model = build(jax.random.key(0))

    def loss(params, frozen, examples: Examples, key):
        return cross_entropy(model.apply(params, frozen, examples.inputs), examples.targets)

    return model, adam(loss, lambda key: build(key).params, model.frozen, training)


def word_features(weights: np.ndarray, inputs) -> np.ndarray:
    """What the encoder's first layer sees: log counts times rarity, of length 1, (n, v) float32."""
    return weighted_counts(inputs, weights, np.log1p).astype(np.float32).toarray()


def _unknown(rows: np.ndarray) -> float:
    return float(np.sum(rows == UNKNOWN) / max(np.sum(rows > 0), 1))
