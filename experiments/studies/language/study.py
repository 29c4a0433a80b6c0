"""What generation does to the tail of language: real reviews against text sampled in several ways.

Which ranks a sampler keeps (rank_study.py), whether a sharp cutoff is a fair model of it (theory/tail.py), and what
that does to the errors of a model by rank (rank_errors.py).
"""

import functools
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from configs.common import one_of
from experiments.data import reviews, splits
from experiments.runtime import mesh, study
from experiments.runtime.rng import generator
from experiments.runtime.study import Step
from experiments.studies.language import rank_errors, rank_study, report
from experiments.studies.language.rank_study import Source
from experiments.synthetic import corpus, language_model
from experiments.synthetic.sampling import sampled
from experiments.training.fit import fit

WORLD, BOOTSTRAP, PART, TRAIN, SPREAD = range(5)  # purposes of the key
UNCUT = (1.0, 1.0)  # temperature and top-p of what a model says when nothing is cut


class Corpus(NamedTuple):
    """Real texts, those kept apart, and generated ones by (kind, temperature, top-p)."""

    known: list[str]
    held_out: list[str]
    made: dict[tuple[str, float, float], list[str]]
    notes: dict


def run(config, workdir: str, data_dir: str | None) -> Path:
    """Does what config asks for and is not yet in workdir/results.jsonl, then writes the report; its path."""
    check(config)

    @functools.cache
    def loaded() -> Corpus:
        return load(config, data_dir, jax.random.key(config.seed))

    language = study.Study(
        name="language",
        config=config.to_dict(),
        steps=lambda lines: steps(config, loaded(), data_dir),
        write=report.write,
        notes=lambda: loaded().notes,
    )
    return study.run(language, workdir)


def steps(config, corpus: Corpus, data_dir: str | None) -> Iterator[Step]:
    """The tails of every source, the pretrained model's errors, and those of decoders trained on each source."""
    key = jax.random.key(config.seed)
    ranks = rank_study.ranking(corpus.known)
    real, sources = compared(config, corpus, ranks, generator(jax.random.fold_in(key, PART)))
    yield from tails(config, Source("real", None, None, real), sources, len(ranks), key)
    yield Step([{"kind": "error", "learner": "pretrained"}], lambda: [pretrained(config, corpus, data_dir, key)])
    yield Step(
        [{"kind": "errors of the decoder"}],
        lambda: decoders(config, corpus, ranks, sources, key),
        remake=({"kind": "error", "learner": "decoder"},),
    )


def check(config) -> None:
    """Raises ValueError for values that could only fail later."""
    one_of("dataset", config.dataset, ("imdb_half", "invented"))
    if config.repeats < 1 or config.bootstrap < 2:
        raise ValueError(f"repeats = {config.repeats}, bootstrap = {config.bootstrap}: expected at least 1 and 2")
    for name in ("pretrained", "decoder"):
        edges = tuple(config[name].edges)
        if not edges or edges[0] < 1 or any(a >= b for a, b in itertools.pairwise(edges)):
            raise ValueError(f"{name}.edges = {edges}: expected ranks that grow, from 1 on")


def load(config, data_dir: str | None, key: jax.Array) -> Corpus:
    """Reviews of IMDb, split by content, and the generated texts of this repository; or both made up in memory."""
    if config.dataset == "invented":
        return invented(config, generator(jax.random.fold_in(key, WORLD)))
    every, origin = reviews.read_archive(config, data_dir)
    texts = every.take(np.flatnonzero(origin == "imdb")).texts
    parts = splits.by_content(
        [text.encode() for text in texts], validation=config.split.validation, test=config.split.test
    )
    made: dict[tuple, list[str]] = {}
    for kind in ("continuation", "review"):
        for row in corpus.read(kind):
            made.setdefault((kind, row["temperature"], row["top_p"]), []).append(row["text"])
    notes = {"real texts that are known": len(parts.train), "duplicates dropped": len(parts.dropped)}
    return Corpus([texts[i] for i in parts.train], [texts[i] for i in parts.test], made, notes)


def invented(config, rng: np.random.Generator) -> Corpus:
    """Independent Zipf words; every sampler of config.generation.continuation cuts their distribution itself."""
    chances = np.arange(1.0, 401) ** -1.2
    chances /= chances.sum()

    def texts(p, count):
        return [" ".join(f"w{word}" for word in rng.choice(len(p), 25, p=p)) for _ in range(count)]

    made = {}
    for temperature, mass, _ in config.generation.continuation.settings:
        cut = sampled(sampled(chances, "temperature", temperature, rng), "top_p", mass, rng)
        made["continuation", temperature, mass] = texts(cut, 80)
    made["review", 0.7, 0.9] = texts(sampled(chances, "top_p", 0.9, rng), 80)
    return Corpus(texts(chances, 1000), texts(chances, 100), made, {})


def compared(config, corpus: Corpus, ranks: dict[str, int], rng: np.random.Generator):
    """(word ranks of the known real texts, sources of equally many words: held-out real text first, then each sample).

    A sample that has fewer words than config.words asks for is an error; with 0 the smallest sets the size.
    """
    drawn = [corpus.held_out[i] for i in rng.permutation(len(corpus.held_out))]
    every = [Source("real", None, None, rank_study.numbered(drawn, ranks))]
    every += [Source(*label, rank_study.numbered(texts, ranks)) for label, texts in corpus.made.items()]
    size = config.words or min(sum(map(len, source.texts)) for source in every)
    every = [source._replace(texts=rank_study.shortened(source.texts, size)) for source in every]
    return rank_study.numbered(corpus.known, ranks), every


def tails(config, known: Source, sources: list[Source], types: int, key: jax.Array) -> Iterator[Step]:
    """A step for every source: its tail, its Zipf laws, what was kept of real and of uncut text."""
    uncut = [s for s in sources if (s.name, s.temperature, s.top_p) == ("continuation", *UNCUT)]

    def lines(number: int, source: Source) -> list[dict]:
        rng = generator(jax.random.fold_in(jax.random.fold_in(key, BOOTSTRAP), number))
        kept = rank_study.retained(source, known, types, config.bootstrap, rng)
        if source.name == "continuation" and uncut and source is not uncut[0]:
            reference = uncut[0]._replace(name="uncut")
            kept += rank_study.retained(source, reference, types, config.bootstrap, rng)
        return kept + rank_study.describe(source, types, config.bootstrap, rng)

    for number, source in enumerate(sources):
        label = source.label()
        yield Step(
            [{"kind": "zipf", **label, "law": law} for law in rank_study.ZIPF_LAWS],
            functools.partial(lines, number, source),
            remake=tuple({"kind": kind, **label} for kind in ("retention", "verdict", "ratio", "tail", "zipf")),
        )


def pretrained(config, corpus: Corpus, data_dir: str | None, key: jax.Array) -> dict:
    """The "error" line of the pretrained model on held-out real text."""
    settings, begun = config.pretrained, time.perf_counter()
    language = language_model.load(settings.model.name, data_dir)
    start = language_model.encoded(language.pretrained, ())[0]
    chosen = corpus.held_out[: settings.texts]
    texts, facts = rank_errors.pretrained_errors(
        language.pretrained, chosen, corpus.known[: settings.known], settings, start
    )
    edges = tuple(settings.edges)
    spread = generator(jax.random.fold_in(key, SPREAD))
    errors = rank_errors.interval(texts, edges, config.bootstrap, spread)
    seconds = time.perf_counter() - begun
    label = {"kind": "error", "learner": "pretrained", "model": language.name, "model_sha256": language.sha256}
    return label | {"edges": edges, "facts": facts, "seconds": seconds} | {k: clean(v) for k, v in errors.items()}


def decoders(config, corpus: Corpus, ranks: dict[str, int], sources: list[Source], key: jax.Array) -> list[dict]:
    """An "error" line for every source and seed: a small decoder trained on it, measured on held-out real text.

    The real source is another excerpt of the known texts for each seed; a sample is the same for all of them.
    """
    settings, begun = config.decoder, time.perf_counter()
    size = sum(map(len, sources[0].texts))
    held = rank_errors.rows(
        rank_study.numbered(corpus.held_out, ranks), settings.tokens.vocabulary, settings.tokens.length
    ).take(np.arange(settings.held_out))  # fmt: skip
    plan, model = rank_errors.recipe(settings)
    sets, keys, labels = [], [], []
    for number, source in enumerate(sources):
        for seed in range(config.repeats):
            branch = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, TRAIN), number), seed)
            data, start = jax.random.split(branch)
            texts = source.texts
            if source.name == "real":
                order = generator(data).permutation(len(corpus.known))
                drawn = [corpus.known[i] for i in order[: size // 20 + 1]]
                texts = rank_study.shortened(rank_study.numbered(drawn, ranks), size)
            sets.append(rank_errors.rows(texts, settings.tokens.vocabulary, settings.tokens.length))
            keys.append(start)
            labels.append({**source.label(), "seed": seed, "words": size})
    short = min(len(examples.inputs) for examples in sets)
    sets = [examples.take(np.arange(short)) for examples in sets]
    trained = fit(plan, sets, keys, mesh=mesh.devices(), title="small decoders")
    edges, lines = tuple(settings.edges), []
    for params, label in zip(trained, labels, strict=True):
        errors = rank_errors.trained_errors(model, params, held, edges, settings.training.batch)
        lines.append(
            {"kind": "error", "learner": "decoder", **label, "edges": edges}
            | {name: clean(value) for name, value in errors._asdict().items()}
        )
    return [*lines, {"kind": "errors of the decoder", "rows": short, "seconds": time.perf_counter() - begun}]


def clean(values: np.ndarray) -> list:
    """The numbers with None for NaN, which JSON does not know."""
    if np.ndim(values) > 1:
        return [clean(row) for row in values]
    return [value if np.isfinite(value) else None for value in np.asarray(values).tolist()]
