"""Study (c): images of two-digit numbers of Zipf frequency, real ones and those of a generative model."""

from pathlib import Path

import jax
import numpy as np

from configs.common import one_of
from experiments.data import images, splits
from experiments.runtime.rng import generator
from experiments.studies.phases.curves import REAL, Curve, Study, curves
from experiments.synthetic.sampling import kept, measured_cutoff, sampled
from experiments.training.fit import fit
from experiments.training.recipe import adam
from models.cvae import cvae
from models.losses import cross_entropy
from models.mlp import mlp
from theory.knowledge import power_law
from valuation.problem import Examples

CLASSES = 100  # 00 to 99, two handwritten digits side by side
SIDE = 14  # pixels; MNIST's 28 halved
WORLD, SAMPLE, NETWORK, PICTURES, POOL = range(5)  # purposes of the study's key


def load(settings, data_dir, devices, seed: int) -> Study:
    """Each number has a frequency i^-exponent / zeta; its rank i was drawn once. Rarer ones than 100 count as wrong.

    A real image is two real training digits, so a class never runs out of examples; test images are made of test
    digits. "truncation": only the first classes, real digits. Other mechanisms: the generator has seen a finite sample
    of real images; classes by how often it saw them, then sampled; digits from a conditional autoencoder trained on it.
    """
    one_of("dataset", settings.dataset, images.DATASETS)
    key = jax.random.key(seed)
    real = power_law(settings.exponent, CLASSES)
    order = generator(jax.random.fold_in(key, WORLD)).permutation(CLASSES)  # rank -> number
    digits, labels, test, test_labels = digit_parts(settings, data_dir)
    rng = generator(jax.random.fold_in(key, SAMPLE))
    sample = rng.choice(CLASSES, settings.generator_sample, p=real / real.sum())
    known = np.bincount(sample, minlength=CLASSES) / len(sample)
    rows = compose(rng, order[sample], by_digit(labels)).reshape(-1)
    pictures, picture_labels = imagined(settings, digits[rows], labels[rows], key, devices)
    table = np.concatenate([digits, pictures])
    real_digits, made_digits = by_digit(labels), [len(digits) + made for made in by_digit(picture_labels)]
    recipe, accuracy = learner(settings, table, order, test, test_labels)

    def synthetic(curve: Curve) -> np.ndarray:
        if curve.mechanism == REAL:
            return np.zeros_like(real)
        source = real / real.sum() if curve.mechanism == "truncation" else known
        return sampled(source, curve.mechanism, curve.strength, generator(jax.random.fold_in(key, POOL)))

    def describe(curve: Curve) -> dict:
        if curve.mechanism == REAL:
            return {"exponent": settings.exponent}
        shown = synthetic(curve)
        cutoff = measured_cutoff(real, shown, curve.share)._asdict()
        return cutoff | {"exponent": settings.exponent, "items": int((shown > 0).sum())}

    def draw(key, n: int, curve: Curve, shown: np.ndarray) -> Examples:
        rng = generator(key)
        n_real = rng.binomial(n, curve.share)
        real_classes = rng.choice(CLASSES, n_real, p=real / real.sum())
        made = rng.choice(CLASSES, n - n_real, p=shown) if n_real < n else real_classes[:0]
        source = real_digits if curve.mechanism == "truncation" else made_digits
        inputs = np.concatenate([compose(rng, order[real_classes], real_digits), compose(rng, order[made], source)])
        return Examples(inputs.astype(np.int32), np.concatenate([real_classes, made]).astype(np.int32))

    def measure(curve: Curve, keys: list, folder: Path | None) -> list[list[dict]]:
        shown = synthetic(curve)
        head = kept(real, shown, curve.share)
        starts = [jax.random.split(jax.random.fold_in(k, n)) for k in keys for n in settings.sizes]
        sizes = [n for _ in keys for n in settings.sizes]
        sets = [draw(k[0], n, curve, shown) for k, n in zip(starts, sizes, strict=True)]
        fitted = fit(
            recipe, sets, [k[1] for k in starts], mesh=devices, title=f"{len(sets)} trainings", checkpoint=folder
        )
        points = [point(n, 1 - accuracy(params), head) for n, params in zip(sizes, fitted, strict=True)]
        return [points[i : i + len(settings.sizes)] for i in range(0, len(points), len(settings.sizes))]

    def point(n: int, wrong: np.ndarray, head: np.ndarray) -> dict:
        in_head, tail = float(real[head] @ wrong[head]), float(real[~head] @ wrong[~head] + 1 - real.sum())
        return {"n": int(n), "error": in_head + tail, "head": in_head, "tail": tail, "law": None}

    notes = {"training digits": len(digits), "test digits": len(test), "beyond the classes": float(1 - real.sum())}
    return Study(curves("numbers", settings), describe, measure, notes)


def digit_parts(settings, data_dir):
    """Train digits (n, 196) and labels, test digits and labels; split by content."""
    one_of("dataset", settings.dataset, ("mnist5k", "templates"))
    pixels, labels = images.read(settings, data_dir)[:2]
    parts = splits.by_content([image.tobytes() for image in pixels], validation=0, test=settings.split.test)
    small = pixels.reshape(-1, SIDE, 2, SIDE, 2).mean((2, 4)).reshape(-1, SIDE * SIDE).astype(np.float32) / 255
    return small[parts.train], labels[parts.train], small[parts.test], labels[parts.test]


def by_digit(labels: np.ndarray) -> list[np.ndarray]:
    """Rows of each digit. Raises ValueError for a digit without any."""
    groups = [np.flatnonzero(labels == digit) for digit in range(10)]
    if not all(map(len, groups)):
        raise ValueError(f"there is no image of digit {[len(rows) for rows in groups].index(0)}: take a larger sample")
    return groups


def compose(rng: np.random.Generator, numbers: np.ndarray, rows: list[np.ndarray]) -> np.ndarray:
    """Rows (n, 2) of a left and a right digit for each number."""
    counts = np.array([len(group) for group in rows])
    padded = np.stack([np.resize(group, counts.max()) for group in rows])
    both = np.stack(np.divmod(numbers, 10), axis=1).astype(int)
    return padded[both, rng.integers(0, counts[both])]


def imagined(settings, digits: np.ndarray, labels: np.ndarray, key, devices):
    """Digits (n, 196) and labels of the generative model: `pictures` of each of the ten."""
    by_digit(labels)
    model = cvae((SIDE, SIDE, 1), 10, width=settings.generator.width, latent=settings.generator.latent)
    recipe = adam(
        lambda params, frozen, examples, key: model.loss(params, examples.inputs, examples.targets, key),
        model.initialise,
        (),
        settings.generator,
    )
    seen = Examples(digits.reshape(-1, SIDE, SIDE, 1), labels.astype(np.int32))
    (params,) = fit(recipe, [seen], [jax.random.fold_in(key, NETWORK)], mesh=devices, title="generator")
    wanted = np.repeat(np.arange(10, dtype=np.int32), settings.generator.pictures)
    drawn = jax.jit(model.sample)(params, wanted, settings.generator.temperature, jax.random.fold_in(key, PICTURES))
    return np.asarray(drawn).reshape(len(wanted), -1), wanted


def learner(settings, table: np.ndarray, order: np.ndarray, test: np.ndarray, test_labels: np.ndarray):
    """(Recipe, params -> accuracy of every class). Inputs are rows of the digit table, so data sets stay small."""

    def build(key):
        return mlp((2 * SIDE * SIDE, *settings.model.widths, CLASSES), key)

    model = build(jax.random.key(0))

    def loss(params, frozen, examples: Examples, key):
        base, table = frozen
        return cross_entropy(
            model.apply(params, base, table[examples.inputs].reshape(-1, 2 * SIDE * SIDE)), examples.targets
        )

    recipe = adam(loss, lambda key: build(key).params, (model.frozen, table), settings.training)
    classes = np.repeat(np.arange(CLASSES), settings.test_images)
    rows = compose(np.random.default_rng(0), order[classes], by_digit(test_labels))
    pictures = test[rows].reshape(len(rows), -1)
    answer = jax.jit(lambda params: model.apply(params, model.frozen, pictures).argmax(-1))
    return recipe, lambda params: (np.asarray(answer(params)) == classes).reshape(CLASSES, -1).mean(1)
