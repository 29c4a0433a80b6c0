"""Data sets of the Hugging Face hub: a folder of JSON lines or Parquet files, or a name that TFDS prepares."""

import gzip
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pyarrow import parquet
from tensorflow_datasets.core.dataset_builders import huggingface_dataset_builder as bridge

from experiments.data.archives import data_folder
from experiments.runtime.processes import one_at_a_time

ENDINGS = (".jsonl", ".json", ".jsonl.gz", ".json.gz", ".parquet")
HUB = "huggingface:"
PACKAGES = ("datasets", "huggingface_hub")


def records(
    folder: str | Path, fields: tuple[str, ...], most: int | None, data_dir: str | Path | None = None
) -> list[dict]:
    """Rows, {field: value}, of a data set: `most` of them, or all if None.

    folder: the first rows of all files in and below it, in the order of their names; or huggingface:OWNER/NAME, or
        huggingface:OWNER/NAME/CONFIG: rows at equal distances of its train split, which TFDS downloads and prepares
        once below data_dir.
    Raises ValueError if there is no such file or data set, a row is not JSON in UTF-8, lacks a field or has nothing in
    it, or a name needs packages that are missing.
    """
    if str(folder).startswith(HUB):
        return _named(str(folder), fields, most, data_dir)
    paths = (
        sorted(path for path in Path(folder).expanduser().rglob("*") if path.name.endswith(ENDINGS)) if folder else []
    )
    if not paths:
        raise ValueError(
            f"no data set in the folder {str(folder)!r}: expected files that end in {', '.join(ENDINGS)}. Download the "
            "data set from its hub and give its folder"
        )
    rows: list[dict] = []
    for path in paths:
        for where, row in _rows(path):
            if len(rows) == most:
                return rows
            rows.append(_chosen(row, fields, where))
    return rows


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


def _rows(path: Path) -> Iterator[tuple[str, dict]]:
    """(where a row stands, the row) of every one."""
    if path.suffix == ".parquet":
        number = 0
        for batch in parquet.ParquetFile(path).iter_batches():
            try:
                rows = batch.to_pylist()
            except UnicodeDecodeError as error:
                raise ValueError(f"{path}, after row {number}: expected UTF-8 ({error})") from None
            for row in rows:
                yield f"{path}, row {number}", row
                number += 1
        return
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    row = json.loads(line.decode())
                except ValueError as error:  # of both
                    raise ValueError(f"{path}, line {number}: expected JSON in UTF-8 ({error})") from None
                if not isinstance(row, dict):
                    raise ValueError(f"{path}, line {number}: expected an object with fields, found {line[:60]!r}")
                yield f"{path}, line {number}", row
