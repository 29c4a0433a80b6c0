"""What the report of somebody's own sources says, section by section; how it looks is no matter of this file."""

from experiments.reporting.document import Block, Mark, Section, Table, Terms, Text
from experiments.reporting.markdown import decimal, number, plural, with_span
from experiments.reporting.plain_text import shortened
from experiments.studies.sources import words
from experiments.studies.sources.answer import Amount, Answer, Data, Interval
from experiments.studies.sources.words import MISSING


def decision(answer: Answer) -> Terms:
    return Terms(list(zip(words.QUESTIONS, answer.decision, strict=False)), leading=True)


def certainty(answer: Answer) -> Section:
    """Checks that were made and those that were not, and what the intervals cover."""
    data, numbers = answer.data, any(check.numbers for check in answer.checks)
    blocks: list[Block] = [
        Text(
            f"{words.made(answer)} The numbers are predictions: {data.surrogate}, scored on "
            f"{plural(data.validation.used, 'validation example')}, stands in for the model that would be trained "
            f"({data.learner}). The 95 % intervals say how far chance may carry a number: which examples were drawn, "
            "and which validation examples. Two kinds leave out the first and are too narrow: the bands of the curves "
            "over amounts, and the intervals of the gain beside all others. No interval says how far the stand-in is "
            "from the model that you will train; only checks by training do."
        ),
        *_cut(data),
        *map(Text, words.warnings(answer)),
        *([Text(f"Left out: {'; '.join(answer.cost.left_out)}.")] if answer.cost.left_out else []),
    ]
    rows: list[list[str | Mark]] = [
        [check.name, Mark("made", "good") if check.done else Mark("not made", "bad"), check.result,
         *([words.spoken(check.numbers) or MISSING] if numbers else [])]
        for check in sorted(answer.checks, key=lambda check: not check.done)
    ]  # fmt: skip
    if rows:
        head = ["check", "made?", "what came out, or why it was not made", *(["in numbers"] if numbers else [])]
        blocks.append(Table("Checks that were made, and those that were not", head, rows))
    return Section("How sure is this?", blocks)


def _cut(data: Data) -> list[Text]:
    """What has to be known where the fits take but a part of the examples."""
    cut = [f"{one.fitted:,} of {one.used:,} of {words.name(one.name)}" for one in (data.real, *data.sources)
           if one.fitted < one.used]  # fmt: skip
    if not cut:
        return []
    return [Text(
        f"The fits take a part of the examples only, drawn at random: {', '.join(cut)}. Curves end there, and all "
        "numbers are those of so many; config.exact allows more."
    )]  # fmt: skip


def worth(answer: Answer) -> list[Block]:
    """The order of the sources, and what speaks for or against each of them."""
    form, metric = words.forms(answer), words.metric(answer)
    rows: list[list[str | Mark]] = [
        [words.name(one.source), Mark(*words.VERDICTS[one.verdict]), with_span(one.gain, one.interval, form.gain),
         form.utility(one.predicted), _spanned(one.dropped, one.dropped_interval, form.gain),
         with_span(one.value, one.value_interval, form.score)]
        for one in answer.values
    ]  # fmt: skip
    head = ["source", "verdict", f"gain in {metric}", f"{metric} with it", "gain beside all others", "score"]
    return [
        Table("The sources, the best first", head, rows),
        _reading([
            ("gain", f"predicted {metric} of the real examples together with the source, minus that of the real "
             f"examples alone ({form.utility(words.alone(answer))}); in brackets the 95 % interval"),
            ("gain beside all others", "the same, where all other sources are there already: what would be lost if "
             "only this one were left out"),
            ("score", "the gain in the unit of the stand-in model itself, which is finer than the metric; it makes the "
             "order and the verdict"),
            ("undecided", "the interval of the score holds 0: these data cannot tell help from harm"),
        ]),
        Section("What speaks for or against each source", drivers(answer)),
    ]  # fmt: skip


def _distance(value: float | None) -> str:
    return MISSING if value is None else number(value)


def drivers(answer: Answer) -> list[Block]:
    rows = []
    for one in answer.values:
        found = one.drivers
        rows.append([
            words.name(one.source), f"{found.size:,}", decimal(found.disagreement), _distance(found.discrepancy),
            words.share(found.duplicates), _both(found.in_validation, found.near_validation),
            _both(found.in_real, found.near_real), words.share(found.unknown_labels),
        ])  # fmt: skip
    if answer.values:
        real = decimal(answer.values[0].drivers.disagreement_real)
        rows.append(["(the real examples)", f"{answer.data.real.used:,}", real, *[MISSING] * 5])
    head = ["source", "examples", "label disagreement", "distance (MMD)", "repeats", "in validation", "in real",
            "unknown labels"]  # fmt: skip
    rule = answer.values[0].drivers.near_rule if answer.values else MISSING
    return [
        Table("What drives the value", head, rows),
        _reading([
            ("label disagreement", "how far the labels of a source are from what the validation examples teach, 0 to "
             "1; far above that of the real examples: wrong labels, or another task"),
            ("distance (MMD)", "how far its inputs are from the validation examples (maximum mean discrepancy); "
             "about 0 or just below: they are alike"),
            ("repeats", "share of its examples that repeat another one of them"),
            ("in validation, in real", f"share that stands there too, byte for byte / as a near duplicate ({rule})"),
            ("unknown labels", "share with a label that no validation example has"),
        ]),
    ]  # fmt: skip


def how_much(answer: Answer) -> list[Block]:
    """The best amount of each source and what it stands for."""
    if not answer.amounts:
        return [Text("Amounts were not computed in this run.")]
    form = words.forms(answer)
    rows = [
        [words.name(one.source), words.taken(answer.data, one), _spanned(one.gain, one.interval, form.gain),
         _counted(one), words.rate(one.exchange_rate, one.censored)]
        for one in answer.amounts
    ]  # fmt: skip
    head = ["source", "take", f"gain in {words.metric(answer)}", "as good as so many real", "real examples for one"]
    further = [
        [words.name(one.source), words.rate(one.marginal_rate), _weight(one), form.gain(one.weighted_gain),
         " and ".join(f"{size:,}" for size in one.chosen) or MISSING]
        for one in answer.amounts
    ]  # fmt: skip
    head_further = ["source", "real examples for one of 1,000 more", "weight", "gain by weights", "halves chose"]
    return [
        Table("How much of each source to add to all real examples", head, rows),
        *(Text(words.sentence(limit)) for limit in words.limits(answer)),
        _reading([
            ("gain", "predicted at the amounts that one half of the validation examples chose, scored on the other "
             "half: choosing and scoring on the same examples would flatter"),
            ("as good as so many real", "that many real examples, and nothing else, would do as well as the real ones "
             "with this amount; in brackets for the ends of the gain's interval"),
            ("real examples for one", "the exchange rate: one of its examples stands for so many further real ones; "
             "below 0 it does harm"),
        ]),
        Table("What comes next, and what weights would do", head_further, further),
        _reading([
            ("real examples for one of 1,000 more", "the exchange rate of what would be added next, or of as many as "
             "there are"),
            ("weight", "how much one of its examples should count beside a real one; 1: the same"),
            ("gain by weights", "what these weights add to the metric, chosen on one half of the validation examples "
             "and scored on the other"),
            ("halves chose", "the amounts that each half of the validation examples chose; far apart: unsure"),
        ]),
    ]  # fmt: skip


def what_more_buys(answer: Answer) -> list[Block]:
    """Forecasts, the laws behind them, and the plan for a budget."""
    more, form = answer.more, words.forms(answer)
    if more is None:
        return [Text("Nothing is said of more data: it was not computed in this run.")]
    forecasts = [
        [f"{one.amount:,}", f"{one.times:g}", with_span(one.predicted, one.interval, form.utility)]
        for one in more.forecasts
    ]
    laws = [
        [law.name, number(law.criterion),
         "; ".join(_parameter(name, value, law.intervals.get(name)) for name, value in law.parameters.items())]
        for law in more.laws
    ]  # fmt: skip
    blocks: list[Block] = [Text(words.sentence(more.phase))]
    if forecasts:
        head = ["real examples", "times as many as now", f"predicted {words.metric(answer)}"]
        blocks.append(Table("Forecasts, with 95 % intervals", head, forecasts))
    if more.breakpoints:
        low, high = more.breakpoints
        blocks.append(Text(f"Between about {low:,.0f} and {high:,.0f} examples the curve is flat."))
    if laws:
        blocks.append(Table("Laws fitted to the learning curve, the best first (criterion: the larger of AICc and BIC)",
                            ["law", "criterion", "parameters (95 % intervals)"], laws))  # fmt: skip
    if more.plan is not None:
        pairs = [(shortened(name, 40), words.spoken(said)) for name, said in more.plan.items()]
        blocks.append(Section("A plan for the budget", [Terms(pairs)]))
    return blocks


def _reading(terms: list[tuple[str, str]]) -> Section:
    """What the columns of the table above mean, for those who ask."""
    return Section("How to read this table", [Terms(terms)], folded=True)


def _both(exact: float, near: float) -> str:
    return f"{words.share(exact)} / {words.share(near)}"


def _parameter(name: str, value: float, ends: Interval | None) -> str:
    said = words.parameter(value) if ends is None else with_span(value, ends, words.parameter)
    return f"{name.replace('_', ' ')} = {said}"


def _spanned(value: float | None, ends: Interval | None, form: words.Form) -> str:
    """A number with its interval, if it has one."""
    return form(value) if ends is None else with_span(value, ends, form)


def _counted(amount: Amount) -> str:
    """The equivalent real count with its interval."""
    said = words.equivalent(amount)
    ends = amount.equivalent_interval
    return said if said == MISSING or ends is None else f"{said} ({ends[0]:,.0f} to {ends[1]:,.0f})"


def _weight(amount: Amount) -> str:
    """The weight of a source, or of each, where there are several."""
    if amount.weight is not None:
        return words.rate(amount.weight)
    return "; ".join(f"{words.name(one)} {words.rate(weight)}" for one, weight in amount.weights.items()) or MISSING
