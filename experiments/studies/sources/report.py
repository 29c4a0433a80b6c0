"""Writes what a person sees of an Answer: answer.json, figures/, report.html and report.md."""

from functools import partial
from pathlib import Path

from experiments.reporting.document import Document, Picture, Section, as_markdown
from experiments.reporting.figures import draw_all
from experiments.reporting.html import as_html, drawing
from experiments.reporting.markdown import plural
from experiments.runtime import files
from experiments.runtime.processes import is_main_process
from experiments.runtime.study import PAGE, write_page
from experiments.studies.sources import answer_file, appendix, figures, sections, words
from experiments.studies.sources.answer import Answer
from experiments.studies.sources.figures import FIGURES

HTML = "report.html"


def write(workdir: str | Path, answer: Answer) -> Path:
    """Writes all of it into the workdir, report.md last, and returns the path of that.

    Of several processes the first writes. Raises as answer_file.write.
    """
    if is_main_process():
        answer_file.write(workdir, answer)
        draw_all(FIGURES, answer, Path(workdir) / "figures")
        page = document(answer)
        files.write_text(Path(workdir) / HTML, as_html(page))
        write_page(workdir, as_markdown(page))
    return Path(workdir) / PAGE


def rewrite(workdir: str | Path) -> Path:
    """The same from workdir/answer.json. Raises ValueError where there is none."""
    return write(workdir, answer_file.read(workdir))


def document(answer: Answer) -> Document:
    """The page: first the decision, then how sure it is, then the three answers and what they rest on."""
    about = f"{plural(len(answer.values), 'source')} beside {plural(answer.data.real.used, 'real example')}"
    return Document(
        f"What your data are worth: {about}",
        [
            sections.decision(answer),
            sections.certainty(answer),
            Section(words.QUESTIONS[0], [*pictures(answer, "ranking"), *sections.worth(answer)]),
            Section(words.QUESTIONS[1], [*pictures(answer, "amounts"), *sections.how_much(answer)]),
            Section(words.QUESTIONS[2], [*pictures(answer, "more"), *sections.what_more_buys(answer)]),
            appendix.data(answer),
            appendix.examples(answer),
            appendix.costs(answer),
        ],
    )


def pictures(answer: Answer, name: str) -> list[Picture]:
    """The figure of this name, where the Answer has what it shows."""
    figure, caption = FIGURES[name]
    if name == "amounts":  # a panel each, which a narrow window shows one below the other
        drawings = [
            svg
            for i, one in enumerate(figures.with_curves(answer))
            for svg in drawing(partial(figures.one_amount, answer, one), f"{name}-{i}", figures.curve_alt(answer, one))
        ]
    else:
        drawings = drawing(partial(figure, answer), name, figures.ALT[name](answer))
    return [Picture(f"{name}.png", caption, drawings)] if drawings else []
