"""Features on disk: a folder of .npy shards and a header, so that they can be scored later without the model."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

HEADER = "header.json"


class Shards(NamedTuple):
    """A finished folder. Iterating over `paths` with `read` is what logra.scores and trak.scores take.

    run: what the features are of (model, method, rank, key, data: whatever tells one run from another).
    rows: of each shard. width: columns.
    """

    folder: Path
    run: dict
    rows: tuple[int, ...]
    width: int


class Chunks:
    """The shards' arrays, one in memory at a time; can be iterated over again and again."""

    def __init__(self, shards: Shards):
        self.shards = shards

    def __iter__(self) -> Iterator[np.ndarray]:
        return (np.load(_path(self.shards.folder, i)) for i in range(len(self.shards.rows)))


def fingerprint(tree) -> str:
    """A hash of all arrays and their places, for `run`: features of another checkpoint or other data do not mix."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree.leaves_with_path(tree):
        digest.update(f"{jax.tree_util.keystr(path)} {np.shape(leaf)}".encode())
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()[:16]


def write(folder: str | Path, run: dict, chunks: Iterable[np.ndarray]) -> Shards:
    """One shard a chunk, and the header last: a folder that was interrupted has none and is written anew.

    A finished folder of the same run is kept as it is, and no chunk is asked for. Raises ValueError if the folder holds
    another run, or chunks differ in width.
    """
    folder = Path(folder)
    if (folder / HEADER).exists():
        return load(folder, run)
    folder.mkdir(parents=True, exist_ok=True)
    rows, width = [], None
    for chunk in chunks:
        width = chunk.shape[1] if width is None else width
        if chunk.shape[1] != width:
            raise ValueError(f"features do not match: a chunk of {chunk.shape[1]} columns after {width}")
        np.save(_path(folder, len(rows)), chunk)
        rows.append(len(chunk))
    header = {"run": _plain(run), "rows": rows, "width": width or 0}
    draft = folder / f"{HEADER}.part"
    draft.write_text(json.dumps(header, indent=2, sort_keys=True) + "\n")
    os.replace(draft, folder / HEADER)
    return load(folder, run)


def load(folder: str | Path, run: dict) -> Shards:
    """The shards of a finished folder.

    Raises ValueError if there is no header, it is of another run (the differing entries are named) or a shard is
    missing or of another shape.
    """
    folder = Path(folder)
    if not (folder / HEADER).exists():
        raise ValueError(f"{folder} holds no finished features: there is no {HEADER}")
    header, run = json.loads((folder / HEADER).read_text()), _plain(run)
    if header["run"] != run:
        names = sorted(k for k in header["run"].keys() | run.keys() if header["run"].get(k) != run.get(k))
        raise ValueError(f"{folder} holds features of another run (they differ in {', '.join(names)})")
    for i, rows in enumerate(header["rows"]):
        path = _path(folder, i)
        shape = np.load(path, mmap_mode="r").shape if path.exists() else None
        if shape != (rows, header["width"]):
            raise ValueError(f"{path} should hold {(rows, header['width'])} numbers, found {shape}: remove {folder}")
    return Shards(folder, run, tuple(header["rows"]), header["width"])


def _plain(run: dict) -> dict:
    return json.loads(json.dumps(run, sort_keys=True))


def _path(folder: Path, number: int) -> Path:
    return folder / f"features-{number:05d}.npy"
