"""What a person's own file is about: text classification, pairs or a table; which columns say so, which are left out.

A newcomer gives paths only: the kind is found by names of columns and what they hold, and said in words.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from configs.common import one_of
from experiments.data import cells
from experiments.data.rows import Frame

ROLES = {"text": ("text", "label"), "pairs": ("prompt", "response"), "table": ("target",)}
OPTIONAL = {"pairs": ("context",)}
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


class Options(NamedTuple):
    """What a person may say instead of having it found.

    kind: "text", "pairs" or "table". columns: role (text, label; prompt, context, response; target) -> name.
    target: of a table, "class" or "number". ignore: columns of a table that are left out.
    """

    kind: str = ""
    columns: dict[str, str] | None = None
    target: str = ""
    ignore: tuple[str, ...] = ()


class Schema(NamedTuple):
    """What all files must agree with.

    kind, columns: as in Options, complete. target: "class", "number" or "tokens". classes: labels of the real file in
    order. numeric: a table's columns of numbers. categorical: its columns of categories -> their texts in order.
    ignored: column -> why it is left out. said: what was found, in words, a sentence each.
    """

    kind: str
    columns: dict[str, str]
    target: str
    classes: list[str]
    numeric: list[str]
    categorical: dict[str, list[str]]
    ignored: dict[str, str]
    said: list[str]


def schema_of(real: Frame, options: Options = Options()) -> Schema:  # noqa: B008
    """What the real file is about.

    Raises ValueError for options that are unknown or do not fit, columns that are missing or hold texts and numbers,
    a file whose kind cannot be told, one class only, and a table without features.
    """
    given = dict(options.columns or {})
    kind = _kind(real, options.kind, given)
    columns = _columns(real, kind, given)
    if columns is None:
        wanted = " and ".join(role for role in ROLES[kind] if role not in given)
        raise ValueError(f"{real.path}: which column is {wanted}? Name them; found {', '.join(_usable(real))}")
    if options.target and kind != "table":
        raise ValueError(f"target={options.target} is for tables, {real.path} holds {kind}")
    for name in (*columns.values(), *options.ignore):
        column(real, name)
    numeric, categorical, ignored, classes = [], {}, {}, []  # type: ignore[var-annotated]
    target = "tokens"
    if kind == "table":
        target = _target(real, columns["target"], options.target)
        numeric, categorical, ignored = _features(real, columns["target"], options.ignore)
    elif kind == "text":
        target = "class"
    if target == "class":
        classes = _classes(real, columns["label" if kind == "text" else "target"])
    said = [_sentence(kind, columns, target, classes, numeric, categorical)]
    said += [f"Left out: column {name!r}, {why}." for name, why in ignored.items()]
    return Schema(kind, columns, target, classes, numeric, categorical, ignored, said)


def column(frame: Frame, name: str) -> pa.ChunkedArray:
    """A column of the file. Raises ValueError if it lacks it or cannot use it."""
    if name in frame.broken:
        raise ValueError(frame.broken[name])
    try:
        one_of("column", name, list(frame.columns))
    except ValueError as error:
        raise ValueError(f"{frame.path}: {error}") from None
    return frame.columns[name]


def _usable(frame: Frame) -> list[str]:
    return [name for name, found in frame.columns.items() if not cells.blank(found).all()]


def _kind(frame: Frame, kind: str, given: dict[str, str]) -> str:
    roles = {role: kind for kind, names in ROLES.items() for role in (*names, *OPTIONAL.get(kind, ()))}
    for role in given:
        one_of("role of a column", role, list(roles))
    kinds = {roles[role] for role in given} | ({one_of("kind", kind, list(ROLES))} if kind else set())
    if len(kinds) > 1:
        raise ValueError(f"columns and kind do not fit: expected one kind, found {', '.join(sorted(kinds))}")
    if kinds:
        return kinds.pop()
    if len(_usable(frame)) < 2:
        why = "; ".join(frame.broken.values()) or f"found {', '.join(frame.columns)}"
        raise ValueError(f"{frame.path}: expected at least two columns of texts or numbers, {why}")
    return next(kind for kind in ("pairs", "text", "table") if _columns(frame, kind, {}))


def _columns(frame: Frame, kind: str, given: dict[str, str]) -> dict[str, str] | None:
    """Roles -> columns; None if they cannot be told."""
    found = {"pairs": _pairs, "text": _text, "table": _table}[kind](frame, given)
    return found if all(role in found for role in ROLES[kind]) else None


def _pairs(frame: Frame, given: dict[str, str]) -> dict[str, str]:
    found = dict(given)
    names = _usable(frame)
    if "prompt" not in found and (prompt := _named(names, PROMPTS)) and _various(frame, prompt):
        found["prompt"] = prompt
    others = [name for name in names if name not in found.values()]
    if "response" not in found and (response := _named(others, RESPONSES)) and not _few(frame, response, FEW):
        found["response"] = response
    others = [name for name in others if name not in found.values()]
    if "context" not in found and (context := _named(others, CONTEXTS)) and cells.is_texts(frame.columns[context]):
        found["context"] = context
    return found


def _text(frame: Frame, given: dict[str, str]) -> dict[str, str]:
    found = dict(given)
    names = [name for name in _usable(frame) if not _counts_rows(frame.columns[name])]
    if "text" not in found:
        prose = [name for name in names if name != found.get("label") and _prose(frame, name)]
        text = _named([name for name in names if _various(frame, name)], (*TEXTS, *PROMPTS))
        if text or (len(prose) == 1 and (len(names) == 2 or "label" in found)):
            found["text"] = text or prose[0]
    if "label" not in found:
        few = [name for name in names if name != found.get("text") and _few(frame, name, CLASSES)]
        label = _named(few, (*LABELS, *RESPONSES))
        if label or len(few) == 1:
            found["label"] = label or few[0]
    return found


def _table(frame: Frame, given: dict[str, str]) -> dict[str, str]:
    names = _usable(frame)
    return {"target": given.get("target") or _named(names, TARGETS) or names[-1]}


def _named(names: Iterable[str], known: tuple[str, ...]) -> str | None:
    """The name that stands first among the known ones."""
    spelled = {name.lower(): name for name in names}
    return next((spelled[name] for name in known if name in spelled), None)


def _distinct(found: pa.ChunkedArray) -> int:
    return pc.count_distinct(found, mode="only_valid").as_py()


def _few(frame: Frame, name: str, most: int) -> bool:
    count = _distinct(frame.columns[name])
    return count <= most and 2 * count <= frame.rows


def _various(frame: Frame, name: str) -> bool:
    """Whether it holds texts, no numbers, most of them different."""
    found = frame.columns[name]
    return cells.is_texts(found) and 2 * _distinct(found) > frame.rows and not cells.means_numbers(found)


def _prose(frame: Frame, name: str) -> bool:
    if not _various(frame, name):
        return False
    return pc.mean(pc.count_substring(frame.columns[name], " ")).as_py() + 1 >= WORDS


def _counts_rows(found: pa.ChunkedArray) -> bool:
    """Whether it numbers the rows: 0, 1, 2, ..., as frames write their index."""
    if not cells.means_numbers(found):
        return False
    values, _ = cells.numbers(found)
    return len(values) > 2 and bool((np.diff(values) == 1).all())


def _target(frame: Frame, name: str, wanted: str) -> str:
    if wanted:
        return one_of("target", wanted, ("class", "number"))
    found = frame.columns[name]
    if not cells.means_numbers(found):
        return "class"
    values, wrong = cells.numbers(found)
    there = values[np.isfinite(values)]
    whole = not wrong.any() and bool((there == np.round(there)).all())
    return "class" if whole and _few(frame, name, FEW) else "number"


def _classes(frame: Frame, name: str) -> list[str]:
    _, classes = cells.labels(frame.columns[name])
    where = f"{frame.path}, column {name!r}"
    if len(classes) < 2:
        raise ValueError(f"{where}: expected at least two classes, found {', '.join(classes) or 'none'} only")
    if len(classes) > CLASSES or 2 * len(classes) > frame.rows:
        raise ValueError(
            f"{where}: expected classes, found {len(classes)} different labels in {frame.rows} rows; name other "
            "columns or another kind"
        )
    return classes


def _features(
    frame: Frame, target: str, ignore: tuple[str, ...]
) -> tuple[list[str], dict[str, list[str]], dict[str, str]]:
    numeric, categorical, ignored = [], {}, dict.fromkeys(ignore, "as asked")
    for name in {**frame.columns, **frame.broken}:
        if name == target or name in ignored:
            continue
        found = column(frame, name)
        count = _distinct(found)
        if count < 2:
            ignored[name] = "which holds the same in every row" if count else "which is empty"
        elif _counts_rows(found):
            ignored[name] = "which numbers the rows"
        elif cells.means_numbers(found):
            numeric.append(name)
        elif _few(frame, name, LEVELS):
            categorical[name] = cells.labels(found)[1]
        else:
            ignored[name] = f"which holds {count} different texts, no categories"
    if not numeric and not categorical:
        reasons = "; ".join(f"{name!r}, {why}" for name, why in ignored.items()) or "nothing else"
        raise ValueError(f"{frame.path}: expected features beside the target {target!r}, found {reasons}")
    return numeric, categorical, ignored


def _sentence(kind, columns, target, classes, numeric, categorical) -> str:
    roles = ", ".join(f"{role} = {name!r}" for role, name in columns.items())
    shown = ", ".join(classes[:10]) + (", ..." if len(classes) > 10 else "")
    about = f"{len(classes)} classes: {shown}" if classes else ""
    if kind == "text":
        return f"Text classification: {roles}; {about}."
    if kind == "pairs":
        return f"Pairs of prompt and response: {roles}."
    features = f"{len(numeric)} columns of numbers, {len(categorical)} of categories"
    return f"A table: {roles} ({about or 'a number'}); {features}."
