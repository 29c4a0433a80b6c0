"""What a person's own file is about: text classification, pairs or a table; which columns say so, which are left out.

A newcomer gives paths only: the kind is found by names of columns and what they hold, and said in words.
"""

import difflib
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from configs.common import one_of
from experiments.data import cells
from experiments.data.own_kinds import CLASSES, FEW, LEVELS, ROLES, TARGETS, Profile, columns_of, few, kind_of, profiles
from experiments.data.rows import Frame

HALF = 0.5  # of the rows: a column of texts that holds as many numbers is said to


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
    ignored: column -> why it is left out. said: what was found, in words, a sentence each. naming: columns of numbers
    that may but name the rows, as an id does.
    """

    kind: str
    columns: dict[str, str]
    target: str
    classes: list[str]
    numeric: list[str]
    categorical: dict[str, list[str]]
    ignored: dict[str, str]
    said: list[str]
    naming: list[str]


def schema_of(real: Frame, options: Options = Options()) -> Schema:  # noqa: B008
    """What the real file is about.

    Raises ValueError for options that are unknown or do not fit, columns that are missing or hold texts and numbers,
    a file whose kind cannot be told, one class only, and a table without features.
    """
    given = dict(options.columns or {})
    said_of = [*given.values(), *options.ignore]
    for name in said_of:
        column(real, name)
        if said_of.count(name) > 1:
            raise ValueError(f"the column {name!r} is named twice: expected one role for a column, or none")
    known = {name: profile for name, profile in profiles(real).items() if name not in options.ignore}
    kind = kind_of(real, known, options.kind, given)
    columns = columns_of(known, real.rows, kind, given)
    wanted = [role for role in ROLES[kind] if role not in columns]
    if wanted:
        raise ValueError(
            f"{real.path}: which column is the {' and which the '.join(wanted)}? Name it, as "
            f"--config.columns.{wanted[0]}=NAME; found {cells.listed(known)}"
        )
    if options.target and kind != "table":
        raise ValueError(f"target={options.target} is for tables, but the kind of {real.path} is {kind}")
    empty = next((name for role, name in columns.items() if name not in known), None)
    if empty is not None:
        raise ValueError(f"{real.path}, column {empty!r}: expected texts or numbers, found nothing")
    target = {"text": "class", "pairs": "tokens"}.get(kind) or _target(real, known, columns["target"], options.target)
    numeric: list[str] = []
    categorical: dict[str, list[str]] = {}
    ignored = {name: "no role" for name in (*real.columns, *real.broken) if name not in columns.values()}
    if kind == "table":
        numeric, categorical, ignored = _features(real, known, columns["target"], options)
    classes = _classes(real, columns.get("label") or columns["target"]) if target == "class" else []
    guessed = kind == "table" and "target" not in given and columns["target"].lower() not in TARGETS
    said = [_sentence(kind, columns, guessed, classes, numeric, categorical)]
    said += [f"Left out: {reasons(ignored)}."] if ignored else []
    names = [name for name in numeric if _names_rows(real, known[name])]
    if names:
        said.append(
            f"Different whole numbers in every row: {cells.listed([repr(name) for name in names])}. What only names "
            f"the rows is best left out: --config.ignore={cells.argument(','.join(names))}."
        )
    return Schema(kind, columns, target, classes, numeric, categorical, ignored, said, names)


def column(frame: Frame, name: str) -> pa.ChunkedArray:
    """A column of the file. Raises ValueError if it lacks it, with the nearest name, or cannot use it."""
    if name in frame.broken:
        raise ValueError(frame.broken[name])
    if name not in frame.columns:
        near = difflib.get_close_matches(name, frame.columns, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{frame.path}: expected a column {name!r}, found {cells.listed(frame.columns)}{hint}")
    return frame.columns[name]


def _target(frame: Frame, known: dict[str, Profile], name: str, wanted: str) -> str:
    if wanted:
        return one_of("target", wanted, ("class", "number"))
    if not known[name].numbers:
        return "class"
    return "class" if known[name].whole and few(known[name], FEW, frame.rows) else "number"


def _classes(frame: Frame, name: str) -> list[str]:
    _, classes = cells.labels(frame.columns[name])
    where = f"{frame.path}, column {name!r}"
    if len(classes) < 2:
        raise ValueError(f"{where}: expected at least two classes, found {cells.listed(classes) or 'none'} only")
    if len(classes) > CLASSES or 2 * len(classes) > frame.rows:
        raise ValueError(
            f"{where}: expected classes, found {len(classes)} different labels in {frame.rows} rows; say what "
            "it is, as --config.kind=pairs or --config.columns.label=NAME"
        )
    return classes


def _features(
    frame: Frame, known: dict[str, Profile], target: str, options: Options
) -> tuple[list[str], dict[str, list[str]], dict[str, str]]:
    """Columns of numbers; those of categories, with their texts; those left out, with the reason."""
    numeric, categorical, ignored = [], {}, dict.fromkeys(options.ignore, "as asked")
    for name in (*frame.columns, *frame.broken):
        if name == target or name in ignored:
            continue
        found, profile = column(frame, name), known.get(name)
        if profile is None:
            ignored[name] = "empty"
        elif profile.distinct < 2 and (profile.numbers or not profile.missing):
            ignored[name] = "the same in every row"
        elif profile.counts_rows:
            ignored[name] = "numbers the rows"
        elif profile.numbers:
            numeric.append(name)
        elif few(profile, LEVELS, frame.rows):
            categorical[name] = cells.labels(found)[1]
        else:
            ignored[name] = f"{profile.distinct} different texts{half_numbers(found, HALF)}"
    if not numeric and not categorical:
        other = (
            f"; if it is no table, say what it is, as --config.kind=text --config.columns.text="
            f"{cells.argument(_longest(known, target))} --config.columns.label={cells.argument(target)}"
        )
        raise ValueError(
            f"{frame.path}: expected features beside the target {target!r}, found {reasons(ignored) or 'none'}"
            f"{'' if options.kind else other}"
        )
    return numeric, categorical, ignored


def half_numbers(found: pa.ChunkedArray, least: float) -> str:
    """In words that a column of texts holds numbers in that share of its rows or more, and what it holds else."""
    values, wrong = cells.numbers(found)
    if np.isfinite(values).mean() < least:
        return ""
    other = cells.shown(found, int(wrong.argmax()))
    return f", in {np.isfinite(values).mean():.0%} of the rows numbers, in others not, such as {other}"


def _names_rows(frame: Frame, profile: Profile) -> bool:
    """Whether a column of numbers may name the rows in any order, as an id: all whole, no two the same."""
    return profile.whole and profile.distinct + profile.missing == frame.rows


def _longest(known: dict[str, Profile], target: str) -> str:
    """The column that is likeliest one of texts."""
    return max((name for name in known if name != target), key=lambda name: known[name].prose, default="NAME")


def reasons(ignored: dict[str, str]) -> str:
    """The columns of Schema.ignored in words, each with why it is left out."""
    return cells.listed([f"{name!r} ({why})" for name, why in ignored.items()])


def _sentence(
    kind: str,
    columns: dict[str, str],
    guessed: bool,
    classes: list[str],
    numeric: list[str],
    categorical: dict[str, list[str]],
) -> str:
    roles = ", ".join(f"{role} = {name!r}" for role, name in columns.items()) + guessed * ", the last column"
    about = f"{len(classes)} classes: {cells.listed(classes)}" if classes else "a number"
    return {
        "text": f"Text classification: {roles}; {about}.",
        "pairs": f"Pairs of prompt and response: {roles}.",
        "table": f"A table: {roles} ({about}); {len(numeric)} columns of numbers, {len(categorical)} of categories.",
    }[kind]
