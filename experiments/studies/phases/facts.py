"""Study (b): a network learns facts from real ones and from those of a generator trained on a finite sample."""

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from experiments.runtime.rng import generator
from experiments.studies.phases.curves import REAL, Curve, Study, curves
from experiments.synthetic.sampling import kept, measured_cutoff, sampled
from experiments.training.fit import fit
from experiments.training.recipe import Recipe, adam
from models.losses import cross_entropy
from models.recall import recall
from theory.knowledge import Accuracy, power_law, ranked_error
from valuation.problem import Examples

WORLD, SAMPLE, NETWORK, POOL = range(4)  # purposes of the study's key


def load(settings, data_dir, devices, seed: int) -> Study:
    """Entities of Zipf frequency, one attribute each; the network's table holds the first ranks.

    A rarer entity is drawn like any other, but has no vector: it is left out of training and counts as wrong. The
    generator is trained on `generator_sample` real draws: how often it names an entity by maximum likelihood (which is
    how often it saw it), which attribute by the same network. It is the same for all mechanisms and repeats.
    """
    key = jax.random.key(seed)
    real = power_law(settings.exponent, settings.entities)
    attributes = generator(jax.random.fold_in(key, WORLD)).integers(0, settings.attributes, settings.entities)
    recipe, answers = learner(settings)
    sample = real_draws(generator(jax.random.fold_in(key, SAMPLE)), settings.generator_sample, settings)
    (trained,) = fit(
        recipe, [facts(sample, attributes)], [jax.random.fold_in(key, NETWORK)], mesh=devices, title="generator"
    )
    claimed = answers(trained)
    known = np.bincount(sample, minlength=settings.entities) / len(sample)

    def synthetic(curve: Curve) -> np.ndarray:
        if curve.mechanism == REAL:
            return np.zeros_like(real)
        return sampled(known, curve.mechanism, curve.strength, generator(jax.random.fold_in(key, POOL)))

    def describe(curve: Curve) -> dict:
        if curve.mechanism == REAL:
            return {"exponent": settings.exponent}
        shown = synthetic(curve)
        return measured_cutoff(real, shown, curve.share)._asdict() | {
            "exponent": settings.exponent,
            "items": int((shown > 0).sum()),
            "wrong_facts": float(shown @ (claimed != attributes)),
        }

    def draw(key, n: int, share: float, shown: np.ndarray) -> Examples:
        rng = generator(key)
        n_real = rng.binomial(n, share)
        real_items = real_draws(rng, n_real, settings)
        made = np.repeat(np.arange(len(shown)), rng.multinomial(n - n_real, shown)) if n_real < n else real_items[:0]
        both = np.concatenate([real_items, made]).astype(np.int32)
        return Examples(both, np.concatenate([attributes[real_items], claimed[made]]).astype(np.int32))

    def measure(curve: Curve, keys: list, folder: Path | None) -> list[list[dict]]:
        shown = synthetic(curve)
        head = kept(real, shown, curve.share)
        starts = [jax.random.split(jax.random.fold_in(k, n)) for k in keys for n in settings.sizes]
        sizes = [n for _ in keys for n in settings.sizes]
        sets = [draw(k[0], n, curve.share, shown) for k, n in zip(starts, sizes, strict=True)]
        names = [f"{curve.mechanism} {curve.strength:g}, n = {n}" for n in sizes]
        fitted = fit(recipe, sets, [k[1] for k in starts], mesh=devices, names=names, title=names[0], checkpoint=folder)
        points = [
            point(n, curve.share, answers(p) != attributes, head, shown) for n, p in zip(sizes, fitted, strict=True)
        ]
        return [points[i : i + len(settings.sizes)] for i in range(0, len(points), len(settings.sizes))]

    def point(n: int, share: float, wrong: np.ndarray, head: np.ndarray, shown: np.ndarray) -> dict:
        beyond = 1 - real.sum()
        in_head = float(real[head] @ wrong[head])
        tail = float(real[~head] @ wrong[~head] + beyond)
        guess = Accuracy(unseen=1 / settings.attributes)
        law = ranked_error(real, n * (share * real + (1 - share) * shown), accuracy=guess) + beyond
        return {"n": int(n), "error": in_head + tail, "head": in_head, "tail": tail, "law": law}

    return Study(curves("facts", settings), describe, measure, {"entities": settings.entities})


def learner(settings, answerable: int | None = None) -> tuple[Recipe, Callable]:
    """(Recipe, params -> the attribute answered for every entity, one of the first `answerable`)."""

    def build(key):
        return recall(
            settings.entities, settings.attributes, key, embedding=settings.model.embedding, width=settings.model.width
        )

    model = build(jax.random.key(0))

    def loss(params, frozen, examples: Examples, key):
        return cross_entropy(model.apply(params, frozen, examples.inputs), examples.targets)

    recipe = adam(loss, lambda key: build(key).params, model.frozen, settings.training)
    everyone = np.arange(settings.entities, dtype=np.int32)
    answer = jax.jit(lambda params: model.apply(params, model.frozen, everyone)[:, :answerable].argmax(-1))
    return recipe, lambda params: np.asarray(answer(params))


def real_draws(rng: np.random.Generator, count: int, settings) -> np.ndarray:
    """Entity numbers from 0 of that many real draws, those beyond the table left out."""
    drawn = rng.zipf(settings.exponent, count) - 1
    return drawn[drawn < settings.entities]


def facts(entities: np.ndarray, attributes: np.ndarray) -> Examples:
    return Examples(entities.astype(np.int32), attributes[entities].astype(np.int32))
