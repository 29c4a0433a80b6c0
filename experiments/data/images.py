"""Images with labels: MNIST-5k, CIFAR-10's test images, CIFAR-100, and patterns made in memory."""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from configs.common import one_of
from experiments.data import splits
from experiments.data.builders.archived import public, source
from experiments.data.builders.cifar10 import Cifar10Test
from experiments.data.builders.mnist5k import Mnist5k

DATASETS = {
    "mnist5k": "MNIST-5k (5,000 MNIST digits)",
    "cifar10": "CIFAR-10 test subset (the 10,000 test images, here split anew)",
    "cifar100": "CIFAR-100",
    "templates": "made in memory",
}


class Images(NamedTuple):
    """A data set.

    images: (n, h, w, c) uint8. labels: (n,) int from 0 to classes - 1. tested: rows of a test set of the data's own;
    None without one.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: int
    tested: np.ndarray | None = None


def read(config, data_dir: str | None) -> Images:
    """The data set that config.dataset names, prepared at the first call.

    config: `dataset`, one of DATASETS, and `examples`, how many to make in memory. data_dir: as in
    archives.data_folder. Raises ValueError for an unknown data set, or labels and pixels that cannot be, OSError if it
    cannot be fetched.
    """
    data = READERS[one_of("dataset", config.dataset, tuple(READERS))](config, data_dir)
    check(data.images, data.labels, data.classes, config.dataset)
    return data


def read_mnist5k(config, data_dir: str | None) -> Images:
    """5,000 digits, 28 x 28 pixels."""
    return Images(*arrays(source(Mnist5k, "mnist", "train", data_dir)), 10)


def read_cifar10(config, data_dir: str | None) -> Images:
    """10,000 colour images, 32 x 32 pixels."""
    return Images(*arrays(source(Cifar10Test, "bigbench", "test", data_dir)), 10)


def read_cifar100(config, data_dir: str | None) -> Images:
    """60,000 colour images, 32 x 32 pixels, the last 10,000 of them its test set."""
    parts = [arrays(public("cifar100", name, data_dir)) for name in ("train", "test")]
    images, labels = (np.concatenate(both) for both in zip(*parts, strict=True))
    return Images(images, labels, 100, np.arange(len(parts[0][0]), len(images)))


def read_templates(config, data_dir: str | None) -> Images:
    """config.examples images made in memory."""
    return Images(*templates(config.examples), 10)


READERS = {
    "mnist5k": read_mnist5k,
    "cifar10": read_cifar10,
    "cifar100": read_cifar100,
    "templates": read_templates,
}


def arrays(rows) -> tuple[np.ndarray, np.ndarray]:
    """(images (n, h, w, c) uint8, labels (n,)) of a random-access source of {"image", "label"}."""
    examples = [rows[row] for row in range(len(rows))]
    return np.stack([one["image"] for one in examples]), np.array([one["label"] for one in examples])


def split(data: Images, sizes) -> splits.Split:
    """The images split by their pixels, as splits.split does."""
    return splits.split([image.tobytes() for image in data.images], data.tested, sizes)


def templates(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(images (count, 28, 28, 1) uint8, labels (count,) of ten classes): one smooth pattern a class, with noise."""
    rng = np.random.default_rng(0)
    patterns = gaussian_filter(rng.normal(size=(10, 28, 28, 1)), (0, 3, 3, 0))
    patterns /= np.abs(patterns).max((1, 2, 3), keepdims=True)
    labels = np.arange(count) % 10
    images = 0.5 + 0.3 * patterns[labels] + 0.15 * rng.normal(size=(count, 28, 28, 1))
    return np.round(255 * images.clip(0, 1)).astype(np.uint8), labels


def check(images: np.ndarray, labels: np.ndarray, classes: int, name: str) -> None:
    """Raises ValueError, naming the first example, for pixels that are not finite or labels out of range.

    name: of the data set, for the message.
    """
    bad = ~np.isfinite(images).reshape(len(images), -1).all(1)
    if bad.any():
        raise ValueError(
            f"{name}: image {int(bad.argmax())} holds NaN or infinite values, expected numbers in [0, 255]"
        )
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{name}: example {row} has label {labels[row]}, expected 0 to {classes - 1}")
