"""A page in HTML is well-formed, holds all its texts as texts, and needs nothing beside itself."""

from matplotlib.figure import Figure

from experiments.reporting.document import Document, Mark, Picture, Section, Table, Terms, Text
from experiments.reporting.figures import COLOURS, literal
from experiments.reporting.html import as_html, drawing
from experiments.reporting.plain_text import one_line
from tests.experiments.reporting.hostile import HOSTILE, Strict, assert_closed


def plot() -> Figure:
    figure = Figure(figsize=(2, 1))
    axis = figure.subplots()
    axis.plot([0, 1], color=COLOURS[0])
    axis.set_title(literal(one_line(HOSTILE)))
    return figure


def test_hostile_texts_come_out_as_texts_and_nothing_is_fetched():
    drawings = [*drawing(plot, "one", HOSTILE), *drawing(plot, "two", "two")]
    bad = Table(HOSTILE, [HOSTILE, "b"], [[HOSTILE, Mark(HOSTILE, "bad")]])
    document = Document(
        HOSTILE,
        [Text(HOSTILE), Terms([(HOSTILE, HOSTILE)], leading=True), Section(HOSTILE, [bad], folded=True),
         Picture("one.png", HOSTILE, drawings)],
    )  # fmt: skip
    page = assert_closed(as_html(document))
    line = one_line(HOSTILE)
    assert page.said.count(line) == 13  # title, heading, paragraph, terms, summary, table, caption, two figures
    named = [attributes["aria-label"] for _, attributes in page.elements if "aria-label" in attributes]
    assert named == [line, line, "two"]
    empty = as_html(Document("Title", []))
    assert "http:" not in empty
    assert "https:" not in empty


def test_figures_take_the_colours_of_the_page_and_are_the_same_every_time():
    (svg,) = drawing(plot, "one", "A line.")
    assert drawing(plot, "one", "A line.") == [svg]
    assert svg.startswith('<svg role="img" aria-label="A line."')
    assert "currentColor" in svg
    assert "var(--colour-0)" in svg
    assert COLOURS[0].lower() not in svg
    assert "xmlns" not in svg
    assert Strict(str(svg)).said.count(one_line(HOSTILE)) == 1


def test_what_is_not_drawn_is_no_drawing():
    assert drawing(lambda: None, "one", "nothing") == []
