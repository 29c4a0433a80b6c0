"""The descriptions of lines in code, on the page, and in what is recorded."""

from pathlib import Path

import pytest

from experiments.runtime import kinds, results
from experiments.runtime.kinds import STUDIES, identity
from experiments.runtime.kinds.kind import RUN, STAMP
from experiments.runtime.study import check_described
from tests.experiments.runtime.written import unwritten

PAGE = Path(kinds.__file__).parents[2] / "README.md"
TITLE = "## Lines of results.jsonl"


def section() -> str:
    """The section of experiments/README.md as the descriptions say it; this module, run, prints it."""
    parts = [
        TITLE,
        "A run writes one measurement a line into workdir/results.jsonl, each a JSON object. No two lines of a run "
        "share their kind and all fields in **bold**: a reader names both lines if they do. Lines that are *derived* "
        "say nothing but what the others say together, and are made anew at the end of a run. A line may lack a field "
        "that has no meaning for it.",
        f"Every line has the fields {_fields(STAMP)}.",
        f"The last line of a run has the kind `run` and the fields {_fields(RUN.fields)}. While a finished run that "
        "is asked for more is not finished again, that line has the kind `earlier run`.",
    ]
    for study, described in STUDIES.items():
        rows = [f"| {study} | fields |", "|---|---|"]
        for name, kind in described.items():
            if kind is not RUN and name not in kinds.SHARED:
                marked = " *(derived)*" if kind.derived else ""
                rows.append(f"| `{name}`{marked} | {_fields(kind.fields, kind.identity)} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _fields(words: dict[str, str], identity: tuple[str, ...] = ()) -> str:
    return "; ".join(f"{'**' * (name in identity)}`{name}`{'**' * (name in identity)} {words[name]}" for name in words)


def test_the_page_says_what_the_code_describes():
    text = PAGE.read_text()
    start = text.index(TITLE)
    end = text.find("\n## ", start + 1)
    assert text[start : len(text) if end < 0 else end + 1].strip() == section().strip()


def test_the_fields_of_an_identity_are_described():
    for described in STUDIES.values():
        for name, kind in described.items():
            assert set(kind.identity) <= set(kind.fields)
            assert not set(kind.fields) & (set(STAMP) - {"task"}), name


def test_a_kind_of_several_studies_is_told_by_the_fields_of_all():
    assert identity("verdict") == ("study", "share", "mechanism", "strength", "source", "temperature", "top_p",
                                   "reference")  # fmt: skip
    with pytest.raises(ValueError, match="'summry' is no kind of line that a study writes, expected one of cont"):
        identity("summry")


def test_what_was_recorded_is_described():
    """Lines of today's studies; the oldest ones have a field less and one more, and stay readable."""
    folder = Path(results.__file__).parents[1] / "gallery"
    for file, study in (
        ("images-mixed", "valuation"),
        ("past/sentiment", "valuation"),
        ("past/instructions", "valuation"),
        ("past/reasoning", "valuation"),
        ("language", "language"),
        ("language-speed", "language_model"),
        ("language-speed-h100", "language_model"),
        ("lora-everywhere", "lora_everywhere"),
        ("images-cifar10", "valuation"),
        ("phases", "phases"),
        ("discrepancy", "discrepancy"),
        ("past/transfer", "transfer"),
    ):
        for line in results.read(folder / f"{file}.jsonl"):
            check_described(line, STUDIES[study])


@pytest.mark.parametrize("study", ["discrepancy", "language_model"])
def test_every_described_field_is_recorded_somewhere(study):
    """Of benchmarks in the gallery; those of the other studies are asked for beside their tiny runs."""
    # what lines of earlier code lack
    later = ("run.", "benchmark_language.information_capacity", "benchmark_language.rows")
    assert [name for name in unwritten(study, []) if not name.startswith(later)] == []


if __name__ == "__main__":
    print(section(), end="")
