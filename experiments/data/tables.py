"""Real tables that packages ship, with numbers and categories, to be read as a person's own table is."""

import csv
import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from configs.common import one_of
from experiments.data import archives, stata
from experiments.data.rows import Frame, from_columns

WORDS = ("sex", "race", "education", "exercise", "active", "qsmk")  # columns of NHEFS whose numbers are categories
CANCER = "sklearn/datasets/data/breast_cancer.csv"
DIABETES = "sklearn/datasets/data/diabetes_{}.csv.gz"
MROZ = "causaldata-0.1.5/causaldata/Mroz/Mroz.csv"
NHEFS = "causaldata-0.1.5/causaldata/nhefs_complete/nhefs_complete.dta"
PATIENTS = ("sex", "race", "age", "education", "smokeintensity", "smokeyrs", "exercise", "active", "wt71")


class Table(NamedTuple):
    """A table with its target.

    frame: its columns. target: name of that column. kind: "class" or "number". says: what it is, for the report.
    """

    frame: Frame
    target: str
    kind: str
    says: str


def read(config, data_dir: str | None) -> Table:
    """The table that config.dataset names, fetched at the first call.

    config: `dataset`, one of READERS, and `examples`, how many rows to make in memory. data_dir: as in
    archives.data_folder. Raises ValueError for an unknown name or a damaged archive, OSError if it cannot be fetched.
    """
    return READERS[one_of("dataset", config.dataset, tuple(READERS))](config, data_dir)


def nhefs(names: tuple[str, ...], data_dir: str | None) -> dict[str, np.ndarray]:
    """Those columns of NHEFS (1,566 smokers, 1971 to 1982) as numbers, (1566,) each. Raises as `read` does."""
    return stata.numbers(member("causaldata", NHEFS, data_dir), names, NHEFS)


def worded(columns: dict[str, np.ndarray]) -> dict[str, Any]:
    """The columns of NHEFS, those whose numbers are categories as words."""
    return {name: _worded(name, column) if name in WORDS else column for name, column in columns.items()}


def member(archive: str, name: str, data_dir: str | None) -> bytes:
    """The content of a file of a package archive. Raises ValueError if it lacks it, and what archives.fetch raises."""
    path = archives.fetch(archive, data_dir)
    try:
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as whole:
                return whole.read(name)
        with tarfile.open(path) as whole:
            found = whole.extractfile(name)
            return found.read() if found else b""
    except KeyError:
        raise ValueError(f"{path} lacks the member {name}") from None


def _mroz(config, data_dir: str | None) -> Table:
    lines = list(csv.DictReader(io.StringIO(member("causaldata", MROZ, data_dir).decode())))
    columns = {name: [line[name] for line in lines] for name in ("lfp", "k5", "k618", "age", "wc", "hc", "lwg", "inc")}
    return Table(from_columns(MROZ, columns), "lfp", "class", "Mroz: 753 married women in 1975, in paid work or not")


def _breast_cancer(config, data_dir: str | None) -> Table:
    lines = member("sklearn", CANCER, data_dir).decode().splitlines()
    cells = np.array([line.split(",") for line in lines[1:]], float)
    columns: dict[str, Any] = {f"feature {i:02d}": column for i, column in enumerate(cells.T[:-1])}
    columns["diagnosis"] = np.where(cells[:, -1] > 0, "benign", "malignant").tolist()
    return Table(from_columns(CANCER, columns), "diagnosis", "class", "breast cancer (Wisconsin): 569 tumours")


def _nhefs(config, data_dir: str | None) -> Table:
    found = nhefs((*PATIENTS, "qsmk", "wt82"), data_dir)
    columns = worded(found)
    says = "NHEFS: the weight in 1982 of 1,566 people who smoked in 1971"
    return Table(from_columns(NHEFS, columns), "wt82", "number", says)


def _diabetes(config, data_dir: str | None) -> Table:
    texts = [gzip.decompress(member("sklearn", DIABETES.format(name), data_dir)) for name in ("data_raw", "target")]
    cells, target = (np.loadtxt(io.BytesIO(text)) for text in texts)
    names = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    columns: dict[str, Any] = dict(zip(names, cells.T, strict=True))
    columns |= {"sex": _worded("sex", cells[:, 1]), "progression": target}
    return Table(from_columns("diabetes", columns), "progression", "number", "diabetes: its progress in 442 patients")


def _made(kind: str, config, data_dir: str | None) -> Table:
    """Two numbers and a category that decide the target, and a number that does not."""
    rng = np.random.default_rng(0)
    x, word = rng.normal(size=(config.examples, 3)), rng.integers(0, 3, config.examples)
    score = x[:, 0] - np.sin(2 * x[:, 1]) + word + 0.3 * rng.normal(size=config.examples)
    columns: dict[str, Any] = {f"number {i}": column for i, column in enumerate(x.T)}
    columns["word"] = _worded("word", word)
    columns["target"] = score if kind == "number" else np.where(score > 1, "high", "low").tolist()
    return Table(from_columns("made in memory", columns), "target", kind, "made in memory")


def _worded(name: str, codes: np.ndarray) -> list[str | None]:
    return [None if np.isnan(code) else f"{name} {code:g}" for code in codes]


READERS: dict[str, Callable[[Any, str | None], Table]] = {
    "mroz": _mroz,
    "breast_cancer": _breast_cancer,
    "nhefs": _nhefs,
    "diabetes": _diabetes,
    "made_classes": lambda config, data_dir: _made("class", config, data_dir),
    "made_numbers": lambda config, data_dir: _made("number", config, data_dir),
}
