"""Strategies of files of rows: well-formed ones in every legal dress, then damaged as transfers and editors do."""

import gzip
import io
import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
from hypothesis import strategies as st
from pyarrow import parquet

NAMES = (
    "text", "label", "prompt", "response", "target", "x", "y", "id", "", " a ", "true", "1", "\x1b[31m", "é", "a,b",
)  # fmt: skip
WORDS = (
    "", " ", "good", "no good film at all", "1", "1.0", "-3", "1e400", "nan", "inf", "-", "?", "1,234", "5 %", "٣",
    "0x10", "9" * 30, '"', "'", ",", ";", "\t", "a\nb", "a\r\nb", "\r", "\x85", "\u2028", "\x00", "\ufeff",
    "\U0001f469\u200d\U0001f52c", "true", "null", "<script>", "=1+1", "\\", "\\u0000", "{", "[", "\x1b[2J", "e\u0301",
)  # fmt: skip
LABELS = ("a", "b", "c", "1", "2")
names = st.lists(st.sampled_from(NAMES) | st.text(max_size=4), min_size=1, max_size=4)
texts = st.sampled_from(WORDS) | st.text(max_size=20)
number = st.integers(-(2**70), 2**70) | st.floats(width=64) | st.integers(-9, 9)
scalar = texts | number | st.booleans() | st.none()
cell = scalar | st.lists(scalar, max_size=2) | st.dictionaries(st.text(max_size=3), scalar, max_size=2)
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift-jis")


@st.composite
def plausible(draw) -> list[dict]:
    """Rows as people have them: texts with labels, pairs, or tables, enough of them to be used, a few cells odd."""
    kind = draw(st.sampled_from(("text", "pairs", "table")))
    count = draw(st.integers(0, 90))
    seed = draw(st.randoms(use_true_random=False))
    rows = []
    for i in range(count):
        words = " ".join(seed.choice(("good", "bad", "film", "plot", "the", "a")) for _ in range(seed.randrange(4, 9)))
        label = seed.choice(LABELS[:3])
        rows.append(
            {
                "text": {"text": f"{words} {i}", "label": label},
                "pairs": {"prompt": f"{words} {i}?", "response": f"{words[::-1]} {i}"},
                "table": {"x": seed.gauss(0, 1), "z": seed.randrange(5), "w": seed.choice(LABELS), "target": label},
            }[kind]
        )
    for _ in range(draw(st.integers(0, 3)) if rows else 0):
        row = draw(st.integers(0, count - 1))
        rows[row] = rows[row] | {draw(st.sampled_from(sorted(rows[row]))): draw(scalar)}
    return rows


any_rows = st.lists(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), cell, max_size=4), max_size=6)
rows = any_rows | plausible()


@st.composite
def as_json(draw) -> bytes:
    """Objects a line, one array, or one after another."""
    given = draw(rows)
    form = draw(st.sampled_from(("lines", "array", "pretty", "after")))
    asciis = draw(st.booleans())
    one = [json.dumps(row, ensure_ascii=asciis, indent=2 if form in ("pretty", "after") else None) for row in given]
    end = draw(st.sampled_from(("\n", "\r\n", "\n\n")))
    text = end.join(one) + end if form in ("lines", "after") else "[" + ("," + end).join(one) + "]"
    return encoded(draw, text)


@st.composite
def as_csv(draw) -> bytes:
    """Cells between separators, quoted where it has to be, or not where it has to be."""
    given = draw(rows)
    head = list(dict.fromkeys(name for row in given for name in row)) or draw(names)
    separator, end = draw(st.sampled_from(",;\t|")), draw(st.sampled_from(("\n", "\r\n", "\r")))
    quoted = draw(st.sampled_from((str, _quoted, _quoted)))
    lines = [head, *([row.get(name, "") for name in head] for row in given)]
    text = end.join(separator.join(quoted(str(cell)) for cell in line) for line in lines)
    return encoded(draw, text + draw(st.sampled_from((end, ""))))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def encoded(draw, text: str) -> bytes:
    """The text in one of the encodings that people use, packed or not."""
    content = text.encode(draw(st.sampled_from(ENCODINGS)), "replace")
    return gzip.compress(content, 1, mtime=0) if draw(st.integers(0, 4)) == 0 else content


COLUMNS = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1), pa.uint64(): st.integers(0, 2**64 - 1), pa.int8(): st.integers(-9, 9),
    pa.float64(): st.floats(), pa.float32(): st.floats(width=32), pa.float16(): st.floats(width=16),
    pa.string(): st.text(max_size=9), pa.large_string(): texts.filter(lambda text: text.isprintable()),
    pa.binary(): st.binary(max_size=9), pa.bool_(): st.booleans(), pa.null(): st.none(),
    pa.date32(): st.dates(date(1, 1, 1), date(9999, 1, 1)), pa.time64("us"): st.times(time(0)),
    pa.timestamp("us"): st.datetimes(datetime(1900, 1, 1)),
    pa.timestamp("ns", "UTC"): st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)),
    pa.duration("us"): st.timedeltas(timedelta(-9), timedelta(9)),
    pa.decimal128(20, 3): st.integers(-(10**9), 10**9).map(lambda n: Decimal(n) / 1000),
    pa.list_(pa.int64()): st.lists(st.integers(-9, 9), max_size=2),
    pa.struct([("a", pa.int64())]): st.fixed_dictionaries({"a": st.integers(-9, 9)}),
    pa.dictionary(pa.int32(), pa.string()): st.sampled_from(LABELS),
}  # fmt: skip


@st.composite
def tables(draw) -> pa.Table:
    """Columns of every type."""
    count = draw(st.integers(0, 5))
    columns = []
    for kind in draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=4)):
        some = draw(st.lists(COLUMNS[kind] | st.none(), min_size=count, max_size=count))
        columns.append(pa.array(some, kind))
    return pa.table(
        columns, names=[f"{name}{i}" for i, name in enumerate(draw(st.permutations(NAMES))[: len(columns)])]
    )


@st.composite
def as_parquet(draw) -> bytes:
    """A table, or rows as people have them."""
    given = draw(tables() | plausible().filter(bool))
    table = (
        pa.Table.from_pylist([{k: str(v) for k, v in row.items()} for row in given])
        if isinstance(given, list)
        else given
    )
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


@st.composite
def damaged(draw, contents) -> bytes:
    """The content as it is, or cut off, with bytes changed, lost, doubled, or something before it."""
    content = draw(contents)
    for _ in range(draw(st.sampled_from((0, 0, 1, 1, 2)))):
        at, other = sorted((draw(st.integers(0, len(content))), draw(st.integers(0, len(content)))))
        content = draw(
            st.sampled_from(
                (content[:at], content[:at] + content[other:], content[:other] + content[at:], content[at:])
            )
            | st.binary(min_size=1, max_size=4).map(lambda some, c=content, a=at: c[:a] + some + c[a:])
            | st.binary(min_size=1, max_size=4).map(lambda some, c=content, a=at: c[:a] + some + c[a + len(some) :])
        )
    return content


FILES = {
    ".jsonl": as_json(), ".json": as_json(), ".csv": as_csv(), ".tsv": as_csv(), ".parquet": as_parquet(),
    ".csv.gz": as_csv(), ".jsonl.gz": as_json(),
}  # fmt: skip
