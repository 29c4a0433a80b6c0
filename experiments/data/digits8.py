"""1,797 handwritten digits of 8 x 8 pixels (Alpaydin and Kaynak, 1998), as scikit-learn's wheel ships them."""

import gzip
import io

import numpy as np

from configs.common import one_of
from experiments.data.tables import member
from valuation.problem import Examples

MEMBER = "sklearn/datasets/data/digits.csv.gz"
DATASETS = {"digits8": "1,797 digits of 8 x 8 pixels", "made": "clouds of points, made in memory"}


def load(config, data_dir: str | None) -> tuple[Examples, Examples, Examples, int]:
    """(train, validation and test examples, number of classes), shuffled by the config's seed.

    config: dataset, one of DATASETS, split.validation and split.test, how many those sets have, seed, and examples of
    a data set made in memory. data_dir: as in archives.data_folder. Raises ValueError for splits that leave nothing to
    train on, and for an unknown data set.
    """
    x, y = {"digits8": _digits, "made": _made}[one_of("dataset", config.dataset, tuple(DATASETS))](config, data_dir)
    order, held = np.random.default_rng(config.seed).permutation(len(y)), config.split.validation + config.split.test
    if held >= len(y):
        raise ValueError(f"split: {held} of {len(y)} examples are validation and test, expected some to train on")
    ends = np.cumsum([config.split.validation, config.split.test])
    validation, test, train = (Examples(x[rows], y[rows]) for rows in np.split(order, ends))
    return train, validation, test, int(y.max()) + 1


def _digits(config, data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    cells = np.loadtxt(io.BytesIO(gzip.decompress(member("sklearn", MEMBER, data_dir))), delimiter=",")
    return (cells[:, :-1] / 16).astype(np.float32), cells[:, -1].astype(np.int32)


def _made(config, data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(config.examples, dtype=np.int32) % 3
    return (rng.normal(size=(len(y), 4)) + 2 * np.eye(4)[y]).astype(np.float32), y
