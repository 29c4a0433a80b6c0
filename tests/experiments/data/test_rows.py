"""Files of rows: what was written is read, whatever the format; what is broken is named, in one line."""

import csv
import gzip
import io
import json
import math
import tracemalloc
import zlib
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from experiments.data import rows

# what must not change how a row is split, nor be changed itself
TEXTS = [
    "plain",
    "comma, semicolon; tab\tend",
    'a "quote", and ""two""',
    "lines\nof\r\nthree",
    "separators\u2028of\x0blines\x85there\x1c",
    "[{]}:\\n\\",
    " blanks  ",
    "é, 漢, 😀, \ufeff",
    "a,b\n1,2",
    "nan",
]
NUMBERS = [1.0, -2.5, 0.0, 1e-7, 12345678.25, 3.0, 4.0, 5.0, 6.0, 7.0]
RECORDS = [{"text": text, "n": number} for text, number in zip(TEXTS, NUMBERS, strict=True)]


def lines(records, end="\n") -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + end for record in records).encode()


def table(records, separator=",", end="\r\n") -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, records[0].keys(), delimiter=separator, lineterminator=end)
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue().encode()


def packed(records) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(records), file)
    return file.getvalue()


WRITTEN = {
    "lines.jsonl": lines(RECORDS),
    "crlf.jsonl": b"\r\n" + lines(RECORDS, "\r\n\r\n"),
    "no-end.ndjson": lines(RECORDS).rstrip(),
    "escaped.jsonl": "".join(json.dumps(record) + "\n" for record in RECORDS).encode(),
    "bom.JSONL": b"\xef\xbb\xbf" + lines(RECORDS),
    "utf-16.jsonl": lines(RECORDS).decode().encode("utf-16"),
    "utf-32.jsonl": lines(RECORDS).decode().encode("utf-32"),
    "array.json": json.dumps(RECORDS).encode(),
    "pretty.json": json.dumps(RECORDS, indent=2).encode(),
    "bom-array.json": b"\xef\xbb\xbf\n " + json.dumps(RECORDS, indent=1).encode(),
    "objects.json": "\n".join(json.dumps(record, indent=1) for record in RECORDS).encode(),
    "lines.jsonl.gz": gzip.compress(lines(RECORDS)),
    "unnamed-gz.jsonl": gzip.compress(lines(RECORDS)),
    "comma.csv": table(RECORDS),
    "semicolon.csv": table(RECORDS, ";", "\n"),
    "tab.tsv": table(RECORDS, "\t"),
    "excel.csv": b"\xef\xbb\xbf" + table(RECORDS, ";"),
    "declared.csv": b"\xef\xbb\xbfsep=;\r\n" + table(RECORDS, ";"),
    "declared.tsv": b"\nSEP=\t\n" + table(RECORDS, "\t", "\n"),
    "blank-lines.csv": b"\n" + table(RECORDS) + b"\r\n \r\n",
    "utf-16.csv": table(RECORDS).decode().encode("utf-16"),
    "returns.csv": table(RECORDS, ";", "\r"),
    "comma.csv.gz": gzip.compress(table(RECORDS)),
    "rows.parquet": packed(RECORDS),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_was_written_is_read(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(WRITTEN[name])
    frame = rows.read(path)
    assert (frame.path, frame.rows, frame.broken) == (str(path), len(RECORDS), {})
    assert list(frame.columns) == ["text", "n"]
    assert frame.columns["text"].to_pylist() == TEXTS
    assert [float(cell) for cell in frame.columns["n"].to_pylist()] == NUMBERS
    found = list(rows.each(path))
    assert [(row["text"], float(row["n"])) for _, row in found] == list(zip(TEXTS, NUMBERS, strict=True))
    assert [where for where, _ in found] == [frame.where(row) for row in range(frame.rows)]


def test_a_row_is_named_by_the_line_where_it_begins(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'\nx,y\n"1\n1",2\n\n3,4\r\n5,6\n7,8')
    (tmp_path / "a.json").write_bytes(b'[\n {"x": 1,\n  "y": 2}, {"x": 3,\n"y": 4},\n\n{"x": 5, "y": 6}]')
    assert rows.read(tmp_path / "a.csv").lines.tolist() == [3, 6, 7, 8]
    assert rows.read(tmp_path / "a.json").lines.tolist() == [2, 3, 6]
    assert rows.read(tmp_path / "a.csv").where(1, "x").endswith("a.csv, row 1 (line 6), column 'x'")


@pytest.mark.parametrize("header", ["0,1,2", ",0,1", "x,2019,2020"])
def test_names_of_columns_may_count(tmp_path, header):
    (tmp_path / "a.csv").write_text(header + "\n7,8,9\n")
    assert list(rows.read(tmp_path / "a.csv").columns) == [name or "column 1" for name in header.split(",")]


@pytest.mark.parametrize(("end", "other"), [("\n", "\r"), ("\r", "\n")])
def test_the_other_line_end_is_part_of_a_text(tmp_path, end, other):
    content = f'x,y{end}a{other}b,"c{other}{end}d"{end}"{other}",e{other}{other}f{end}'
    (tmp_path / "a.csv").write_bytes(content.encode())
    found = rows.read(tmp_path / "a.csv").columns
    assert found["x"].to_pylist() == [f"a{other}b", other]
    assert found["y"].to_pylist() == [f"c{other}{end}d", f"e{other}{other}f"]


def test_cells_of_other_types_become_texts_or_numbers(tmp_path):
    records = [
        {"whole": 1, "yes": True, "day": date(2024, 2, 29), "price": Decimal("1.25"), "none": None, "n": math.nan},
        {"whole": None, "yes": False, "day": None, "price": None, "none": None, "n": 2.0},
    ]
    (tmp_path / "a.parquet").write_bytes(packed(records))
    names = pa.table({"kind": pa.array(["a", "b"]).dictionary_encode(), "raw": pa.array([b"x", "é".encode()])})
    parquet.write_table(names, tmp_path / "b.parquet")
    expected = {
        "whole": [1.0, None],
        "yes": ["true", "false"],
        "day": ["2024-02-29", None],
        "price": [1.25, None],
        "none": [None, None],
        "n": [None, 2.0],
    }
    found = rows.read(tmp_path / "a.parquet").columns
    assert {name: column.to_pylist() for name, column in found.items()} == expected
    found = rows.read(tmp_path / "b.parquet").columns
    assert {name: column.to_pylist() for name, column in found.items()} == {"kind": ["a", "b"], "raw": ["x", "é"]}


def test_fields_that_some_rows_of_json_lack_are_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.data.columns.BATCH", 2)
    records = [{"a": None}, {"a": None, "b": True}, {"a": 1}, {}, {"a": 2.5, "c": "x"}, {"c": None}]
    (tmp_path / "a.jsonl").write_bytes(lines(records))
    found = rows.read(tmp_path / "a.jsonl").columns
    assert {name: column.to_pylist() for name, column in found.items()} == {
        "a": [None, None, 1.0, None, 2.5, None],
        "b": [None, "true", None, None, None, None],
        "c": [None, None, None, None, "x", None],
    }


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([{"a": 1}, {"a": None}, {"a": "1"}], r"row 2 \(line 3\), column 'a': expected a number, found a text"),
        ([{"a": "x"}, {"a": 1}, {"a": []}], r"row 1 \(line 2\), column 'a': expected a text, found a number"),
        ([{"a": True}, {"a": 1}], r"row 1 \(line 2\), column 'a': expected a truth value, found a number"),
        ([{}, {"a": [1]}], r"row 1 \(line 2\), column 'a': expected a text or a number, found a list"),
        ([{"a": {"b": 1}}], r"row 0 \(line 1\), column 'a': expected a text or a number, found an object"),
    ],
)
@pytest.mark.parametrize("batch", [1, 9])
def test_columns_of_several_kinds_are_named(tmp_path, monkeypatch, records, expected, batch):
    monkeypatch.setattr("experiments.data.columns.BATCH", batch)
    (tmp_path / "a.jsonl").write_bytes(lines([record | {"good": 1} for record in records]))
    frame = rows.read(tmp_path / "a.jsonl")
    assert list(frame.columns) == ["good"]
    with pytest.raises(ValueError, match=expected):
        raise ValueError(frame.broken["a"])


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
BROKEN = [
    ("a.jsonl", b"", "is empty"),
    ("a.jsonl", b" \n\n", "is empty"),
    ("a.csv", b"\xef\xbb\xbf", "is empty"),
    ("a.csv", b"x,y\n", "has no rows"),
    ("a.json", b"[]", "has no rows"),
    ("a.jsonl.gz", gzip.compress(b""), "is empty"),
    ("a.parquet", b"", "is empty"),
    ("a.parquet", packed(RECORDS[:0] or [{"a": 1}])[:-9], "cut off, damaged or no Parquet"),
    ("a.parquet", b"a,b\n1,2\n", "cut off, damaged or no Parquet"),
    ("a.parquet", POINTER, "a pointer of Git LFS.*git lfs pull"),
    ("a.jsonl", POINTER, "a pointer of Git LFS"),
    ("a.csv", POINTER, "a pointer of Git LFS"),
    ("a.csv", packed([{"a": 1}]), "is Parquet"),
    ("a.csv", b"PK\x03\x04\x14", "a zip archive, as Excel writes"),
    ("a.jsonl", b"<!DOCTYPE html>\n<html>", "a web page"),
    ("a.txt", b"x", "a.txt: expected a name that ends in .jsonl"),
    ("a.csv.gz", gzip.compress(table(RECORDS))[:-9], "cut off or damaged"),
    ("a.csv.gz", gzip.compress(table(RECORDS))[:30], "cut off or damaged"),
    ("a.csv.gz", gzip.compress(b"x\ncaf\xe9\n")[:-8] + b"????????", "cut off or damaged"),
    ("a.jsonl.gz", b"\x1f\x8b\x08\x00" + bytes(6) + zlib.compress(b"x")[4:] + b"????????", "cut off or damaged"),
    ("a.csv", b"x,y\n1,caf\xe9\n", r"line 2 \(byte 9\): expected UTF-8, found b'\\xe9'.*iconv"),
    ("a.jsonl", b'{"x": 1}\n{"x": "caf\xe9"}', r"line 2 \(byte 19\): expected UTF-8, found b'\\xe9'"),
    ("a.csv", gzip.compress(b"x,y\n1,caf\xe9\n"), r"line 2 \(byte 9\): expected UTF-8"),
    ("a.csv", "x,y\né,1\n".encode("utf-16-le"), r"line 2 \(byte 8\): expected UTF-8, .*save it as UTF-8"),
    ("a.csv", "x,y\na,1\n".encode("utf-16")[:-3], "expected UTF-16"),
    ("a.csv", b"x,y\n1,a\0\n", "line 2: found a NUL character"),
    ("a.csv", b"x,y\n1,2\n1,2,3\n", r"row 1 \(line 3\): expected 2 cells as in the header, found 3"),
    ("a.csv", b'x,y\n"1\n2",3\n4\n', r"row 1 \(line 4\): expected 2 cells as in the header, found 1"),
    ("a.csv", b'x,y\n1,"open\n2,3\n', r"row 0 \(line 2\): expected quotes that close"),
    ("a.csv", b'x,y\n1,"a"b\n', r"row 0 \(line 2\): expected quotes that close"),
    ("a.csv", b'x,y\n1,"open\n2,"a, b"\n', r"row 0 \(line 2\): expected quotes that close"),
    ("a.csv", b"x,x\n1,2\n", "expected names of columns that differ, found 'x' twice"),
    ("a.csv", b"good film,1\nbad film,0\n", "expected the names of the columns, found the number 1: give"),
    ("a.csv", b"good film,0\nbad film,1\n", "found the number 0: give"),
    ("a.csv", b"5.1,3.5,2\n", "expected the names of the columns, found the number 5.1"),
    ("a.csv", b"x,y;z\n1,2\n", "expected one separator"),
    ("a.csv", b"sep=;\n", r"a\.csv is empty"),
    ("a.csv", b'""\n', r"a\.csv has no names of columns: expected a header and rows"),
    ("a.jsonl", b'{"x": 1}\n{"x": \n{"x": 3}\n', r"row 1 \(line 2\): expected JSON"),
    ("a.jsonl", b'{"x": 1}\n{"x": 2', r"row 1 \(line 2\): expected JSON .*found 'the end'"),
    ("a.jsonl", b'{"x": 1}\n{"x": 2} {"x": 3}\n', r"row 1 \(line 2\): expected JSON \(more after the object"),
    ("a.jsonl", b'{"x": 1}\n[1, 2]\n', r"row 1 \(line 2\): expected an object with fields, found '\[1, 2\]"),
    ("a.json", b'[{"x": 1},\n{"x": 2}', r"row 1 \(line 2\): expected ',' or '\]' after it, found 'the end'"),
    ("a.json", b'[{"x": 1},\n{"x": 2},', r"row 2 \(line 2\): expected JSON"),
    ("a.json", b'[{"x": 1}\n{"x": 2}]', r"row 0 \(line 1\): expected ',' or '\]'"),
    ("a.json", b'[{"x": 1}]\n[{"x": 2}]', "expected ']' and nothing after it"),
    ("a.json", b'["a", "b"]', r"row 0 \(line 1\): expected an object with fields, found '\"a\"'"),
    ("a.json", b"hello", r"row 0 \(line 1\): expected JSON"),
    ("a.jsonl", b'{"x": 1}\n{"x": NaN}', r"row 1 \(line 2\): expected JSON \(found NaN, expected a finite"),
    ("a.jsonl", b'{"x": 1}\n{"x": -Infinity}', r"row 1 \(line 2\): expected JSON \(found -Infinity"),
    ("a.jsonl", b'{"x": 1, "y": 1, "x": 2}', r"row 0 \(line 1\): .*the field 'x' stands twice"),
    ("a.jsonl", b'{"x": 1}\n{"x": "\\ud83d!"}', r"row 1 \(line 2\), column 'x': found half a surrogate pair, .ud83d"),
    ("a.jsonl", b'{"x": 1}\n{"x": ["a", "\\uDE00"]}', r"column 'x': found half a surrogate pair, .ude00"),
    ("a.jsonl", b'{"\\ud83d": 1}', r"row 0 \(line 1\), column '.ud83d': found half a surrogate pair"),
    ("a.jsonl", b'{"x": 1}\n{"x": "a\\u0000"}', r"row 1 \(line 2\), column 'x': found a NUL"),
    ("a.jsonl", b'{"x": 1}\n{"x": "a\0"}', r"row 1 \(line 2\): found a NUL"),
    ("a.jsonl", b'{"x": ' + b"[" * 100_000, "too deep"),
    ("a.jsonl", b'{"x": 1' + b"0" * 5000 + b"}", r"row 0 \(line 1\): expected JSON \(Exceeds the limit"),
]


@pytest.mark.parametrize(("name", "content", "words"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_named_in_one_line(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words) as caught:
        rows.read(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_broken_columns_of_parquet_are_named(tmp_path):
    bad = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(np.array([0, 1, 2], np.int32)), pa.py_buffer(b"a\xff")]
    )
    nul, lists = pa.array(["a\0", "b"]), pa.array([[1], [2]])
    pair = pa.array([1, 2]), pa.array([3, 4])
    parquet.write_table(pa.table({"bad": bad, "nul": nul, "lists": lists, "good": [1, 2]}), tmp_path / "a.parquet")
    frame = rows.read(tmp_path / "a.parquet")
    assert list(frame.columns) == ["good"]
    assert "a.parquet, row 1, column 'bad': expected UTF-8" in frame.broken["bad"]
    assert "a.parquet, row 0, column 'nul': found a NUL" in frame.broken["nul"]
    assert "a.parquet, row 0, column 'lists': expected a text or a number, found list" in frame.broken["lists"]
    parquet.write_table(pa.Table.from_arrays(list(pair), names=["x", "x"]), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match="found 'x' twice"):
        rows.read(tmp_path / "b.parquet")


def test_cells_may_be_long_and_the_limit_of_the_csv_module_stays(tmp_path):
    limit = csv.field_size_limit()
    long = "a," * 200_000
    (tmp_path / "a.csv").write_bytes(table([{"x": long, "y": 1}]))
    assert rows.read(tmp_path / "a.csv").columns["x"].to_pylist() == [long]
    assert csv.field_size_limit() == limit


def test_a_table_is_read_a_batch_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.data.columns.BATCH", 100)
    (tmp_path / "a.csv").write_text("a,b,c\n" + "".join(f"{i},{i / 7:.6f},x{i}\n" for i in range(4000)))
    tracemalloc.start()
    frame = rows.read(tmp_path / "a.csv")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frame.columns["b"].to_pylist() == [f"{i / 7:.6f}" for i in range(4000)]
    assert most < 4000 * 3 * 50  # bytes of a short text in Python, for every cell


def test_columns_in_memory():
    frame = rows.from_columns("mine", {"x": np.arange(2), "y": ["a", None], 3: (math.nan, 1.5)})
    assert {name: column.to_pylist() for name, column in frame.columns.items()} == {
        "x": [0.0, 1.0],
        "y": ["a", None],
        "3": [None, 1.5],
    }
    assert frame.where(1, "y") == "mine, row 1, column 'y'"
    for columns, words in (
        ({"x": [1], "y": [1, 2]}, "same length.*'x': 1, 'y': 2"),
        ({}, "found none"),
        ({"x": []}, "at least one row"),
        ({"x": [1, "a"]}, "mine, column 'x': expected texts or numbers"),
        ({"x": np.zeros((2, 2))}, "mine, column 'x': expected texts or numbers, one a row"),
        ({"x": ["\ud83d"]}, "mine, column 'x'"),
    ):
        with pytest.raises(ValueError, match=words):
            rows.from_columns("mine", columns)
