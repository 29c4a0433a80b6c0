"""Which described kinds and fields of lines nobody writes: asked by the tests of every study with their tiny runs."""

from collections.abc import Iterable
from pathlib import Path

from experiments.runtime import kinds, results
from experiments.runtime.kinds.kind import STAMP

GALLERY = Path(results.__file__).parents[1] / "gallery"


def unwritten(study: str, lines: Iterable[dict]) -> list[str]:
    """Kinds and fields, as "kind.field", that are described for a study but neither in the lines nor in the gallery.

    The other direction needs no test: runtime.study records no line, and no field, that is not described.
    """
    described = {name: kind for name, kind in kinds.STUDIES[study].items() if name not in kinds.SHARED}
    recorded = [line for path in GALLERY.rglob("*.jsonl") for line in results.read(path)]
    of_study = [line for line in recorded if line["kind"] in described and set(line) <= _known(described[line["kind"]])]
    written = {(line["kind"], field) for line in [*lines, *of_study] for field in line}
    every = {(kind, field) for kind, one in described.items() for field in ("kind", *one.fields)}
    return sorted(".".join(pair) for pair in every - written)


def _known(kind: kinds.Kind) -> set[str]:
    return {*kind.fields, *STAMP}
