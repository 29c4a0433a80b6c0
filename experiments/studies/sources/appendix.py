"""What the report of somebody's own sources says at its end: the files, examples of each source, what it cost."""

from experiments.reporting.document import Section, Table, Terms, Text
from experiments.reporting.markdown import number
from experiments.reporting.plain_text import shortened
from experiments.studies.sources import words
from experiments.studies.sources.answer import Answer, Example, Set
from experiments.studies.sources.words import MISSING

CHARACTERS = 300  # of an example
SHOWN = 20  # names of columns or classes


def data(answer: Answer) -> Section:
    """The files, what was left out of them, and what was made of them."""
    about = answer.data
    sets = [
        ("real examples", about.real),
        ("validation", about.validation),
        *(("source", one) for one in about.sources),
    ]
    rows = [
        [words.name(one.name), role, shortened(one.file, 60, 40), f"{one.rows:,}", f"{one.used:,}", _left_out(one)]
        for role, one in sets
    ]
    classes = ", ".join(shortened(label, 30) for label in about.classes[:SHOWN])
    beyond = f" and {len(about.classes) - SHOWN} more" if len(about.classes) > SHOWN else ""
    facts = {
        "kind of data": about.kind,
        "columns": ", ".join(f"{role}: {shortened(column, 40)}" for role, column in about.columns.items()),
        "what is learned": f"{about.target}: {classes}{beyond}" if about.classes else about.target,
        "metric": about.metric,
        "model that would be trained": about.learner,
        "what stands for it here": about.surrogate,
        "validation examples": about.split,
    }
    if about.features:
        facts["columns used as features"] = _names(about.features)
    if about.ignored:
        ignored = [f"{shortened(column, 40)} ({why})" for column, why in about.ignored.items()]
        facts["columns left out"] = _names(ignored)
    facts["how the real file was understood"] = " ".join(about.found)
    head = ["set", "what it is", "file", "rows", "used", "left out"]
    said = [(term, fact or MISSING) for term, fact in facts.items()]
    return Section("The data", [Table("Files that were read", head, rows), Terms(said)])


def examples(answer: Answer) -> Section:
    """The nearest and the strangest examples of each source."""
    folded = []
    for value in answer.values:
        sides = [("nearest", one) for one in value.nearest] + [("strangest", one) for one in value.strangest]
        if sides:
            texts = any(one.text is not None for _, one in sides)
            rows = [
                [side, f"{one.row:,}", words.target(one), number(one.distance), *_text(one, texts)]
                for side, one in sides
            ]
            head = ["which", "row", "label", "distance", *(["text"] if texts else [])]
            name = words.name(value.source)
            folded.append(Section(name, [Table(f"Examples of {name}, by distance", head, rows)], folded=True))
    words_before = Text(
        "Look at them: no number tells as much. Distance: from the nearest real example; 1: as far as real examples "
        "are from each other. Rows are counted from 0."
        if folded
        else "There are none to show."
    )
    return Section("The nearest and the strangest examples", [words_before, *folded])


def costs(answer: Answer) -> Section:
    cost = answer.cost
    left_out = "; ".join(cost.left_out) or "nothing"
    facts = [("time", words.duration(cost.seconds)), ("memory", words.memory(cost.memory_bytes)),
             ("left out", left_out)]  # fmt: skip
    return Section("What it cost", [Terms(facts), Text("All of this as data: answer.json, in the same folder.")])


def _left_out(one: Set) -> str:
    return "; ".join(f"{shortened(reason, 80)}: {count:,}" for reason, count in one.left_out.items()) or "nothing"


def _names(names: list[str]) -> str:
    beyond = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(shortened(name, 80) for name in names[:SHOWN]) + beyond


def _text(example: Example, texts: bool) -> list[str]:
    return [MISSING if example.text is None else shortened(example.text, CHARACTERS)] if texts else []
