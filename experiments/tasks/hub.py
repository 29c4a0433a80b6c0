"""Data sets of a model hub that lie in a folder on disk: JSON lines or Parquet files, as they were downloaded."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

ENDINGS = (".jsonl", ".json", ".jsonl.gz", ".json.gz", ".parquet")


def records(folder: str | Path, fields: tuple[str, ...], most: int) -> list[dict]:
    """The first `most` rows, {field: value}, of all files in and below the folder, in the order of their names.

    Raises ValueError if there is no such file, or a row lacks a field.
    """
    paths = sorted(path for path in Path(folder).rglob("*") if path.name.endswith(ENDINGS)) if folder else []
    if not paths:
        raise ValueError(
            f"no data set in the folder {str(folder)!r}: expected files that end in {', '.join(ENDINGS)}. Download the "
            "data set from its hub and give its folder"
        )
    found = []
    for path in paths:
        for number, row in enumerate(_rows(path)):
            if len(found) == most:
                return found
            lost = [field for field in fields if field not in row]
            if lost:
                raise ValueError(f"{path}, row {number}: no field {lost[0]!r}, found {', '.join(map(str, row))}")
            found.append({field: row[field] for field in fields})
    return found


def _rows(path: Path) -> Iterator[dict]:
    if path.suffix == ".parquet":
        from pyarrow import parquet

        for batch in parquet.ParquetFile(path).iter_batches():
            yield from batch.to_pylist()
        return
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for line in filter(str.strip, file):
            yield json.loads(line)
