"""Sentiment of film reviews: real ones, others' and a language model's, and real ones without their rare words."""

from collections import Counter
from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from configs.common import one_of
from experiments.data import reviews, splits
from experiments.data.archives import data_folder
from experiments.data.reviews import Reviews
from experiments.data.vocabulary import UNKNOWN, decode, encode, frequent, packed, rarity, vocabulary
from experiments.runtime.rng import generator
from experiments.synthetic import corpus
from experiments.tasks.frozen_features import on_states, smollm2_states
from experiments.tasks.mixture import GENERATED
from experiments.tasks.task import Task, check_enough, classified, other_labels
from experiments.training import train
from models.encoder import encoder, weighted_words
from models.losses import cross_entropy
from models.mlp import mlp
from valuation.objective import Classification
from valuation.problem import Examples

RUN = 13  # words in a row that two texts share only if one was copied
CLASSES = 2
DATASETS = {
    "imdb_half": "IMDb train half (25,000 film reviews, here split anew)",
    "imdb": "IMDb",
    "templates": "made in memory",
}
SOURCES = {"rotten_tomatoes": "Rotten Tomatoes", "fingpt": "FinGPT sentiment"}
FOLDER = "fingpt-sentiment-train"  # under the data folder; a copy from the Hugging Face hub
ROWS = 256  # texts a compilation of the features serves


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The sentiment task of configs/sentiment.py."""
    one_of("dataset", config.dataset, tuple(DATASETS))
    one_of("features", config.features, ("words", "smollm2"))
    one_of("model", config.model, ("encoder", "frozen"))
    real, others = read(config, data_dir)
    parts = split(real, config.split)
    learn = real.take(parts.train)
    words = vocabulary(learn.texts, config.vocabulary)
    numbered = partial(encode, words, length=config.length)
    (learn, cut), (validation, _), (test, _) = (examples(real.take(rows), numbered) for rows in parts[:3])
    offered = learn.take(np.arange(config.pool or len(learn.inputs)))
    weights = rarity(learn.inputs, words.get_vocab_size())
    model, recipe = learner(partial(encoder, weights, (*config.widths, CLASSES)), config.training)
    mechanisms, strengths, facts = synthetic(config, others, numbered, (validation, test))
    notes = {
        "dataset": DATASETS[config.dataset],
        "duplicates dropped": len(parts.dropped),
        "train / validation / test": f"{len(offered.inputs)} / {len(validation.inputs)} / {len(test.inputs)}",
        "vocabulary": f"{len(weights):,} words, which miss {_unknown(learn.inputs):.1%} of those of the train pool",
        f"train texts cut at {config.length} words": cut,
    }
    task = Task(
        train=offered,
        validation=validation,
        test=test,
        groups=offered.targets,
        objective=Classification(CLASSES),
        mechanisms=mechanisms,
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
    if config.features == "words" and config.model == "encoder":
        return task
    states = smollm2_states(config, task.sample, validation.inputs, data_dir)
    if config.model == "encoder":
        return task._replace(features=states)
    width = states(validation.inputs[:1]).shape[1]
    return on_states(task, states, *learner(partial(mlp, (width, CLASSES)), config.training))


def read(config, data_dir: str | None) -> tuple[Reviews, dict[str, Reviews]]:
    """(the real reviews of config.dataset, the other data sets that a contributor may take its texts from, by name)."""
    names = [name for name in SOURCES if name in wanted(config)]
    if config.dataset == "templates":
        return templates(config.examples, 0), {name: templates(200, 1, film="show") for name in names}
    found = {}
    if config.dataset == "imdb_half" or "rotten_tomatoes" in names:
        every, source = reviews.read(data_dir)
        found = {name: every.take(np.flatnonzero(source == name)) for name in ("imdb", "rotten_tomatoes")}
    if "fingpt" in names:
        found["fingpt"] = reviews.sentences(config.folder or data_folder(data_dir) / FOLDER, data_dir)
    real = found["imdb"] if config.dataset == "imdb_half" else reviews.imdb(data_dir)
    return real, {name: found[name] for name in names}


def synthetic(config, others: dict[str, Reviews], numbered, held_out: tuple[Examples, Examples]):
    """(mechanisms, strengths, facts about their texts) of those mechanisms that this config asks for."""
    mechanisms, strengths, facts = {"vocabulary": truncated}, {"vocabulary": tuple(config.kept_words)}, {}

    def fact(rows: Examples, cut: int) -> str:
        shared = [splits.ngram_overlap(rows.inputs, other.inputs, length=RUN) for other in held_out]
        return f"{cut} cut; {shared[0]} and {shared[1]} share {RUN} words in a row with validation and test"

    for name, source in others.items():
        rows, cut = examples(source, numbered)
        mechanisms[name], strengths[name] = (
            partial(borrowed, name, rows, config.contributors.repeat),
            tuple(config.joined),
        )
        facts[SOURCES[name]] = f"{len(rows.inputs)} texts; {fact(rows, cut)}"
    if GENERATED in wanted(config):
        records = invented(100) if config.dataset == "templates" else corpus.read("review")
        rows, cut = examples(_reviews(records), numbered)
        mass = np.array([record["top_p"] for record in records])
        mechanisms[GENERATED], strengths[GENERATED] = (
            partial(written, rows, mass, config.contributors.repeat),
            tuple(np.unique(mass).tolist()),
        )
        settings = Counter((record["top_p"], record["temperature"]) for record in records)
        counts = ", ".join(f"{n} at top-p {p:g}, temperature {t:g}" for (p, t), n in sorted(settings.items()))
        facts["written by a language model"] = f"{counts}; {fact(rows, cut)}"
        facts["contamination"] = "whether SmolLM2 has seen the real reviews is not known"
    return mechanisms, strengths, facts


def wanted(config) -> set[str]:
    """Names of all mechanisms that a contributor of this config may have."""
    explicit = {spec.get("mechanism", "") for spec in config.contributors.explicit}
    return explicit if config.contributors.explicit else set(config.contributors.axes.mechanism)


def split(real: Reviews, sizes) -> splits.Split:
    """By content; a test set of the data's own stays whole, less what it shares with the rest."""
    contents = [text.encode() for text in real.texts]
    if real.tested is None:
        return splits.by_content(contents, validation=sizes.validation, test=sizes.test)
    return splits.beside_test(contents, real.tested, validation=sizes.validation)


def examples(texts: Reviews, numbered) -> tuple[Examples, int]:
    """(the texts as word numbers with their labels, how many had to be cut)."""
    rows, cut = numbered(texts.texts)
    return Examples(rows, texts.labels.astype(np.int32)), cut


def learner(build, training):
    """(Model, Recipe) of key -> Model, trained by Adam on the cross-entropy."""
    model = build(jax.random.key(0))

    def loss(params, frozen, examples: Examples, key):
        return cross_entropy(model.apply(params, frozen, examples.inputs), examples.targets)

    return model, train.adam(loss, lambda key: build(key).params, model.frozen, training)


def word_features(weights: np.ndarray, inputs) -> np.ndarray:
    """What the encoder's first layer sees: log counts times rarity, of length 1, (n, v) float32."""
    padded = np.pad(inputs, [(0, -len(inputs) % ROWS), (0, 0)])
    parts = [_weighted(padded[i : i + ROWS], weights) for i in range(0, len(padded), ROWS)]
    return np.concatenate([np.asarray(part) for part in parts])[: len(inputs)]


_weighted = jax.jit(weighted_words)


def truncated(examples: Examples, kept: int, key: jax.Array) -> Examples:
    """The examples without all words but the `kept` most frequent ones: a tail cut off on purpose."""
    if kept < 1:
        raise ValueError(f"a truncated vocabulary keeps at least 1 word, got {kept}")
    return examples._replace(inputs=frequent(examples.inputs, int(kept)))


def borrowed(name: str, source: Examples, repeat: bool, examples: Examples, joined: int, key: jax.Array) -> Examples:
    """As many texts of another data set with the same labels, each of `joined` of its texts one behind the other."""
    if joined < 1:
        raise ValueError(f"{name}: at least 1 text stands for a review, got {joined}")
    rows = _of_label(name, source, np.repeat(examples.targets, int(joined)), repeat, generator(key))
    length = source.inputs.shape[1]
    return examples._replace(inputs=packed(source.inputs[rows].reshape(len(examples.targets), -1), length))


def written(
    source: Examples, mass: np.ndarray, repeat: bool, examples: Examples, top_p: float, key: jax.Array
) -> Examples:
    """As many generated reviews with the same labels, sampled at that top-p; there are few, so they may repeat."""
    chosen = np.isclose(mass, top_p)
    if not chosen.any():
        known = ", ".join(f"{p:g}" for p in np.unique(mass))
        raise ValueError(f"no generated review was sampled at top-p {top_p:g}, known: {known}")
    some = source.take(chosen)
    return examples._replace(inputs=some.inputs[_of_label(GENERATED, some, examples.targets, repeat, generator(key))])


def _of_label(name: str, source: Examples, labels: np.ndarray, repeat: bool, rng: np.random.Generator) -> np.ndarray:
    """Rows of the source with those labels; one is repeated only if there are too few."""
    rows = np.empty(len(labels), int)
    for label in np.unique(labels):
        places, own = labels == label, np.flatnonzero(source.targets == label)
        if not len(own):
            raise ValueError(f"{name} has no text with label {label}")
        check_enough(f"{name} (label {label})", len(own), int(places.sum()), repeat)
        rows[places] = np.resize(rng.permutation(own), places.sum())
    return rows


def _unknown(rows: np.ndarray) -> float:
    return float(np.sum(rows == UNKNOWN) / max(np.sum(rows > 0), 1))


def _reviews(records: list[dict]) -> Reviews:
    return Reviews([record["text"] for record in records], np.array([record["label"] for record in records], np.int32))


GOOD = ("fine", "bright", "moving", "witty", "tender", "bold", "lively", "graceful", "superb", "charming")
BAD = ("dull", "clumsy", "noisy", "flat", "silly", "tired", "empty", "murky", "awful", "lifeless")
PARTS = ("plot", "cast", "music", "ending", "script", "acting", "pace", "humour", "dialogue", "camera")


def templates(count: int, seed: int, *, film: str = "film", known: int = 10) -> Reviews:
    """Reviews made in memory of a vocabulary of our own, with so many words of praise and of blame."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2

    def sentence(label: int) -> str:
        kind = GOOD if (rng.random() < 0.9) == label else BAD  # one sentence in ten says the opposite
        return f"the {rng.choice(PARTS)} of the {film} is {kind[int(rng.integers(known))]}"

    return Reviews([". ".join(sentence(label) for _ in range(rng.integers(2, 6))) for label in labels], labels)


def invented(count: int) -> list[dict]:
    """Records like those of a language model, which knows the fewer words the more is cut: `count` at each top-p."""
    parts = {mass: templates(count, 2, known=known) for mass, known in ((0.8, 2), (0.95, 5))}
    return [
        {"text": text, "label": int(label), "temperature": 1.0, "top_p": mass}
        for mass, part in parts.items()
        for text, label in zip(part.texts, part.labels, strict=True)
    ]
