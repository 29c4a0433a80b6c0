"""Which of a person's examples are for validation, and which files are the same or hold copies of each other."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from experiments.data import splits
from experiments.data.own_rows import Rows

SHARE, MOST = 4, 2000  # a quarter of the real examples, at most so many
LEAST = 8  # different examples that a validation set needs


class Division(NamedTuple):
    """The real examples that are learned from, those for validation, and in words where they come from."""

    real: Rows
    validation: Rows
    said: str


def divide(real: Rows, *, size: int = 0, salt: str = "") -> Division:
    """Some of the real examples for validation, by the hash of what they show.

    size: how many different ones; 0: a quarter, at most 2,000. salt: another one, another split. Examples that show the
    same are on one side. Where an example goes depends on nothing but the salt and the set of examples. Raises
    ValueError if there are too few, or one side has no two classes.
    """
    distinct = len(set(real.inputs))
    wanted = size or min(distinct // SHARE, MOST)
    if wanted < LEAST or distinct <= wanted + 1:
        raise ValueError(
            f"{real.file}: {distinct} different examples, in {len(real.row)} rows, cannot give {max(wanted, LEAST)} "
            "for validation and others to learn from: expected more, or columns that tell rows apart"
        )
    chosen = splits.by_content(real.inputs, validation=wanted, test=0, salt=salt).validation
    hashes = {real.inputs[row] for row in chosen}
    held = np.array([one in hashes for one in real.inputs])
    parts = tuple(
        part._replace(left_out={**real.left_out, why: len(held) - len(part.row)})
        for part, why in ((real.take(~held), "kept for validation"), (real.take(held), "kept to learn from"))
    )
    for part, name in zip(parts, ("to learn from", "for validation"), strict=True):
        _refuse_one_class(part, f"the examples {name}", "give a file for validation or more real examples")
    said = (
        f"{held.sum()} of the {len(held)} real examples are kept for validation, chosen by the hash of what they show."
    )
    return Division(parts[0], parts[1], said)


def beside(real: Rows, validation: Rows) -> Division:
    """Real examples beside a file for validation: those that stand there too are left out of the real ones.

    Raises ValueError if nothing is left, or the validation set has too few examples or one class only.
    """
    _refuse_one_class(validation, validation.file, "give more examples")
    if len(set(validation.inputs)) < LEAST:
        raise ValueError(f"{validation.file}: expected at least {LEAST} different examples for validation")
    held = copies(real, validation)
    if held.all():
        raise ValueError(
            f"{real.file}: every example stands in {validation.file} too: expected examples of its own, or columns "
            f"that tell rows apart, of which {len(real.row)} show {len(set(real.inputs))} different examples"
        )
    said = f"{len(validation.row)} examples of {validation.file} are for validation."
    if held.any():
        said += f" {held.sum()} real examples stand there too and are left out of the real ones."
        why = "stands in the validation file"
        real = real._replace(left_out={**real.left_out, why: int(held.sum())})
    return Division(real.take(~held), validation, said)


def copies(rows: Rows, others: Rows) -> np.ndarray:
    """Which examples (n,) show what one of the others shows, byte for byte, whatever their targets."""
    known = set(others.inputs)
    return np.array([one in known for one in rows.inputs], bool)


def renamed(rows: Rows, others: Rows, naming: Sequence[int]) -> int:
    """How many examples of a table stand among the others under another name: all the same, but for some numbers.

    naming: which columns of `numbers` may name the rows; without any, or any other column, no example counts.
    """

    def shown(one: Rows) -> list[bytes]:
        kept = (np.delete(one.numbers, naming, axis=1), one.categories, one.targets[:, None])
        return [row.tobytes() for row in np.concatenate(kept, axis=1, dtype=np.float64)]

    columns = rows.numbers.shape[1] + rows.categories.shape[1]
    if not len(naming) or len(naming) == columns:
        return 0
    known = set(shown(others))
    return sum(one in known for one in shown(rows))


def refuse_same(files: dict[str, Rows]) -> None:
    """Raises ValueError if two of the files hold the same examples, in whatever order and format.

    files: by what they are, as "the validation file" or "source 2".
    """
    contents = {name: sorted(rows.examples) for name, rows in files.items()}
    for one, other in combinations(files, 2):
        if contents[one] == contents[other]:
            raise ValueError(
                f"{one} ({files[one].file}) and {other} ({files[other].file}) hold the same {len(contents[one])} "
                "examples: expected different files"
            )


def _refuse_one_class(rows: Rows, name: str, remedy: str) -> None:
    if rows.targets.dtype == np.int32 and not rows.responses and len(set(rows.targets.tolist())) < 2:
        raise ValueError(f"{name} have one class only, expected two or more: {remedy}")
