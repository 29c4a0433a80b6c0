"""A person's own files: what they hold is found, what does not fit is named, rows are split by what they show."""

import csv
import io
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from experiments.data import cells, own_kinds, own_splits, rows
from experiments.data.own_files import Options, schema_of
from experiments.data.own_rows import checked
from experiments.data.own_splits import refuse_same

N = 40
WORDS = ["a", "film", "so", "good", "that", "one", "would", "see", "it", "twice", "or", "not", "at", "all"]
TEXTS = [" ".join(words) for words in itertools.islice(itertools.permutations(WORDS, 4), 0, 97 * N, 97)]
OTHERS = [text.upper() for text in TEXTS]
SIDES = [("neg", "pos")[i % 2] for i in range(N)]
NUMBERS = [i * i / 7 for i in range(N)]
DIGITS = list(map(str, NUMBERS))
TABLE = {"row": list(range(N)), "size": NUMBERS, "colour": ["red", "blue"] * (N // 2), "who": OTHERS, "price": TEXTS}


def frame(**columns):
    return rows.from_columns("real.csv", columns)


def found(columns, options=Options()):  # noqa: B008
    schema = schema_of(rows.from_columns("real.csv", columns), options)
    return schema.kind, schema.columns, schema.target


@pytest.mark.parametrize(
    ("columns", "kind", "roles", "target"),
    [
        ({"text": TEXTS, "label": SIDES}, "text", {"text": "text", "label": "label"}, "class"),
        ({"Label": [0, 1] * 20, "Text": TEXTS}, "text", {"text": "Text", "label": "Label"}, "class"),
        ({"": range(N), "headline": TEXTS, "bait": SIDES}, "text", {"text": "headline", "label": "bait"}, "class"),
        ({"review": TEXTS, "stars": [1, 2, 3, 4] * 10, "size": NUMBERS, "seen": SIDES}, "text",
         {"text": "review", "label": "stars"}, "class"),
        ({"instruction": ["Which?"] * N, "input": TEXTS, "output": SIDES}, "text",
         {"text": "input", "label": "output"}, "class"),
        ({"prompt": TEXTS, "response": OTHERS}, "pairs", {"prompt": "prompt", "response": "response"}, "tokens"),
        ({"output": OTHERS, "instruction": TEXTS, "input": ["", "it"] * 20}, "pairs",
         {"prompt": "instruction", "response": "output", "context": "input"}, "tokens"),
        ({"question": TEXTS, "answer": [str(i) for i in range(N)], "topic": SIDES}, "pairs",
         {"prompt": "question", "response": "answer"}, "tokens"),
        ({"source": TEXTS, "size": NUMBERS, "target": NUMBERS}, "table", {"target": "target"}, "number"),
        ({"source": [f"site-{i}" for i in range(N)], "in": SIDES, "of": SIDES, "target": NUMBERS}, "table",
         {"target": "target"}, "number"),
        ({**TABLE, "price": NUMBERS}, "table", {"target": "price"}, "number"),
        ({**TABLE, "price": [0, 1] * 20}, "table", {"target": "price"}, "class"),
        ({"y": NUMBERS, "a": NUMBERS, "b": NUMBERS}, "table", {"target": "y"}, "number"),
        ({"class": SIDES, "a": NUMBERS, "name": TEXTS}, "table", {"target": "class"}, "class"),
    ],
)  # fmt: skip
def test_the_kind_is_found(columns, kind, roles, target):
    assert found({name or "column 1": list(values) for name, values in columns.items()}) == (kind, roles, target)


def test_what_a_person_says_goes_first():
    columns = {"text": TEXTS, "label": SIDES, "other": OTHERS, "size": [0, 1, 2, 3] * 10}
    roles = {"prompt": "other", "response": "text"}
    assert found(columns, Options(columns=roles)) == ("pairs", roles, "tokens")
    assert found(columns, Options(columns={"text": "other"})) == ("text", {"text": "other", "label": "label"}, "class")
    assert found(columns, Options(kind="table")) == ("table", {"target": "label"}, "class")
    assert found({**TABLE, "row": SIDES}, Options(ignore=("price", "who")))[1] == {"target": "colour"}
    roles = {"target": "size"}
    assert found(columns, Options(columns=roles, target="number")) == ("table", roles, "number")
    schema = schema_of(frame(**columns), Options(kind="table", ignore=("text",)))
    assert schema.ignored == {"text": "as asked", "other": f"{N} different texts"}
    assert (schema.numeric, schema.categorical) == (["size"], {})


def test_columns_of_a_table_are_numbers_categories_or_left_out():
    columns = {**TABLE, "same": [1] * N, "none": [None] * N, "month": ["1", "2.0"] * 20, "fan": ["yes", None] * 20}
    columns["mixed"] = [f"{i}.5" if i % 5 else "unknown" for i in range(N)]
    schema = schema_of(frame(**{**columns, "price": NUMBERS}), Options(columns={"target": "price"}))
    assert schema.numeric == ["size", "month"]
    assert schema.categorical == {"colour": ["blue", "red"], "fan": ["yes"]}
    reasons = {"row": "numbers the rows", "who": "40 different texts", "same": "the same in every row", "none": "empty"}
    reasons["mixed"] = "33 different texts, in 80% of the rows numbers, in others not, such as 'unknown'"
    assert schema.ignored == reasons
    assert schema.said == [
        "A table: target = 'price' (a number); 2 columns of numbers, 2 of categories.",
        "Left out: " + ", ".join(f"{name!r} ({why})" for name, why in reasons.items()) + ".",
    ]
    assert schema_of(frame(**NUMBER)).said[0].startswith("A table: target = 'price', the last column (a number); ")
    found = checked(frame(**{**columns, "price": NUMBERS}), schema)
    np.testing.assert_array_equal(found.numbers, np.stack([NUMBERS, [1, 2] * 20], 1))
    np.testing.assert_array_equal(found.categories, np.stack([[1, 0] * 20, [0, -1] * 20], 1))
    np.testing.assert_array_equal(found.targets, NUMBERS)
    assert (found.texts, found.responses, found.targets.dtype) == ([], [], np.float64)


REFUSED = [
    ({"text": TEXTS}, Options(), "expected at least two columns of texts or numbers, found text"),
    ({"messages": [[1]] * N}, Options(), "column 'messages': expected a text or a number, found list"),
    (
        {"text": TEXTS, "label": ["pos"] * N},
        Options(kind="text"),
        "column 'label': expected at least two classes, .*pos",
    ),
    (
        {"text": TEXTS, "label": OTHERS},
        Options(kind="text"),
        r"which column is the label\? Name it, as --config.columns.label=NAME; found",
    ),
    ({"text": TEXTS, "label": OTHERS}, Options(columns={"label": "label"}), "expected classes, found 40 different"),
    ({"a": TEXTS, "b": OTHERS}, Options(), "expected features|expected classes, found 40 different labels in 40 rows"),
    ({"a": TEXTS, "b": OTHERS}, Options(kind="pairs"), "which column is the prompt and which the response"),
    ({"text": TEXTS, "label": SIDES}, Options(kind="txt"), "unknown kind 'txt': did you mean 'text'"),
    ({"text": TEXTS, "label": SIDES}, Options(columns={"txt": "text"}), "unknown role of a column 'txt'"),
    ({"text": TEXTS, "label": SIDES}, Options("pairs", {"text": "text"}), "kind and columns do not fit"),
    ({"text": TEXTS, "label": SIDES}, Options(columns={"text": "txt"}), "a column 'txt', .*did you mean 'text'"),
    (TABLE, Options(columns={"target": "size"}, ignore=("size",)), "the column 'size' is named twice"),
    ({"text": TEXTS, "label": SIDES}, Options(columns={"text": "text", "label": "text"}), "'text' is named twice"),
    ({"text": TEXTS, "label": SIDES}, Options(ignore=("size",)), "expected a column 'size', found text, label"),
    ({"text": TEXTS, "label": SIDES}, Options(target="class"), "target=class is for tables"),
    ({**TABLE, "price": NUMBERS}, Options(target="price"), "unknown target 'price'"),
    (
        {"a": [1] * N, "y": NUMBERS},
        Options(),
        r"expected features beside the target 'y', found 'a' \(the same in every row\)",
    ),
]


@pytest.mark.parametrize(("columns", "options", "words"), REFUSED, ids=range(len(REFUSED)))
def test_files_that_cannot_be_told_are_refused(columns, options, words):
    with pytest.raises(ValueError, match=words) as caught:
        schema_of(frame(**columns), options)
    assert "\n" not in str(caught.value)


def test_a_file_of_two_columns_of_texts_is_told_what_to_say():
    columns = {"title": OTHERS, "body": TEXTS, "label": SIDES}
    with pytest.raises(ValueError, match=r"--config.kind=text --config.columns.text=.* --config.columns.label=label"):
        schema_of(frame(**columns))
    assert schema_of(frame(**columns), Options("text", {"text": "body", "label": "label"})).kind == "text"


def test_numbers_that_name_the_rows_are_pointed_out():
    columns = {"id": [(7 * i) % N for i in range(N)], "size": [i / 3 for i in range(N)], "price": NUMBERS}
    schema = schema_of(frame(**columns))
    assert schema.numeric == ["id", "size"]
    assert schema.said[1] == (
        "Different whole numbers in every row: 'id'. What only names the rows is best left out: --config.ignore=id."
    )


def test_long_whole_numbers_keep_their_digits_or_are_refused(tmp_path):
    names = [2**53, 2**53 + 1]  # the same as float64
    expected = [str(name) for name in names]
    file = "text,label\n" + "".join(f"{text},{name}\n" for text, name in zip(TEXTS, names * 20, strict=True))
    (tmp_path / "a.csv").write_text(file)
    for one in (frame(text=TEXTS, label=names * 20), rows.read(tmp_path / "a.csv")):
        assert schema_of(one).classes == expected
    content = [json.dumps({"text": text, "label": name}) for text, name in zip(TEXTS, names * 20, strict=True)]
    (tmp_path / "b.jsonl").write_text("\n".join(content))
    with pytest.raises(ValueError, match=r"row 1 \(line 2\), column 'label': expected a number of at most 15 digits"):
        schema_of(rows.read(tmp_path / "b.jsonl"), Options("text", {"label": "label"}))


def test_other_columns_of_texts_have_no_role():
    schema = schema_of(frame(**TEXT, stars=NUMBERS, tags=[["a"]] * N))
    assert schema.ignored == {"stars": "no role", "tags": "no role"}
    assert schema.said == [
        "Text classification: text = 'text', label = 'label'; 2 classes: neg, pos.",
        "Left out: 'stars' (no role), 'tags' (no role).",
    ]


def test_the_page_says_what_the_code_does():
    page = Path(own_kinds.__file__).with_name("README.md").read_text()
    assert tuple(re.findall(r"(\.[a-z]+)(?=[, ])", "".join(re.findall(r"^\| (\..*?)\|", page, re.MULTILINE)))) == (
        *rows.JSON, *rows.CSV, *rows.PARQUET
    )  # fmt: skip
    assert f"at most {own_kinds.FEW} different whole numbers" in page
    assert f"at most {own_kinds.LEVELS} different texts" in page
    assert (cells.MOSTLY, own_splits.SHARE) == (0.9, 4)
    assert f"a quarter of the real\nexamples, at most {own_splits.MOST:,}" in page
    assert re.findall(r"^\| (\w+) \| ", page, re.MULTILINE)[2:] == list(own_kinds.ROLES)


def test_the_same_rows_are_the_same_in_every_format(tmp_path):
    labels = [("1", "0")[i % 2] for i in range(N)]
    records = [{"text": text, "label": label} for text, label in zip(TEXTS, labels, strict=True)]
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("label", "text"), *((label, text) for text, label in zip(TEXTS, labels, strict=True))])
    (tmp_path / "a.csv").write_text(file.getvalue())
    (tmp_path / "b.jsonl").write_text("".join(json.dumps({**r, "label": int(r["label"])}) + "\n" for r in records))
    table = pa.table({"text": TEXTS, "label": [float(label) for label in labels]})
    parquet.write_table(table, tmp_path / "c.parquet")
    (tmp_path / "d.json").write_text(json.dumps([{**r, "label": f" {r['label']} "} for r in records]))
    frames = [rows.read(path) for path in sorted(tmp_path.iterdir())]
    schema = schema_of(frames[0])
    assert schema.classes == ["0", "1"]
    read = [checked(one, schema) for one in frames]
    for one in read:
        assert one.texts == TEXTS
        assert one.targets.tolist() == [1, 0] * 20
        assert (one.inputs, one.examples) == (read[0].inputs, read[0].examples)
    for one, other in itertools.combinations(range(4), 2):
        with pytest.raises(ValueError, match=r"real \(.*\) and source \(.*\) hold the same 40 examples"):
            refuse_same({"real": read[one], "source": read[other].take(np.arange(N)[::-1])})
    refuse_same({"real": read[0], "source": read[1].take(np.arange(N - 1))})
    assert [schema_of(frame(text=TEXTS, label=values)).classes for values in
            (["b", "A"] * 20, [10, 9] * 20, [True, False] * 20, ["TRUE", "false"] * 20, [0.5, 2] * 20)
            ] == [["A", "b"], ["9", "10"], ["false", "true"], ["false", "true"], ["0.5", "2"]]  # fmt: skip


TEXT = {"text": TEXTS, "label": SIDES}
NUMBER = {"size": NUMBERS, "colour": ["red", "blue"] * 20, "price": NUMBERS}
PAIRS = {"question": TEXTS, "answer": OTHERS}


def put(values, row, value):
    return [*values[:row], value, *values[row + 1 :]]


WRONG = [
    (TEXT, {"text": TEXTS}, "mine: expected a column 'label', found text", None),
    (TEXT, {"text": TEXTS, "Label": SIDES}, "expected a column 'label', found text, Label, did you mean 'Label'", None),
    (TEXT, {**TEXT, "text": NUMBERS}, "column 'text': expected texts, found numbers", None),
    (TEXT, {**TEXT, "text": DIGITS}, "column 'text': expected texts, found numbers", None),
    (TEXT, {**TEXT, "text": put(TEXTS, 3, " \n")}, "mine, row 3, column 'text': expected a text", "no text"),
    (TEXT, {**TEXT, "text": put(TEXTS, 3, None)}, "row 3, column 'text': expected a text, found nothing", "no text"),
    (TEXT, {**TEXT, "label": put(SIDES, 7, "")}, "row 7, column 'label': expected a label, found nothing", "no label"),
    (TEXT, {**TEXT, "label": put(SIDES, 7, "Pos")},
     r"row 7, column 'label': expected a label of .* \(neg, pos\), found 'Pos'", "label not in the real file"),
    (TEXT, {**TEXT, "label": put(put(SIDES, 7, "?"), 9, "?")}, r"found '\?' \(and 1 more rows\)", None),
    (PAIRS, {**PAIRS, "answer": put(OTHERS, 0, "")}, "row 0, column 'answer': expected a text", "no response"),
    (PAIRS, {**PAIRS, "question": put(TEXTS, 0, "")}, "row 0, column 'question': expected a text", "no prompt"),
    (PAIRS, {**PAIRS, "question": NUMBERS}, "column 'question': expected texts, found numbers", None),
    (NUMBER, {**NUMBER, "size": put(DIGITS, 5, "1,5")},
     "row 5, column 'size': expected a finite number, with a decimal point, found '1,5'", "no number in 'size'"),
    (NUMBER, {**NUMBER, "size": put(DIGITS, 5, "inf")}, "row 5, column 'size'", "no number in 'size'"),
    (NUMBER, {**NUMBER, "size": put(DIGITS, 5, "1e999")}, "row 5, column 'size'", "no number in 'size'"),
    (NUMBER, {**NUMBER, "size": put(DIGITS, 5, "NA")},
     "row 5, column 'size': expected a number, found nothing", "no number in 'size'"),
    (NUMBER, {**NUMBER, "size": put(NUMBERS, 5, float("inf"))}, "found inf", "no number in 'size'"),
    (NUMBER, {**NUMBER, "size": put(NUMBERS, 5, None)}, "row 5, column 'size'", "no number in 'size'"),
    (NUMBER, {**NUMBER, "size": TEXTS}, r"row 0, column 'size': expected a finite .*\(and 39 more rows\)", None),
    (NUMBER, {**NUMBER, "price": put(NUMBERS, 5, None)}, "row 5, column 'price'", "no number in 'price'"),
    (NUMBER, {**NUMBER, "colour": NUMBERS}, r"column 'colour': expected categories \(blue, red", None),
]  # fmt: skip


@pytest.mark.parametrize(("real", "source", "words", "why"), WRONG, ids=range(len(WRONG)))
def test_rows_that_do_not_fit_the_real_file_are_named_or_left_out(real, source, words, why):
    schema = schema_of(frame(**real), Options(columns={"target": "price"} if real is NUMBER else None))
    other = rows.from_columns("mine", source)
    with pytest.raises(ValueError, match=words):
        checked(other, schema)
    if why:
        read = checked(other, schema, leave_out=True)
        assert (len(read.row), read.left_out, read.total) == (N - 1, {why: 1}, N)
        place = next(i for i, row in enumerate([*read.row, -1]) if row != i)
        whole = checked(frame(**real), schema)
        assert read.inputs == [*whole.inputs[:place], *whole.inputs[place + 1 :]]


def test_a_row_of_a_file_is_named_by_its_line(tmp_path):
    (tmp_path / "a.csv").write_text('text,label\n"a\nb",pos\n\nc,bad\n')
    with pytest.raises(
        ValueError, match=r"a\.csv, row 1 \(line 5\), column 'label': expected a label of the real file"
    ):
        checked(rows.read(tmp_path / "a.csv"), schema_of(frame(**TEXT)))


def test_nothing_left_and_unseen_categories():
    schema = schema_of(frame(**TEXT))
    with pytest.raises(ValueError, match=r"mine: nothing is left of 40 rows: .*'label not in the real file': 40"):
        checked(rows.from_columns("mine", {**TEXT, "label": ["x"] * N}), schema, leave_out=True)
    schema = schema_of(frame(**NUMBER), Options(columns={"target": "price"}))
    source = rows.from_columns("mine", {**NUMBER, "colour": ["green", "red"] * 20, "more": SIDES})
    assert checked(source, schema).categories[:, 0].tolist() == [-1, 1] * 20
    source = rows.from_columns("mine", {**NUMBER, "colour": ["R", "B"] * 20, "more": SIDES})
    with pytest.raises(ValueError, match=r"column 'colour': expected categories .*found none of them in 40 rows: B, R"):
        checked(source, schema)


def test_a_country_called_na_is_a_country():
    schema = schema_of(frame(land=["NA", "US"] * 20, size=NUMBERS, target=SIDES))
    assert schema.categorical == {"land": ["NA", "US"]}


def test_a_context_stands_after_its_prompt():
    real = frame(instruction=TEXTS, input=["", "Look here."] * 20, output=OTHERS)
    read = checked(real, schema_of(real))
    assert read.texts == [text + ("\n\nLook here." if i % 2 else "") for i, text in enumerate(TEXTS)]
    assert read.responses == OTHERS
    assert len(set(read.examples)) == N
