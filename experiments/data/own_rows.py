"""Rows of a person's file as arrays, checked against the schema of the real file, and by their content."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from experiments.data import cells
from experiments.data.own_files import Schema, column
from experiments.data.rows import Frame


class Rows(NamedTuple):
    """Examples of a file, n of them.

    file: its path. total: rows in the file. row: (n,) place in the file, from 0 on. texts: n texts, or prompts (the
    context after it); [] of a table. responses: n of pairs, else []. numbers: (n, p) float64, the schema's numeric
    columns. categories: (n, q) int32, its categorical ones; -1: a text that the real file lacks, or missing.
    targets: (n,) int32 class, or float64 number; zeros for pairs. inputs, examples: n hashes of what an example shows
    to a learner without and with its target: equal where they are the same, byte for byte. left_out: why -> how many.
    """

    file: str
    total: int
    row: np.ndarray
    texts: list[str]
    responses: list[str]
    numbers: np.ndarray
    categories: np.ndarray
    targets: np.ndarray
    inputs: list[bytes]
    examples: list[bytes]
    left_out: dict[str, int]

    def take(self, index: np.ndarray) -> "Rows":
        """The examples at those places, (m,) int, or where (n,) bool."""
        places = np.arange(len(self.row))[index]
        texts, responses, inputs, examples = (
            [values[i] for i in places] if values else []
            for values in (self.texts, self.responses, self.inputs, self.examples)
        )
        return self._replace(
            row=self.row[places],
            texts=texts,
            responses=responses,
            numbers=self.numbers[places],
            categories=self.categories[places],
            targets=self.targets[places],
            inputs=inputs,
            examples=examples,
        )


class Fault(NamedTuple):
    """Rows (n,) bool that cannot be used for a cell of a column; what was expected there, found, and why in short.

    found: None to show the cell.
    """

    rows: np.ndarray
    column: str
    expected: str
    found: str | None
    why: str


def checked(frame: Frame, schema: Schema, *, leave_out: bool = False, remedy: str = "") -> Rows:
    """The examples of a file, real one, validation or source.

    leave_out: whether rows without a text, a number, a target, or with a label that the real file lacks are left out
    and counted; otherwise the first one raises ValueError that names file, row, line and column. Categories that the
    real file lacks are none of them, nor are missing ones, and no error, unless a column holds nothing else. remedy:
    how the message about such a row ends, where its reader can do more than mend it. Raises ValueError for missing
    columns and if nothing is left.
    """
    texts, responses, faults = _texts(frame, schema)
    numbers, categories = _features(frame, schema, faults)
    targets = _targets(frame, schema, faults)
    used, left_out = _used(frame, faults, leave_out, remedy)
    inputs = _digests([text.encode() for text in texts] or _row_bytes(numbers, categories))
    outputs = [response.encode() for response in responses] or _row_bytes(targets[:, None])
    examples = _digests(shown + output for shown, output in zip(inputs, outputs, strict=True))
    row = np.arange(frame.rows)
    rows = Rows(frame.path, frame.rows, row, texts, responses, numbers, categories, targets, inputs, examples, left_out)
    return rows if used.all() else rows.take(used)


def _texts(frame: Frame, schema: Schema) -> tuple[list[str], list[str], list[Fault]]:
    """Texts or prompts, responses, and what is wrong with them."""
    found = {role: column(frame, name) for role, name in schema.columns.items() if role not in ("label", "target")}
    faults = [
        Fault(cells.blank(content), schema.columns[role], "a text", "nothing", f"no {role}")
        for role, content in found.items()
        if role != "context"
    ]
    for role, content in found.items():
        if role != "response" and (not cells.is_texts(content) or (role == "text" and cells.means_numbers(content))):
            raise ValueError(f"{frame.path}, column {schema.columns[role]!r}: expected texts, found numbers")
    texts = {role: cells.texts(content) for role, content in found.items()}
    prompts = texts.get("text") or texts.get("prompt") or []
    if "context" in texts:
        both = zip(prompts, texts["context"], strict=True)
        prompts = [f"{prompt}\n\n{context}" if context.strip() else prompt for prompt, context in both]
    return prompts, texts.get("response") or [], faults


def _features(frame: Frame, schema: Schema, faults: list[Fault]) -> tuple[np.ndarray, np.ndarray]:
    """Columns of numbers (n, p) and of categories (n, q); adds what is wrong with them."""
    numbers = np.zeros((frame.rows, len(schema.numeric)))
    categories = np.zeros((frame.rows, len(schema.categorical)), np.int32)
    for i, name in enumerate(schema.numeric):
        numbers[:, i] = _numbers(frame, name, faults)
    for i, (name, levels) in enumerate(schema.categorical.items()):
        if cells.means_numbers(column(frame, name)):
            known = cells.listed(levels)
            raise ValueError(f"{frame.path}, column {name!r}: expected categories ({known}), found numbers")
        categories[:, i] = _places(frame, name, levels)
        if (categories[:, i] < 0).all():
            known, found = cells.listed(levels), cells.listed(cells.labels(column(frame, name))[1]) or "nothing"
            raise ValueError(
                f"{frame.path}, column {name!r}: expected categories of the real file ({known}), found none of them in "
                f"{frame.rows} rows: {found}"
            )
    return numbers, categories


def _targets(frame: Frame, schema: Schema, faults: list[Fault]) -> np.ndarray:
    """Classes or numbers (n,); adds what is wrong with them."""
    if schema.target == "tokens":
        return np.zeros(frame.rows, np.int32)
    name = schema.columns.get("label") or schema.columns["target"]
    if schema.target == "number":
        return _numbers(frame, name, faults)
    places = _places(frame, name, schema.classes)
    absent = cells.blank(column(frame, name))
    known = cells.listed(schema.classes)
    faults += [
        Fault(absent, name, "a label", "nothing", "no label"),
        Fault(~absent & (places < 0), name, f"a label of the real file ({known})", None, "label not in the real file"),
    ]
    return places


def _numbers(frame: Frame, name: str, faults: list[Fault]) -> np.ndarray:
    values, wrong = cells.numbers(column(frame, name))
    faults += [
        Fault(wrong, name, "a finite number, with a decimal point", None, f"no number in {name!r}"),
        Fault(np.isnan(values) & ~wrong, name, "a number", "nothing", f"no number in {name!r}"),
    ]
    return values


def _used(frame: Frame, faults: list[Fault], leave_out: bool, remedy: str) -> tuple[np.ndarray, dict[str, int]]:
    """Which rows (n,) have no fault; why -> how many have one. Raises ValueError for the first unless leave_out."""
    used = np.ones(frame.rows, bool)
    left_out: dict[str, int] = {}
    for fault in faults:
        wrong = fault.rows & used
        if wrong.any():
            left_out[fault.why] = left_out.get(fault.why, 0) + int(wrong.sum())
            used = used & ~wrong
    if not leave_out and left_out:
        first = min((fault for fault in faults if fault.rows.any()), key=lambda fault: int(np.argmax(fault.rows)))
        row = int(np.argmax(first.rows))
        found = first.found or cells.shown(column(frame, first.column), row)
        more = "" if used.sum() == frame.rows - 1 else f" (and {frame.rows - int(used.sum()) - 1} more rows)"
        raise ValueError(f"{frame.where(row, first.column)}: expected {first.expected}, found {found}{more}{remedy}")
    if not used.any():
        raise ValueError(f"{frame.path}: nothing is left of {frame.rows} rows: {left_out}")
    return used, left_out


def _places(frame: Frame, name: str, known: list[str]) -> np.ndarray:
    """Place of each cell's label among the known ones, (n,) int32; -1 for others."""
    found, labels = cells.labels(column(frame, name))
    place = {label: i for i, label in enumerate(known)}
    return np.array([*(place.get(label, -1) for label in labels), -1], np.int32)[found]


def _row_bytes(*arrays: np.ndarray) -> list[bytes]:
    """The bytes of each row; zero has but one sign."""
    whole = np.concatenate([np.ascontiguousarray(array + 0).view(np.uint8) for array in arrays if array.size], axis=1)
    width = whole.shape[1]
    content = whole.tobytes()
    return [content[i : i + width] for i in range(0, len(content), width)]


def _digests(contents: Iterable[bytes]) -> list[bytes]:
    return [hashlib.blake2b(content, digest_size=16).digest() for content in contents]
