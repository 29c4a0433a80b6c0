"""Image classification: real images, corrupted ones, and samples of a small generative model trained on them."""

import functools
import hashlib
import json
import os
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import tensorflow_datasets as tfds
from absl import logging
from jax.sharding import Mesh
from scipy.ndimage import gaussian_filter

from configs.common import one_of
from experiments.data import splits
from experiments.data.archives import data_folder, fetch
from experiments.data.builders.cifar10 import Cifar10Test
from experiments.data.builders.mnist5k import Mnist5k
from experiments.runtime.processes import one_at_a_time, true_everywhere
from experiments.runtime.rng import generator
from experiments.synthetic.corruptions import CORRUPTIONS
from experiments.tasks.task import Task, classified, other_labels
from experiments.training import train
from models.convnet import convnet
from models.cvae import cvae
from models.losses import cross_entropy
from models.mlp import mlp
from models.resnet import resnet
from valuation.objective import Classification
from valuation.problem import Examples

NEAR = 0.97  # cosine similarity of pixels; half a percent of the real training digits have such a partner held out
DATASETS = {
    "mnist5k": "MNIST-5k (5,000 MNIST digits)",
    "cifar10": "CIFAR-10 test subset (the 10,000 test images, here split anew)",
    "cifar100": "CIFAR-100",
    "templates": "made in memory",
}
MODELS = ("mlp", "convnet", "resnet")


class Images(NamedTuple):
    """A data set: images (n, h, w, c) uint8, labels (n,), number of classes, and which rows are its own test set."""

    images: np.ndarray
    labels: np.ndarray
    classes: int
    tested: np.ndarray | None = None


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The image task of configs/images.py. Raises ValueError for data that no model should be trained on."""
    one_of("dataset", config.dataset, tuple(DATASETS))
    one_of("model", config.model.name, MODELS)
    data = read(config, data_dir)
    check(data.images, data.labels, data.classes, config.dataset)
    parts = split(data, config.split)
    real = Examples(data.images.astype(np.float32) / 255, data.labels.astype(np.int32))
    learn, validation, test = (real.take(rows) for rows in parts[:3])
    generated = generate(config.generator, learn, data.classes, data_dir, mesh)
    model, recipe = learner(config, data.images.shape[1:], data.classes)
    return Task(
        train=learn,
        validation=validation,
        test=test,
        groups=learn.targets,
        objective=Classification(data.classes),
        mechanisms={name: partial(corrupted, kind) for name, kind in CORRUPTIONS.items()} | {"generated": generated},
        strengths=dict.fromkeys(CORRUPTIONS, (1, 2, 3, 4, 5)) | {"generated": (0.25, 0.5, 0.75, 1.0)},
        corrupt_labels=partial(other_labels, classes=data.classes),
        model=model,
        recipe=recipe,
        learner="dense" if config.model.name == "mlp" else "convolutional",
        features=lambda inputs: np.asarray(inputs).reshape(len(inputs), -1),
        measure=classified,
        metric="accuracy",
        thumbnail=lambda image: np.uint8(np.round(255 * image)).squeeze(),
        count_near_duplicates=partial(splits.near_overlap, similarity=NEAR),
        near_rule=f"cosine similarity of pixels of at least {NEAR}",
        notes={
            "dataset": DATASETS[config.dataset],
            "duplicates dropped": len(parts.dropped),
            "train / validation / test": f"{len(learn.inputs)} / {len(validation.inputs)} / {len(test.inputs)}",
        },
    )


def read(config, data_dir: str | None) -> Images:
    """The data set that config.dataset names."""
    if config.dataset == "templates":
        return Images(*templates(config.examples), 10)
    logging.set_verbosity(logging.ERROR)  # TFDS warns that PIL is slower than OpenCV
    tfds.disable_progress_bar()
    if config.dataset == "mnist5k":
        return Images(*prepared(Mnist5k, "mnist", "train", data_dir), 10)
    if config.dataset == "cifar10":
        return Images(*prepared(Cifar10Test, "bigbench", "test", data_dir), 10)
    folder = str(data_folder(data_dir) / "prepared")
    parts = [arrays(tfds.data_source("cifar100", split=name, data_dir=folder)) for name in ("train", "test")]
    images, labels = (np.concatenate(both) for both in zip(*parts, strict=True))
    return Images(images, labels, 100, np.arange(len(parts[0][0]), len(images)))


def prepared(builder_type, archive: str, part: str, data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    """(images, labels) of a builder over an archive, prepared at the first call."""
    folder = str(data_folder(data_dir) / "prepared")
    builder = builder_type(archive=fetch(archive, data_dir), data_dir=folder, file_format="array_record")
    with one_at_a_time():
        builder.download_and_prepare()
    return arrays(builder.as_data_source(split=part))


def arrays(source) -> tuple[np.ndarray, np.ndarray]:
    """(images (n, h, w, c) uint8, labels (n,)) of a random-access source."""
    rows = [source[row] for row in range(len(source))]
    return np.stack([row["image"] for row in rows]), np.array([row["label"] for row in rows])


def split(data: Images, sizes) -> splits.Split:
    """By content; a test set of the data's own stays whole, less what it shares with the rest."""
    contents = [image.tobytes() for image in data.images]
    if data.tested is None:
        return splits.by_content(contents, validation=sizes.validation, test=sizes.test)
    return splits.beside_test(contents, data.tested, validation=sizes.validation)


def templates(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of the same shape, made in memory: one smooth pattern a class, with noise."""
    rng = np.random.default_rng(0)
    patterns = gaussian_filter(rng.normal(size=(10, 28, 28, 1)), (0, 3, 3, 0))
    patterns /= np.abs(patterns).max((1, 2, 3), keepdims=True)
    labels = np.arange(count) % 10
    images = 0.5 + 0.3 * patterns[labels] + 0.15 * rng.normal(size=(count, 28, 28, 1))
    return np.uint8(np.round(255 * images.clip(0, 1))), labels


def check(images: np.ndarray, labels: np.ndarray, classes: int, name: str) -> None:
    """Raises ValueError, naming the first example, for pixels that are not finite or labels out of range."""
    bad = ~np.isfinite(images).reshape(len(images), -1).all(1)
    if bad.any():
        raise ValueError(
            f"{name}: image {int(bad.argmax())} holds NaN or infinite values, expected numbers in [0, 255]"
        )
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{name}: example {row} has label {labels[row]}, expected 0 to {classes - 1}")


def learner(config, shape: tuple[int, ...], classes: int):
    """(Model, Recipe) of config.model and config.training."""
    pixels, channels = int(np.prod(shape)), shape[-1]
    build = {
        "mlp": partial(mlp, (pixels, *config.model.widths, classes)),
        "convnet": partial(convnet, (channels, *config.model.channels), classes),
        "resnet": partial(resnet, channels, classes, stages=config.model.stages),
    }[config.model.name]
    model = build(jax.random.key(0))

    def loss(params, frozen, examples: Examples, key):
        return cross_entropy(model.apply(params, frozen, examples.inputs), examples.targets)

    return model, train.adam(loss, lambda key: build(key).params, model.frozen, config.training)


def corrupted(kind, examples: Examples, severity: int, key: jax.Array) -> Examples:
    if severity not in (1, 2, 3, 4, 5):
        raise ValueError(f"the severity of a corruption is 1, 2, 3, 4 or 5, got {severity}")
    return examples._replace(inputs=kind(examples.inputs, int(severity), generator(key)))


def generate(settings, learn: Examples, classes: int, data_dir: str | None, mesh: Mesh):
    """(examples, temperature, key) -> samples with those targets, of a generative model trained on the train pool.

    It is trained when it is first asked for; its parameters are kept in data_dir/generators under a name made of the
    settings and the training data.
    """
    model = cvae(learn.inputs.shape[1:], classes, width=settings.width, latent=settings.latent)
    digest = hashlib.sha256(json.dumps(settings.to_dict(), sort_keys=True).encode())
    digest.update(learn.inputs.tobytes() + learn.targets.tobytes())
    path = data_folder(data_dir) / "generators" / f"cvae-{digest.hexdigest()[:16]}.npz"
    recipe = train.adam(
        lambda params, frozen, examples, key: model.loss(params, examples.inputs, examples.targets, key),
        model.initialise,
        (),
        settings,
    )
    structure = jax.tree.structure(jax.eval_shape(model.initialise, jax.random.key(0)))
    sample = jax.jit(model.sample)

    @functools.cache
    def parameters():
        if not true_everywhere(path.exists()):
            (params,) = train.fit(
                recipe,
                [learn],
                [jax.random.key(settings.seed)],
                mesh=mesh,
                names=["the generator"],
                title="generator",
                checkpoint=path.with_suffix(".checkpoints"),
            )
            with one_at_a_time():
                _save(path, jax.tree.leaves(params))
        return jax.tree.unflatten(structure, _read(path))

    def generated(examples: Examples, temperature: float, key: jax.Array) -> Examples:
        if not temperature > 0:
            raise ValueError(f"the temperature of generated images must be positive, got {temperature}")
        images = sample(parameters(), examples.targets, float(temperature), key)
        return examples._replace(inputs=np.round(np.asarray(images) * 255).astype(np.float32) / 255)

    return generated


def _save(path: Path, leaves: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part.npz")
    np.savez(draft, *leaves)
    os.replace(draft, path)


def _read(path: Path) -> list[np.ndarray]:
    try:
        with np.load(path) as file:
            return [file[f"arr_{i}"] for i in range(len(file.files))]
    except Exception as error:  # zipfile, zlib and NumPy each raise their own
        raise ValueError(f"{path} cannot be read ({error}): remove it, the generator is trained again") from error
