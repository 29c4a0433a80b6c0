"""Study (d): next-word knowledge of real reviews, learned from them and from text sampled from a language model."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np

from configs.common import one_of
from experiments.data import reviews
from experiments.runtime.rng import generator
from experiments.studies.phases.curves import REAL, Curve, Study, curves
from experiments.studies.phases.facts import learner
from experiments.synthetic.ngrams import sample, trigrams
from experiments.synthetic.sampling import kept, measured_cutoff
from experiments.training.fit import fit
from valuation.problem import Examples

WORLD, PART, TEXT, POOL = range(4)  # purposes of the study's key


def load(settings, data_dir, devices, seed: int) -> Study:
    """Which word follows this one? Contexts are the most frequent words, Zipf by nature; the corpus is the world.

    Real draws are pairs of neighbouring words of the corpus. Synthetic ones are pairs of a text sampled from a trigram
    model with backoff that has counted `part` words of random reviews; "finite": from a pool of so many such pairs.
    Answers are the most frequent words; every other word is one class, which is never right.
    error: of the next words that can be got right from the word before, the share that the learner gets wrong,
    1 - sum_c P(c, answer(c)) / sum_c max_w P(c, w), P as in the whole corpus; 0 if it knows the likeliest each time.
    settings.learner: "network", or "counts", which answers the word that it saw most often behind this one.
    """
    one_of("dataset", settings.dataset, ("reviews", "invented"))
    one_of("learner", settings.learner, ("network", "counts"))
    key = jax.random.key(seed)
    if settings.dataset == "reviews":
        stream, types = reviews.words(reviews.read_texts(settings, data_dir))
    else:
        stream, types = invented(generator(jax.random.fold_in(key, WORLD)))
    pairs = neighbours(stream, settings)
    joint = counted(pairs, settings) / pairs.shape[1]
    real, named = joint.sum(1), joint[:, :-1]
    reachable = named.max(1).sum()
    part = excerpt(stream, settings.part, generator(jax.random.fold_in(key, PART)))
    learn = {"network": network, "counts": counts}[settings.learner](settings, devices)
    made: dict[Curve, np.ndarray] = {}

    def pool(curve: Curve) -> np.ndarray:
        """Pairs of neighbouring words of the synthetic text, (2, m)."""
        if curve not in made:
            model = trigrams(part, types, curve.mechanism, curve.strength)
            text = sample(model, settings.text, generator(jax.random.fold_in(key, TEXT)))
            successors = neighbours(text, settings)
            if curve.mechanism == "finite":
                rng = generator(jax.random.fold_in(key, POOL))
                successors = successors[:, rng.choice(successors.shape[1], int(curve.strength))]
            made[curve] = successors
        return made[curve]

    def shown(curve: Curve) -> np.ndarray:
        if curve.mechanism == REAL:
            return np.zeros_like(real)
        return np.bincount(pool(curve)[0], minlength=settings.entities) / pool(curve).shape[1]

    def describe(curve: Curve) -> dict:
        slope = {"exponent": steepness(real)}
        if curve.mechanism == REAL:
            return slope
        sampled, claimed = shown(curve), counted(pool(curve), settings)[:, :-1].argmax(1)
        head = kept(real, sampled, curve.share)
        wrong = named.max(1) - named[np.arange(len(named)), claimed]
        return (
            measured_cutoff(real, sampled, curve.share)._asdict()
            | slope
            | {
                "items": int((sampled > 0).sum()),
                "wrong_facts": float(wrong[head].sum() / reachable),  # what the head costs for ever
            }
        )

    def draw(rng: np.random.Generator, n: int, curve: Curve) -> np.ndarray:
        n_real = rng.binomial(n, curve.share)
        real_pairs = pairs[:, rng.integers(0, pairs.shape[1], n_real)]
        if n_real == n:
            return real_pairs
        return np.concatenate([real_pairs, pool(curve)[:, rng.integers(0, pool(curve).shape[1], n - n_real)]], axis=1)

    def measure(curve: Curve, keys: list, folder: Path | None) -> list[list[dict]]:
        head = kept(real, shown(curve), curve.share)
        drawn = ((jax.random.fold_in(key, n), partial(draw, n=n, curve=curve)) for key in keys for n in settings.sizes)
        sizes = [n for _ in keys for n in settings.sizes]
        points = [point(n, answer, head) for n, answer in zip(sizes, learn(drawn, folder), strict=True)]
        return [points[i : i + len(settings.sizes)] for i in range(0, len(points), len(settings.sizes))]

    def point(n: int, answer: np.ndarray, head: np.ndarray) -> dict:
        missed = (named.max(1) - named[np.arange(len(named)), answer]) / reachable
        in_head, tail = float(missed[head].sum()), float(missed[~head].sum())
        return {"n": int(n), "error": in_head + tail, "head": in_head, "tail": tail, "law": None}

    notes = {"words": int((stream >= 0).sum()), "types": int(types), "reachable accuracy": float(reachable)}
    return Study(curves(settings.name, settings), describe, measure, notes)


def network(settings, devices) -> Callable:
    """(key and draw of every training set, checkpoint folder) -> answers (contexts,) of a network trained on each."""
    recipe, answers = learner(settings, answerable=settings.attributes - 1)

    def learn(drawn, folder):
        starts, sets = [], []
        for key, draw in drawn:
            data, start = jax.random.split(key)
            first, second = draw(generator(data)).astype(np.int32)
            starts.append(start)
            sets.append(Examples(first, second))
        title = f"{len(sets)} trainings"
        return map(answers, fit(recipe, sets, starts, mesh=devices, title=title, checkpoint=folder))

    return learn


def counts(settings, devices) -> Callable:
    """The same for a learner that counts; behind a word it has not seen it expects the most frequent answer."""

    def answer(pairs: np.ndarray) -> np.ndarray:
        table = counted(pairs, settings)[:, :-1]
        return np.where(table.any(1), table.argmax(1), table.sum(0).argmax())

    return lambda drawn, folder: (answer(draw(generator(key))) for key, draw in drawn)


def counted(pairs: np.ndarray, settings) -> np.ndarray:
    """How often each answer follows each context, (contexts, answers)."""
    both = pairs[0] * settings.attributes + pairs[1]
    return np.bincount(both, minlength=settings.entities * settings.attributes).reshape(settings.entities, -1)


def neighbours(stream: np.ndarray, settings) -> np.ndarray:
    """(2, m): a word among the contexts and the answer class of the word behind it."""
    first, second = stream[:-1].astype(np.int64), stream[1:].astype(np.int64)
    inside = (first >= 0) & (second >= 0) & (first < settings.entities)
    return np.stack([first[inside], np.minimum(second[inside], settings.attributes - 1)])


def excerpt(stream: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """Whole texts in random order, cut behind `length` words."""
    texts = np.split(stream, np.flatnonzero(stream < 0) + 1)
    return np.concatenate([texts[i] for i in rng.permutation(len(texts))])[:length] if length < len(stream) else stream


def steepness(frequencies: np.ndarray) -> float:
    """Exponent of a power law through the frequencies, equal weight to each decade of ranks from 10 on."""
    ranks = np.unique(np.geomspace(min(10, len(frequencies) // 2), len(frequencies), 50).astype(int))
    return -float(np.polyfit(np.log(ranks), np.log(frequencies[ranks - 1]), 1)[0])


def invented(rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """A stream in memory: Zipf words, each half of the time followed by its own next word, texts of 50."""
    types = 300
    likely = rng.permutation(types)
    drawn = np.minimum(rng.zipf(1.3, 20_000) - 1, types - 1)
    followed = np.flatnonzero(rng.random(len(drawn) - 1) < 0.5)
    drawn[followed + 1] = likely[drawn[followed]] % 40
    rank = np.empty(types, int)
    rank[np.argsort(-np.bincount(drawn, minlength=types), kind="stable")] = np.arange(types)
    stream = rank[drawn]
    stream[50::50] = -1
    return stream.astype(np.int32), types
