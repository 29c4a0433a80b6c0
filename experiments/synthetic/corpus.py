"""Texts that a language model wrote, with their provenance; made by experiments/synthetic/generate.py and kept here."""

import gzip
import hashlib
import json
from pathlib import Path

from configs.common import one_of

FOLDER = Path(__file__).parent / "texts"
MANIFEST = "manifest.json"
KINDS = ("review", "instruction", "solution", "continuation")


def read(kind: str, folder: str | Path = FOLDER) -> list[dict]:
    """All texts of a kind, in the order in which they were made, after a look at the file's hash.

    Each is {"kind", "text", "model", "temperature", "top_p", "seed"}, and for "review" "label" (0 negative, 1
    positive), for "instruction" "instruction" (text is the answer to it), for "solution" "problem" (SHA-256 of the
    problem's text). seed: the number of the batch it was sampled in.
    Raises ValueError if the file or its entry in the manifest is missing or the file is not what the manifest says.
    """
    one_of("kind", kind, KINDS)
    path, listed = Path(folder) / file(kind), Path(folder) / MANIFEST
    again = "make the set again with python -m experiments.synthetic.generate, or restore the files"
    manifest = json.loads(_existing(listed, again).read_text())
    if kind not in manifest:
        raise ValueError(f"{listed} does not list {kind!r}, only {', '.join(manifest) or 'nothing'}: {again}")
    content = _existing(path, again).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != manifest[kind]["sha256"]:
        raise ValueError(f"{path} has changed: expected sha256 {manifest[kind]['sha256']}, found {digest}; {again}")
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]  # bytes: a text may hold U+2028


def file(kind: str) -> str:
    """Name of the file of a kind."""
    return f"{kind}.jsonl.gz"


def _existing(path: Path, again: str) -> Path:
    if not path.exists():
        raise ValueError(f"{path} is missing: {again}")
    return path
