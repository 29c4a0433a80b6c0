"""Which kind of data a person's file holds, and which columns play which role: by their names and by what they hold."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from configs.common import one_of
from experiments.data import cells
from experiments.data.rows import Frame

ROLES = {"pairs": ("prompt", "response"), "text": ("text", "label"), "table": ("target",)}  # the surest first
OPTIONAL = {"pairs": ("context",)}
# names by which a column is known, in lower case, the surest first
TEXTS = ("text", "review", "sentence", "content", "comment", "message", "document", "tweet", "utterance", "post")
LABELS = ("label", "labels", "class", "category", "sentiment", "intent", "topic", "target", "y", "stars", "rating")
TARGETS = ("target", "label", "class", "y", "outcome")
PROMPTS = ("prompt", "instruction", "question", "query", "problem", "input", "inputs", "source")
RESPONSES = ("response", "completion", "output", "answer", "solution", "target", "targets")
CONTEXTS = ("input", "context")  # stand after the prompt where there is something in them
LEVELS = 50  # different texts of a column that counts as categories
CLASSES = 1000
FEW = 20  # different whole numbers that count as classes; different responses that count as labels
WORDS = 3  # in the mean, of a column of prose


class Profile(NamedTuple):
    """What a column holds.

    distinct: how many different cells, missing ones apart. missing: how many of those. numbers: whether it means
    numbers, in whatever form; whole: all of them whole ones; counts_rows: 0, 1, 2, ..., as frames write their index.
    various: whether it holds texts, most of them different; prose: of several words.
    """

    distinct: int
    missing: int
    numbers: bool
    whole: bool
    counts_rows: bool
    various: bool
    prose: bool


def profiles(frame: Frame) -> dict[str, Profile]:
    """The profile of every column that holds something."""
    found = {name: _profile(column) for name, column in frame.columns.items()}
    return {name: profile for name, profile in found.items() if profile.distinct}


def kind_of(frame: Frame, known: dict[str, Profile], kind: str, given: dict[str, str]) -> str:
    """The kind: as given, by itself or by a role; otherwise the first of ROLES that the columns fit.

    Raises ValueError for kinds and roles that do not exist or do not fit, and for a file of less than two columns.
    """
    roles = {role: kind for kind, names in ROLES.items() for role in (*names, *OPTIONAL.get(kind, ()))}
    kinds = {roles[one_of("role of a column", role, list(roles))] for role in given}
    kinds |= {one_of("kind", kind, list(ROLES))} if kind else set()
    if len(kinds) > 1:
        raise ValueError(f"kind and columns do not fit: expected one kind, found {', '.join(sorted(kinds))}")
    if len(known) < 2:
        why = "; ".join(frame.broken.values()) or f"found {cells.listed(frame.columns)}"
        raise ValueError(f"{frame.path}: expected at least two columns of texts or numbers, {why}")
    if kinds:
        return kinds.pop()
    return next(kind for kind in ROLES if set(ROLES[kind]) <= set(columns_of(known, frame.rows, kind, {})))


def columns_of(known: dict[str, Profile], rows: int, kind: str, given: dict[str, str]) -> dict[str, str]:
    """Role -> column: those given, and the others as far as they can be told; of a table always the target."""
    return {"pairs": _pairs, "text": _text, "table": _table}[kind](known, rows, given)


def few(profile: Profile, most: int, rows: int) -> bool:
    """Whether there are at most so many different cells, each twice in the mean."""
    return profile.distinct <= most and 2 * profile.distinct <= rows


def _profile(column: pa.ChunkedArray) -> Profile:
    there = column.filter(pa.array(~cells.blank(column)))
    distinct = pc.count_distinct(there).as_py()
    numbers = cells.means_numbers(column)
    various = not numbers and 2 * distinct > len(column)
    prose = various and pc.mean(pc.count_substring(there, " ")).as_py() + 1 >= WORDS
    counts = numbers and _counts_rows(column)
    return Profile(distinct, len(column) - len(there), numbers, numbers and _whole(column), counts, various, prose)


def _whole(column: pa.ChunkedArray) -> bool:
    values, wrong = cells.numbers(column)
    there = values[np.isfinite(values)]
    return not wrong.any() and bool((there == np.round(there)).all())


def _counts_rows(column: pa.ChunkedArray) -> bool:
    parts = (column.slice(0, 3), column)  # the whole only where it begins so
    return len(column) > 2 and all((np.diff(cells.numbers(part)[0]) == 1).all() for part in parts)


def _pairs(known: dict[str, Profile], rows: int, given: dict[str, str]) -> dict[str, str]:
    found = dict(given)
    if "prompt" not in found:
        _add(found, "prompt", _named([name for name, profile in known.items() if profile.various], PROMPTS))
    if "response" not in found:
        many = [name for name, profile in known.items() if not few(profile, FEW, rows)]
        if not _may_be_numbers(known, found.get("prompt")):
            many = [name for name in many if not known[name].numbers]
        _add(found, "response", _named(_without(many, found), RESPONSES))
    if "context" not in found:
        texts = [name for name, profile in known.items() if not profile.numbers]
        _add(found, "context", _named(_without(texts, found), CONTEXTS))
    return found


def _may_be_numbers(known: dict[str, Profile], prompt: str | None) -> bool:
    """Whether responses may be numbers: to questions of several words, in a file without columns of other numbers."""
    numbers = sum(profile.numbers and not profile.counts_rows for profile in known.values())
    return numbers <= 1 and prompt in known and known[prompt].prose


def _text(known: dict[str, Profile], rows: int, given: dict[str, str]) -> dict[str, str]:
    found = dict(given)
    names = [name for name, profile in known.items() if not profile.counts_rows]
    if "text" not in found:
        various = [name for name in _without(names, found) if known[name].various]
        prose = [name for name in various if known[name].prose]
        alone = len(prose) == 1 and (len(names) == 2 or "label" in found)
        _add(found, "text", _named(various, (*TEXTS, *PROMPTS)) or (prose[0] if alone else None))
    if "label" not in found:
        some = [name for name in _without(names, found) if few(known[name], CLASSES, rows)]
        _add(found, "label", _named(some, (*LABELS, *RESPONSES)) or (some[0] if len(some) == 1 else None))
    return found


def _table(known: dict[str, Profile], rows: int, given: dict[str, str]) -> dict[str, str]:
    return {"target": given.get("target") or _named(known, TARGETS) or list(known)[-1]}


def _add(found: dict[str, str], role: str, name: str | None) -> None:
    if name is not None:
        found[role] = name


def _without(names: Iterable[str], found: dict[str, str]) -> list[str]:
    return [name for name in names if name not in found.values()]


def _named(names: Collection[str], known: tuple[str, ...]) -> str | None:
    """The name that stands first among the known ones."""
    spelled = {name.lower(): name for name in names}
    return next((spelled[name] for name in known if name in spelled), None)
