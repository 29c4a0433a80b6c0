"""The Answer on one screen of a terminal."""

from experiments.reporting.markdown import plural, with_span
from experiments.reporting.plain_text import columns, padded, shortened, wrapped
from experiments.studies.sources import words
from experiments.studies.sources.answer import Amount, Answer, Data
from experiments.studies.sources.checks import TRAINED

LINES, WIDTH = 40, 100
NAMES = 26  # columns of the name of a source


def screen(answer: Answer) -> str:
    """At most 40 lines of at most 100 columns: the decision, the sources, what more buys, how sure it is.

    What does not fit is left out, and said so: long sentences, and sources in the middle of the order.
    """
    head = [*_facts(answer), ""]
    for question, sentence in zip(words.QUESTIONS, answer.decision, strict=False):
        head += [question, *_block(sentence, 3)]
    tail = [*_notes(answer), "", *_more(answer), "", *_sure(answer)]
    room = LINES - len(head) - len(tail) - 2  # an empty line and the head of the table
    return "\n".join(line.rstrip() for line in (*head, "", *_table(answer, room), *tail))


def _facts(answer: Answer) -> list[str]:
    data, form = answer.data, words.forms(answer)
    alone = f"; predicted {words.metric(answer)} of these alone: {form.utility(words.alone(answer))}"
    real = f"{plural(data.real.used, 'real example')} of {words.name(data.real.file)}"
    return wrapped(f"{plural(len(answer.values), 'source')} beside {real}{alone if answer.values else ''}", WIDTH)[:2]


def _table(answer: Answer, room: int) -> list[str]:
    """A line a source; of more than there is room for, the best and the worst."""
    form, amounts = words.forms(answer), {amount.source: amount for amount in answer.amounts}
    rows = [["", "source", "verdict", "gain (95 % interval)", "take", "as good as"]]
    for place, value in enumerate(answer.values, start=1):
        gain = with_span(value.gain, value.interval, form.gain)
        verdict, amount = words.VERDICTS[value.verdict][0], amounts.get(value.source)
        rows.append([f"{place}.", words.name(value.source, NAMES), verdict, gain, *_amount(answer.data, amount)])
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(padded, row, widths)).rstrip() for row in rows]
    lines = [line if columns(line) <= WIDTH else shortened(line, WIDTH) for line in lines]
    if len(lines) - 1 <= room:
        return lines
    best, worst = room // 2, (room - 1) // 2  # and a line that says what stands between
    between = f"… {len(lines) - 1 - best - worst} more: report.html"
    return [*lines[: 1 + best], between, *lines[len(lines) - worst :]]


def _amount(data: Data, amount: Amount | None) -> tuple[str, str]:
    """How much to take, and how many real examples do as well."""
    if amount is None:
        return words.MISSING, words.MISSING
    real = words.equivalent(amount)
    return words.taken(data, amount), real if real == words.MISSING else f"{real} real"


def _notes(answer: Answer) -> list[str]:
    """What has to be known about the table."""
    said = words.limits(answer)[:1]
    if words.outdone(answer):
        said.append(f"Verdicts are those of the stand-in model's score, which is finer than {words.metric(answer)}.")
    return [shortened(line, WIDTH) for line in said]


def _more(answer: Answer) -> list[str]:
    if answer.more is None or not answer.more.forecasts:
        return ["More real examples: nothing is predicted in this run."]
    form = words.forms(answer)
    return [
        f"Predicted {words.metric(answer)} with more real examples:",
        *(
            f"  {one.times:g} x as many ({one.amount:,}): {with_span(one.predicted, one.interval, form.utility)}"
            for one in answer.more.forecasts[:3]
        ),
    ]


def _sure(answer: Answer) -> list[str]:
    made = [check for check in answer.checks if check.done]
    missing = [check for check in answer.checks if not check.done]
    lines = [f"How sure is this? {words.made(answer)}"]
    lines += [line for warning in words.warnings(answer)[:2] for line in _block(warning, 2)]
    if made:
        lines += _block("made: " + "; ".join(check.name for check in made), 1)
    lines += [line for check in made if check.name == TRAINED for line in _block(check.result, 3)]
    if missing:
        lines += _block("not made: " + "; ".join(f"{check.name} ({check.result})" for check in missing), 2)
    if answer.cost.left_out:
        lines += _block("left out: " + "; ".join(answer.cost.left_out), 2)
    return [*lines, f"  Everything, with figures: report.html. Took {words.duration(answer.cost.seconds)}."]


def _block(text: str, most: int) -> list[str]:
    """The text in at most so many lines, two columns in; what is longer ends with "…"."""
    lines = wrapped(text, WIDTH - 2)
    if len(lines) > most:
        lines = [*lines[: most - 1], shortened(" ".join(lines[most - 1 :]), WIDTH - 2)]
    return [f"  {line}" for line in lines]
