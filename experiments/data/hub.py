"""Data sets of the Hugging Face hub: a folder of JSON, CSV or Parquet files, or a name that TFDS prepares."""

import importlib.util
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tensorflow_datasets.core.dataset_builders import huggingface_dataset_builder as bridge

from experiments.data.archives import data_folder
from experiments.data.rows import ENDINGS, each
from experiments.runtime.processes import one_at_a_time

TRAIN = {"train", "training"}
HELD_OUT = {"test", "testing", "validation", "valid", "val", "dev", "eval", "evaluation"}
HUB = "huggingface:"
PACKAGES = ("datasets", "huggingface_hub")


def records(
    folder: str | Path, fields: tuple[str, ...], most: int | None, data_dir: str | Path | None = None
) -> list[dict]:
    """Rows, {field: value}, of a data set: `most` of them, or all if None.

    folder: the first rows of all files of its train split, in and below it, in the order of their names (`files`
        below); or huggingface:OWNER/NAME, or huggingface:OWNER/NAME/CONFIG: rows at equal distances of its train
        split, which TFDS downloads and prepares once below data_dir.
    Raises ValueError if there is no such file or data set, a file cannot be read (rows.each), a row lacks a field or
    has nothing in it, or a name needs packages that are missing.
    """
    if str(folder).startswith(HUB):
        return _named(str(folder), fields, most, data_dir)
    rows: list[dict] = []
    for path in files(folder):
        for where, row in _rows(path, fields):
            if len(rows) == most:
                return rows
            rows.append(_chosen(row, fields, where))
    if not rows:
        raise ValueError(f"no rows in the folder {str(folder)!r}: none of its files has a field {' or '.join(fields)}")
    return rows


def files(folder: str | Path) -> list[Path]:
    """The files of rows (rows.ENDINGS) of the train split in and below a folder, by name; hidden ones are left out.

    They have "train" as a word of their path; where none has, all are that do not say test or validation.
    Raises ValueError if there are none.
    """
    root = Path(folder).expanduser()
    paths = sorted(path for path in root.rglob("*") if path.name.lower().endswith(ENDINGS)) if folder else []
    words = {path: set(re.split(r"[^a-z]+", str(path.relative_to(root)).lower())) for path in paths}
    paths = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(root).parts)]
    train = [path for path in paths if words[path] & TRAIN] or [path for path in paths if not words[path] & HELD_OUT]
    if not train:
        found = f"; {paths[0].name} is for validation or testing" if paths else ""
        raise ValueError(
            f"no data set in the folder {str(folder)!r}: expected files that end in {', '.join(ENDINGS)}{found}. "
            "Download the data set from its hub and give its folder"
        )
    return train


def _rows(path: Path, fields: tuple[str, ...]) -> Iterator[tuple[str, dict]]:
    """The rows of a file; none if it is one object without any of the fields: it tells of the data."""
    rows = each(path)
    head = list(itertools.islice(rows, 2))
    if len(head) == 1 and not head[0][1].keys() & set(fields) and ".json" in path.name.lower():
        return
    yield from itertools.chain(head, rows)


def _named(name: str, fields: tuple[str, ...], most: int | None, data_dir: str | Path | None) -> list[dict]:
    missing = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        raise ValueError(
            f"{name} needs {' and '.join(missing)}, which requirements.txt leaves out: pip install "
            f"{' '.join(PACKAGES)}, or download the data set and give its folder"
        )
    owner, _, rest = name.removeprefix(HUB).partition("/")
    dataset, _, config = rest.partition("/")
    if not owner or not dataset:
        raise ValueError(f"{name!r} names no data set: expected {HUB}OWNER/NAME or {HUB}OWNER/NAME/CONFIG")
    # not tfds.builder: it lists every data set of the hub to find how this name is spelled
    folder = str(data_folder(data_dir) / "prepared")
    with one_at_a_time():
        try:
            builder = bridge.HuggingfaceDatasetBuilder(
                hf_repo_id=f"{owner}/{dataset}", hf_config=config or None, data_dir=folder, file_format="array_record"
            )
            builder.download_and_prepare()
        except Exception as error:  # the hub's packages raise many kinds
            cause = error.__cause__ or error
            raise ValueError(f"{name} cannot be prepared ({type(cause).__name__}: {cause})") from error
    source = builder.as_data_source(split="train")
    count = len(source) if most is None else min(most, len(source))
    numbers = [i * len(source) // count for i in range(count)]
    rows = []
    for number, row in zip(numbers, source.__getitems__(numbers), strict=True):
        where = f"{name}, record {number}"
        try:
            rows.append({field: _plain(value) for field, value in _chosen(row, fields, where).items()})
        except UnicodeDecodeError as error:
            raise ValueError(f"{where}: expected UTF-8 ({error})") from None
    return rows


def _chosen(row: dict, fields: tuple[str, ...], where: str) -> dict:
    for field in fields:
        if field not in row:
            raise ValueError(f"{where}: no field {field!r}, found {', '.join(map(str, row))}")
        if _empty(row[field]):
            raise ValueError(f"{where}: the field {field!r} is empty, expected a text")
    return {field: row[field] for field in fields}


def _empty(value) -> bool:
    """Whether there is no text in it: nothing, white space, or a list of such."""
    if value is None or isinstance(value, (str, bytes)):
        return not (value or "").strip()
    if isinstance(value, (list, tuple, np.ndarray)):
        return all(map(_empty, value))
    return False


def _plain(value):
    """Texts as str, arrays as lists; TFDS keeps a list of records as one record of lists, here it is a list again."""
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        columns = {name: _plain(column) for name, column in value.items()}
        if columns and all(isinstance(column, list) for column in columns.values()):
            return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return columns
    return value
