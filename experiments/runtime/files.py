"""Files that are there whole or not at all: what a killed process leaves is never taken for a result."""

import contextlib
import io
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np

DRAFT = re.compile(r"part-.+-\d+-.+")  # host and process, then the name that the file is to have


@contextlib.contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """An error of the system that the block meets, such as a full disk, names that path if it names none."""
    try:
        yield
    except OSError as error:
        if error.errno and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path beside `path`, with its ending: what the block writes there takes its place when the block ends well.

    The file is on disk before it has its name, so that a reader finds the old one or the new one, never a part. After
    an exception the old one stays. Missing folders are made. The draft's name holds host and process: two processes
    that write the same file do not touch each other's draft, and the last one wins.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"part-{socket.gethostname()}-{os.getpid()}-{path.name}")
    try:
        with naming(path):
            yield draft
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def remove_drafts(folder: str | Path) -> None:
    """Removes, in and below a folder that nobody else writes into, what killed processes left of files."""
    for path in Path(folder).rglob("part-*"):
        if DRAFT.fullmatch(path.name):
            path.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Makes `content` the content of the file."""
    with replacing(path) as draft:
        draft.write_bytes(content)


def write_text(path: str | Path, text: str) -> None:
    """The same for text, in UTF-8."""
    write_bytes(path, text.encode())


def write_arrays(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes the arrays by name into a .npz file."""
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)  # none is called allow_pickle


def read_arrays(path: str | Path, remedy: str) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by name; types that NumPy does not know, such as bfloat16, come as raw bytes ("V2").

    remedy: what to do about a file that cannot be read, as "remove it, the states are computed again".
    Raises ValueError for such a file, naming it, the cause and the remedy; FileNotFoundError if there is none.
    """
    content = Path(path).read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # zipfile, zlib and NumPy each raise their own
        raise ValueError(f"{path} cannot be read ({error}): {remedy}") from error
