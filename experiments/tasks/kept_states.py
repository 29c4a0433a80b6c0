"""States of tokens inside a frozen decoder, computed when a row is first asked for and kept on disk.

    tokens-LABEL.states   the states of all kept rows, one after the other, in bfloat16; appended to, never changed
    tokens-LABEL.index    what they are states of (a line of JSON), then a record a row: hash of tokens, place, count

A record is written after its states, so that a process that is killed leaves at most states that nobody looks up; the
next one writes over them. Processes that share the files append in turn.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from experiments.runtime.processes import is_distributed
from models.functional import Model
from valuation.precise import jit

BATCH = 16  # rows at a time
WIDTH = 16  # the number of tokens of a batch is a multiple of this: few compilations, little padding
SPEED = 250  # tokens a second of 135 M parameters on two cores
KEPT = 8  # batches between two writes
RECORD = np.dtype([("hash", "V16"), ("place", "<u8"), ("count", "<u4")])
NUMBER = np.dtype(jnp.bfloat16)


class Index(NamedTuple):
    """The records that have been read, of one file.

    file: number of it, by which a file that takes its place is told. places: where the states of each row begin, in
    tokens, by the hash of the row. records: how many. end: where the next states will begin.
    """

    file: int
    places: dict[bytes, int]
    records: int
    end: int


class Source(NamedTuple):
    """What states are of: a trunk of models.trunk.cut, a hash of the weights, the block before which they are taken.

    width: of a state.
    """

    trunk: Model
    weights: str
    block: int
    width: int


def kept_states(source: Source, folder: str | Path, most: int) -> Callable[[np.ndarray], np.ndarray]:
    """rows of tokens (n, t), padded with 0 on the right -> states (n, t, d) bfloat16, 0 at the padding.

    What is kept in the folder is read through a memory map; the price of the rest is said before the work, which may be
    interrupted. most: bytes that the states of this source may take there.
    Raises ValueError for files of another source or that cannot be read, a row without tokens, states that would take
    more than `most` or than the disk has, and several processes, which may not share a disk.
    """
    about = {"weights": source.weights, "block": source.block, "width": source.width}
    label = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
    path = Path(folder) / f"tokens-{label}"
    if is_distributed():
        raise ValueError("states of a frozen trunk are kept by one process: set config.model.states to 0 for several")

    compute, index = jit(source.trunk.apply), Index(0, {}, 0, 0)

    def states(rows: np.ndarray) -> np.ndarray:
        nonlocal index
        texts = [np.trim_zeros(row, "b") for row in np.asarray(rows, np.int32)]
        if not all(map(len, texts)):
            raise ValueError(f"row {list(map(len, texts)).index(0)} has no token: a text that is empty has no states")
        names = [hashlib.sha256(text.astype("<i4").tobytes()).digest()[:16] for text in texts]
        index = _read(path, about, index)
        missing = {name: text for name, text in zip(names, texts, strict=True) if name not in index.places}
        if missing:
            index = _compute(source, compute, missing, path, about, most, index)
        out = np.zeros((*np.shape(rows), source.width), NUMBER)
        if len(texts):
            kept = _mapped(path, source.width)
            for row, (name, text) in enumerate(zip(names, texts, strict=True)):
                out[row, : len(text)] = kept[index.places[name] : index.places[name] + len(text)]
        return out

    return states


def _compute(
    source: Source, compute: Callable, texts: dict[bytes, np.ndarray], path: Path, about: dict, most: int, index: Index
) -> Index:
    """Appends the states of the texts, short ones first. Raises ValueError where there is no room for them."""
    order = sorted(texts, key=lambda name: len(texts[name]))
    total = sum(map(len, texts.values()))
    _check_room(path, total * source.width * NUMBER.itemsize, most)
    print(
        f"states of {len(texts):,} rows before block {source.block}: {total:,} tokens, about {total / SPEED / 60:.1f} "
        f"minutes at {SPEED} tokens a second, the speed of two cores; kept in {path}.states",
        flush=True,
    )
    weights, waiting = (source.trunk.params, source.trunk.frozen), []
    with tqdm(total=total, desc="states", unit="token", unit_scale=True) as bar:
        for number, start in enumerate(range(0, len(order), BATCH), 1):
            names = order[start : start + BATCH]
            made = np.asarray(compute(*weights, _padded([texts[name] for name in names])).astype(NUMBER))
            waiting += [(name, row[: len(texts[name])]) for name, row in zip(names, made, strict=False)]
            bar.update(sum(len(texts[name]) for name in names))
            if number % KEPT == 0 or start + BATCH >= len(order):
                index = _append(path, about, waiting, index)
                waiting = []
    return index


def _check_room(path: Path, needed: int, most: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.with_suffix(".states").stat().st_size if path.with_suffix(".states").exists() else 0
    out = "fewer or shorter examples take less, and config.model.states=0 keeps nothing and runs the trunk every time"
    if there + needed > most:
        raise ValueError(
            f"states of the new rows take {needed / 1e9:.2g} GB beside {there / 1e9:.2g} GB in {path}.states, more "
            f"than the {most / 1e9:.2g} GB of config.model.states: raise it or remove that file; {out}"
        )
    if (free := shutil.disk_usage(path.parent).free) < needed:
        raise ValueError(
            f"states of the new rows take {needed / 1e9:.2g} GB, the disk of {path.parent} has {free / 1e9:.2g} GB: "
            f"make room there, or choose another --data_dir; {out}"
        )


def _padded(rows: list[np.ndarray]) -> np.ndarray:
    """(BATCH, a multiple of WIDTH)."""
    tokens = np.zeros((BATCH, WIDTH * -(-max(map(len, rows)) // WIDTH)), np.int32)
    for padded, row in zip(tokens, rows, strict=False):
        padded[: len(row)] = row
    return tokens


def _append(path: Path, about: dict, new: list[tuple[bytes, np.ndarray]], index: Index) -> Index:
    """Writes states, then their records; rows that another process has written in the meantime are left out."""
    try:
        with path.with_suffix(".index").open("a+b") as file_of_index:
            fcntl.flock(file_of_index, fcntl.LOCK_EX)
            if not file_of_index.seek(0, 2):
                file_of_index.write(json.dumps(about).encode() + b"\n")
                file_of_index.flush()
            index = _read(path, about, index)
            end = index.end
            new = [(name, states) for name, states in new if name not in index.places]
            lengths = [len(states) for _, states in new]
            with path.with_suffix(".states").open("r+b" if end else "wb") as file:
                file.seek(end * about["width"] * NUMBER.itemsize)
                file.truncate()
                file.writelines(np.ascontiguousarray(states).tobytes() for _, states in new)
            added = np.zeros(len(new), RECORD)
            added["hash"] = [np.void(name) for name, _ in new]
            added["place"], added["count"] = end + np.cumsum([0, *lengths])[:-1], lengths
            file_of_index.truncate(len(_header(path)) + index.records * RECORD.itemsize)
            file_of_index.write(added.tobytes())
            file_of_index.flush()
            return _read(path, about, index)
    except OSError as error:
        raise ValueError(
            f"{path}.states cannot be written ({error}): make room there, or choose another --data_dir; what was "
            "written before stays, nothing of it is computed again"
        ) from error


def _mapped(path: Path, width: int) -> np.ndarray:
    numbers = np.memmap(path.with_suffix(".states"), np.uint16, "r").view(NUMBER)
    return numbers[: len(numbers) // width * width].reshape(-1, width)  # a write that was cut off may follow


def _header(path: Path) -> bytes:
    with path.with_suffix(".index").open("rb") as file:
        return file.readline()


def _read(path: Path, about: dict, before: Index) -> Index:
    """What was read before, and after it the whole records whose states are there; its `places` are added to.

    Everything is read anew where the file is another one, or has lost what was read of it. Raises ValueError for
    records of another source.
    """
    index, states = (path.with_suffix(suffix) for suffix in (".index", ".states"))
    if not index.exists() or not index.stat().st_size:
        return Index(0, {}, 0, 0)
    header = _header(path)
    try:
        found = json.loads(header)
    except ValueError as error:
        raise ValueError(f"{index} cannot be read ({error}): remove it and {states}, they are made again") from error
    if found != about:
        differing = ", ".join(f"{name} {found.get(name)!r}, expected {about[name]!r}" for name in about
                              if found.get(name) != about[name])  # fmt: skip
        raise ValueError(f"{index} is of other states ({differing}): give it its name back, or remove it and {states}")
    size = states.stat().st_size // (about["width"] * NUMBER.itemsize) if states.exists() else 0
    there = index.stat()
    start = len(header) + before.records * RECORD.itemsize
    if there.st_ino != before.file or there.st_size < start or before.end > size:
        before, start = Index(there.st_ino, {}, 0, 0), len(header)
    with index.open("rb") as file:
        file.seek(start)
        content = file.read()
    records = np.frombuffer(content[: len(content) // RECORD.itemsize * RECORD.itemsize], RECORD)
    ends = records["place"] + records["count"]
    records = records[: int(np.argmax(ends > size))] if (ends > size).any() else records
    before.places.update(zip((bytes(name) for name in records["hash"]), records["place"].tolist(), strict=True))
    end = max(before.end, int((records["place"] + records["count"]).max(initial=0)))
    return Index(before.file, before.places, before.records + len(records), end)
