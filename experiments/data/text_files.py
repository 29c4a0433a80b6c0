"""Text files as they come: packed or not, with or without a byte order mark; what is no text is named and refused."""

import contextlib
import difflib
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

MARKS = {  # the longer first: UTF-32 begins as UTF-16 does
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
GZIP = b"\x1f\x8b"
HEAD = 512  # bytes by which a file is known
# how a file may begin that is no file of rows -> what it is, and what to do
FOREIGN = {
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself: run git lfs pull",
    b"PAR1": "Parquet: expected a name that ends in .parquet",
    b"PK\x03\x04": "a zip archive, as Excel writes: save it as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "an Excel file: save it as CSV in UTF-8",
    b"<!DOCTYPE": "a web page: download the file itself",
    b"<!doctype": "a web page: download the file itself",
    b"<html": "a web page: download the file itself",
    b"BZh91AY&SY": "a bzip2 archive: unpack it, or pack it with gzip",
    b"\xfd7zXZ": "an xz archive: unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "a zstd archive: unpack it, or pack it with gzip",
}


def existing(name: str, text: str) -> Path:
    """The path of a file as a person gives it, with `~` expanded.

    name: how messages name it, as "--config.real". Blanks around it are left out unless the file's name has them.
    Raises ValueError for an empty text, and for what is missing (with the nearest name in its folder), is a folder or
    may not be read.
    """
    if not text.strip():
        raise ValueError(f"{name} is empty: expected a file")
    try:
        path = Path(text) if Path(text).exists() else Path(text.strip()).expanduser()
        there = path.exists()
        beside = [other.name for other in path.parent.iterdir()] if not there and path.parent.is_dir() else []
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, ~nobody, a folder that may not be read
        raise ValueError(f"{name}={text}: {error}") from None
    if not there:
        near = difflib.get_close_matches(path.name, beside, n=1)
        raise ValueError(f"{name}={path}: there is no such file" + (f"; did you mean {near[0]!r}?" if near else ""))
    if not path.is_file():
        raise ValueError(f"{name}={path}: expected a file, found {'a folder' if path.is_dir() else 'something else'}")
    if not os.access(path, os.R_OK):
        raise ValueError(f"{name}={path}: no permission to read it")
    return path


@contextlib.contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """The text of a file, unpacked (gzip) and decoded: UTF-8, or UTF-16 and UTF-32 with a byte order mark.

    Line ends stay what they are. Raises ValueError, there or while it is read, for an empty file, other encodings (with
    the byte), an archive that is cut off or damaged, and what is no text: pointers, web pages, Excel, Parquet, ...
    """
    with path.open("rb") as plain:
        packed = plain.read(len(GZIP)) == GZIP
        plain.seek(0)
        try:
            with contextlib.closing(gzip.GzipFile(fileobj=plain)) if packed else plain as content:
                head = content.read(HEAD)
                refuse_foreign(path, head)
                content.seek(0)
                with io.TextIOWrapper(content, encoding=_encoding(head), newline="") as file, _decoding(path, packed):
                    yield file
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is cut off or damaged ({error}): fetch or pack it again") from None


@contextlib.contextmanager
def _decoding(path: Path, packed: bool) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise ValueError(_undecodable(path, packed)) from None


def refuse_foreign(path: Path, head: bytes) -> None:
    """Raises ValueError if a file that begins so is empty or known to be no text."""
    if not head.strip():
        raise ValueError(f"{path} is empty: expected rows")
    for begin, what in FOREIGN.items():
        if head.lstrip().startswith(begin):
            raise ValueError(f"{path} is {what}")


def refuse_nul(line: str, where: str) -> None:
    """Raises ValueError if the text has a NUL; where: of it, for the message."""
    if "\0" in line:
        raise ValueError(
            f"{where}: found a NUL character, which no text has; if the file is in UTF-16, save it as UTF-8"
        )


def _encoding(head: bytes) -> str:
    return next((encoding for mark, encoding in MARKS.items() if head.startswith(mark)), "utf-8")


def _undecodable(path: Path, packed: bool) -> str:
    content = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    encoding = _encoding(content)
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "ignore")
        found, line = content[error.start : error.start + 1], before.count("\n") + 1
        remedy = "save it as UTF-8" if b"\0" in content[:HEAD] else "convert it, as with iconv -f WINDOWS-1252 -t UTF-8"
        return (
            f"{path}, line {line} (byte {error.start}): expected {encoding.upper().removesuffix('-SIG')}, found "
            f"{found!r} ({error.reason}); {remedy}"
        )
    return f"{path} changed while it was read"
