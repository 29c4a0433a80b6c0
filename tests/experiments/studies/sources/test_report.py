"""The pages hold the numbers of the answer, all that is in it and nothing that it lacks."""

from pathlib import Path

import matplotlib
import pytest

from experiments.reporting.document import Table, as_markdown
from experiments.reporting.html import as_html
from experiments.reporting.plain_text import one_line
from experiments.studies.sources import answer_file, appendix, figures, report, words
from experiments.studies.sources.answer import Point
from tests.experiments.reporting.hostile import HOSTILE, assert_closed
from tests.experiments.studies.sources import made_up


@pytest.fixture(scope="module")
def usual():
    return made_up.answer()


@pytest.fixture(scope="module")
def page(usual):
    return report.document(usual)


def tables(blocks) -> dict[str, Table]:
    """Every table by its caption."""
    found = {}
    for block in blocks:
        if isinstance(block, Table):
            found[block.caption] = block
        elif hasattr(block, "blocks"):
            found |= tables(block.blocks)
    return found


def cells(table: Table) -> list[list[str]]:
    return [[cell if isinstance(cell, str) else cell.text for cell in row] for row in table.rows]


def test_both_forms_say_the_same_and_the_decision_first(usual, page):
    html, text = assert_closed(as_html(page)), as_markdown(page)
    said = html.said
    assert all(sentence in said for sentence in usual.decision)
    assert said.index(usual.decision[0]) < said.index("How sure is this?") < said.index("gain in accuracy")
    for table in tables(page.blocks).values():
        assert all(len(row) == len(table.head) for row in table.rows)
        assert all(cell in said for row in cells(table) for cell in row)
    headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "How sure is this?", *words.QUESTIONS, "The data", "The nearest and the strangest examples", "What it cost",
    ]  # fmt: skip
    names = [attributes for tag, attributes in html.elements if tag == "svg"]
    assert len(names) == 1 + len(usual.amounts) + 1
    assert "more_imdb +0.062 (+0.048 to +0.076)" in names[0]["aria-label"]
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in names)
    assert len([tag for tag, _ in html.elements if tag == "caption"]) == len(tables(page.blocks))


def test_numbers_are_those_of_the_answer(usual, page):
    every = tables(page.blocks)
    first = cells(every["The sources, the best first"])
    assert [row[0] for row in first] == [value.source for value in usual.values]
    assert first[0] == [
        "more_imdb",
        "helps",
        "+0.062 (+0.048 to +0.076)",
        "0.866",
        "+0.021 (+0.011 to +0.031)",
        "+0.105 (+0.094 to +0.116)",
    ]
    assert [row[1] for row in first] == ["helps", "helps", "undecided", "undecided", "harms"]
    drivers = cells(every["What drives the value"])
    assert drivers[3] == ["repeated", "2,000", "0.210", "0.031", "75 %", "2.4 % / 2.4 %", "25 % / 25 %", "0 %"]
    amounts = cells(every["How much of each source to add to all real examples"])
    assert amounts[0] == [
        "more_imdb", "all 2,000", "+0.062 (+0.050 to +0.074)", "2,360 (2,050 to 2,670)", "0.93"
    ]  # fmt: skip
    further = cells(every["What comes next, and what weights would do"])
    assert further[0] == ["more_imdb", "0.25", "1", "+0.002", "2,000 and 1,000"]
    assert amounts[-1][:3] == ["all together", "2,000 or more of 10,000", "+0.071 (+0.059 to +0.083)"]
    assert amounts[-1][3].startswith("2,630* (")
    assert amounts[-1][4] == "1.1*"
    assert cells(every["Forecasts, with 95 % intervals"])[2] == ["5,000", "10", "0.890 (0.850 to 0.915)"]
    assert cells(every["Files that were read"])[0][3:] == ["640", "500", "held out for validation: 128; empty text: 12"]
    text = as_markdown(page)
    assert "2 of 4 checks were made; no model was trained" in text
    assert "Left out: curve of all together" in text
    assert "Leak in repeated: 2.4 % of its examples" in text
    assert "- **synthetic**: more\\_imdb: 800" in text


def test_what_is_missing_is_said(tmp_path):
    answer = made_up.empty()
    assert report.write(tmp_path, answer) == tmp_path / "report.md"
    said = assert_closed((tmp_path / "report.html").read_text()).said
    for sentence in ("No check was made; no model was trained", "Amounts were not computed in this run.",
                     "There are none to show.", "Nothing is said of more data", "left outnothing"):  # fmt: skip
        assert sentence in said
    assert not any(name in said for name in ("None", "nan", "inf "))
    nobody = report.document(answer._replace(values=[], decision=[]))
    assert not any(word in as_markdown(nobody) for word in ("None", "nan", "figures/"))
    assert_closed(as_html(nobody))


def test_everything_is_written_into_the_folder_from_what_its_answer_file_says(tmp_path):
    answer = made_up.answer(("one",))
    answer_file.write(tmp_path, answer)
    assert report.rewrite(tmp_path) == tmp_path / "report.md"
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    drawn = {f"figures/{name}.png" for name in ("ranking", "amounts", "more")}  # no PDF where studies are tested
    assert names == drawn | {"answer.json", "report.html", "report.md"}
    assert answer_file.read(tmp_path) == answer
    said = assert_closed((tmp_path / "report.html").read_text()).said
    assert all(sentence in said for sentence in answer.decision)
    assert all(f"(figures/{Path(name).name})" in (tmp_path / "report.md").read_text() for name in drawn)


def test_texts_of_users_stay_texts():
    """Names of files, sources, columns and classes, and examples; of long ones a part."""
    answer = made_up.answer((HOSTILE, "$x_1$"), HOSTILE)
    data = answer.data._replace(
        columns={"text": HOSTILE}, classes=[HOSTILE, "|"], split=HOSTILE, metric=HOSTILE,
        real=answer.data.real._replace(file=HOSTILE, left_out={HOSTILE: 1}),
    )  # fmt: skip
    page = report.document(answer._replace(data=data, decision=[HOSTILE] * 3))
    html = assert_closed(as_html(page))
    assert html.said.count(one_line(HOSTILE)) >= 5  # decision, how validation was split, the metric
    assert "$x_1$" in html.said
    for line in as_markdown(page).splitlines():
        assert "<" not in line
        assert "](" not in line.replace(r"\](", "") or line.startswith("![")
        assert line.startswith("|") == ("|" in line)
    pipes = {line.count("|") for line in as_markdown(page).splitlines() if r"\[31m" in line and line.startswith("|")}
    assert pipes <= {6, 7, 8, 9}  # as many as the heads of these tables have


def test_texts_are_not_shown_where_they_are_not_there(usual):
    without = [one._replace(text=None, label=None) for one in usual.values[0].nearest]
    values = [value._replace(nearest=without, strangest=[]) for value in usual.values]
    table = tables([appendix.examples(usual._replace(values=values))])["Examples of more_imdb, by distance"]
    assert table.head == ["which", "row", "label", "distance"]
    assert cells(table)[0] == ["nearest", "3", "–", "0.5"]


@pytest.mark.parametrize("count", [1, 12])
def test_figures_stand_any_number_of_sources_and_texts_of_any_kind(count):
    answer = made_up.answer(tuple(f"$源{i} {HOSTILE}" for i in range(count)))
    with matplotlib.rc_context({"figure.constrained_layout.use": True}):
        for draw, _ in figures.FIGURES.values():
            assert draw(answer).axes
        assert len(figures.amounts(answer).axes) >= count + 1
    bare = answer.more._replace(trained=[], forecasts=[], breakpoints=None, curve=[Point(9, 0.5, None)])
    assert figures.more(answer._replace(more=bare)).axes
    assert figures.more(answer._replace(more=bare._replace(curve=[]))) is None


def test_utilities_have_the_decimals_that_they_need(usual):
    def written(scale: float) -> tuple[str, str]:
        values = [value._replace(predicted=scale) for value in usual.values]
        form = words.forms(usual._replace(values=values, amounts=[]))
        return form.utility(scale), form.gain(scale / 10)

    assert written(0.8) == ("0.800", "+0.080")
    assert written(0.0123) == ("0.0123", "+0.0012")
    assert written(-3.21) == ("-3.210", "-0.321")
    assert written(-45678.0) == ("-45,678", "-4,568")
    assert words.forms(usual).gain(-0.0001) == words.forms(usual).gain(0.0) == "0.000"
    assert words.forms(usual).gain(None) == "–"


def test_numbers_are_said_in_words():
    assert [words.duration(s) for s in (0.2, 59, 61, 3600, 9000)] == [
        "less than 1 s",
        "59 s",
        "1 min",
        "60 min",
        "2.5 h",
    ]
    assert [words.memory(count) for count in (8e8, 3.2e9)] == ["800 MB", "3.2 GB"]
    assert [words.share(part) for part in (None, 0, 0.0002, 0.0123, 1)] == ["–", "0 %", "< 0.1 %", "1.23 %", "100 %"]
    assert words.spoken({"a": [1, 2.5], "b": None, "c": True, "d": {"e": "f"}}) == "a: 1, 2.5; b: –; c: yes; d: e: f"
    assert [words.parameter(value) for value in (0.123456, 355890, 3.96e21)] == ["0.123", "355,890", "4.0e+21"]
    assert words.name("x" * 80) == "x" * 26 + "…" + "x" * 13
