"""Where the texts of the sentiment task come from: real reviews, other data sets, a language model."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from configs.common import one_of
from experiments.data import reviews, splits
from experiments.data.reviews import Reviews
from experiments.synthetic import corpus, review_templates
from experiments.synthetic.mechanism import GENERATED, Mechanism
from experiments.synthetic.review_texts import borrowed, truncated, written
from valuation.problem import Examples

RUN = 13  # words in a row that two texts share only if one was copied
DATASETS = {
    "imdb_half": "IMDb train half (25,000 film reviews, here split anew)",
    "imdb": "IMDb",
    "templates": "made in memory",
}
SOURCES = {"rotten_tomatoes": "Rotten Tomatoes", "fingpt": "FinGPT sentiment"}


def read(config, data_dir: str | None) -> tuple[Reviews, dict[str, Reviews]]:
    """(the real reviews of config.dataset, the other data sets that a contributor may take its texts from, by name).

    data_dir: as in archives.data_folder. Raises ValueError for an unknown data set and for data that cannot be read.
    """
    one_of("dataset", config.dataset, tuple(DATASETS))
    names = [name for name in SOURCES if name in wanted(config)]
    if config.dataset == "templates":
        made = review_templates.templates
        return made(config.examples, 0), {name: made(200, 1, film="show") for name in names}
    parts = {}
    if config.dataset == "imdb_half" or "rotten_tomatoes" in names:
        every, source = reviews.read_archive(config, data_dir)
        parts = {name: every.take(np.flatnonzero(source == name)) for name in ("imdb", "rotten_tomatoes")}
    if "fingpt" in names:
        parts["fingpt"] = reviews.read_sentences(config, data_dir)
    real = parts["imdb"] if config.dataset == "imdb_half" else reviews.read_imdb(config, data_dir)
    return real, {name: parts[name] for name in names}


def wanted(config) -> set[str]:
    """Names of all mechanisms that a contributor of this config may have."""
    explicit = {spec.get("mechanism", "") for spec in config.contributors.explicit}
    return explicit if config.contributors.explicit else set(config.contributors.axes.mechanism)


def mechanisms(
    config, others: dict[str, Reviews], numbered: Callable, held_out: tuple[Examples, Examples]
) -> tuple[dict[str, Mechanism], dict[str, tuple[float, ...]], dict[str, Any]]:
    """(mechanisms, strengths, facts about their texts) of those mechanisms that this config asks for.

    others: reviews of other sources by name. numbered: texts -> (rows of words, how many were cut). held_out:
    validation and test examples, with which the facts say what the texts share.
    """
    made: dict[str, Mechanism] = {"vocabulary": truncated}
    strengths, facts = {"vocabulary": tuple(config.kept_words)}, {}

    def fact(rows: Examples, cut: int) -> str:
        shared = [splits.ngram_overlap(rows.inputs, other.inputs, length=RUN) for other in held_out]
        return f"{cut} cut; {shared[0]} and {shared[1]} share {RUN} words in a row with validation and test"

    for name, source in others.items():
        rows, cut = examples(source, numbered)
        made[name] = partial(borrowed, name, rows, config.contributors.repeat)
        strengths[name] = tuple(config.joined)
        facts[SOURCES[name]] = f"{len(rows.inputs)} texts; {fact(rows, cut)}"
    if GENERATED in wanted(config):
        records = review_templates.invented(100) if config.dataset == "templates" else corpus.read("review")
        rows, cut = examples(_reviews(records), numbered)
        mass = np.array([record["top_p"] for record in records])
        made[GENERATED] = partial(written, rows, mass, config.contributors.repeat)
        strengths[GENERATED] = tuple(np.unique(mass).tolist())
        settings = Counter((record["top_p"], record["temperature"]) for record in records)
        counts = ", ".join(f"{n} at top-p {p:g}, temperature {t:g}" for (p, t), n in sorted(settings.items()))
        facts["written by a language model"] = f"{counts}; {fact(rows, cut)}"
        facts["contamination"] = "whether SmolLM2 has seen the real reviews is not known"
    return made, strengths, facts


def examples(texts: Reviews, numbered: Callable) -> tuple[Examples, int]:
    """(the texts as word numbers with their labels, how many had to be cut)."""
    rows, cut = numbered(texts.texts)
    return Examples(rows, texts.labels.astype(np.int32)), cut


def _reviews(records: list[dict]) -> Reviews:
    return Reviews([record["text"] for record in records], np.array([record["label"] for record in records], np.int32))
