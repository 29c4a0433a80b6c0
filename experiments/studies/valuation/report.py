"""The report of a valuation run: its values against the truth, or alone where there is none."""

from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from experiments.reporting.document import escaped
from experiments.reporting.figures import draw_all, shown
from experiments.reporting.markdown import decimal, plural, provenance, span, table
from experiments.reporting.pages import write_report
from experiments.reporting.plain_text import shortened
from experiments.runtime.results import select
from experiments.studies.valuation import ablation, explained, figures, paper_worth, references, values_report
from experiments.studies.valuation.ground_truth import ADDED
from experiments.studies.valuation.reading import OF_TRUTH, contributors, first_draw, label, question, utilities
from valuation.methods import METHODS

TEXTS, CHARACTERS = 6, 240  # generated texts that are shown, and how much of each


def write(workdir: str | Path) -> Path:
    """Draws the figures and writes workdir/report.md from workdir/results.jsonl.

    Of several processes only the first does. Raises ValueError if the run is not finished.
    """
    return write_report(workdir, sections, last="summary")


def sections(lines: list[dict], workdir: Path) -> list[str]:
    """The report's sections; the figures are drawn into workdir/figures."""
    if select(lines, kind="truth"):
        made = draw_all(figures.FIGURES, lines, workdir / "figures")
        answer = [*_answer(lines), *references.section(lines)]
        body = [*_head(lines), *answer, *_table(lines), *_findings(lines), *shown(made)]
    else:
        body = values_report.sections(lines, workdir)
    return [*body, *_data(lines)]


def _head(lines: list[dict]) -> list[str]:
    line, agreement = select(lines, kind="summary")[0], select(lines, kind="agreement")[0]
    contributors, truth = select(lines, kind="contributor"), select(lines, kind="truth")
    draws, seeds = len({x["draw"] for x in contributors}), len({x["seed"] for x in truth})
    best = _ordered(lines)[0]
    words = (
        f"{len(contributors) // draws} contributors a draw, {plural(draws, 'draw')}. The truth, test "
        f"{agreement['metric']}: {question(agreement)}, {seeds} seeds ({agreement['seconds']:.0f} s a draw). One seed "
        f"of it orders the contributors like another with r = {decimal(agreement['seed_agreement'])}; a perfect "
        f"value could reach {decimal(agreement['ceiling'])}. {allowed(agreement)}"
    )
    answer = (
        f"**Best here: {METHODS[best['method']].title}**, Spearman {decimal(best['spearman'])} "
        f"({span(best['low_high'], decimal)}), {best['seconds']:.1f} s a draw."
    )
    return [
        f"# Which contributor is worth training on? ({line['task']})",
        provenance(line),
        words,
        answer,
    ]


def allowed(agreement: dict) -> str:
    """What the validation set allows, in words; agreement: the line of that kind, which in older runs does not say."""
    if "validation_ceiling" not in agreement:
        return "How much the validation set allows was not recorded."
    if agreement["validation_ceiling"] is None:
        return "How much the validation set allows cannot be told: that takes two seeds or more, and that they agree."
    return (
        "A perfect predictor of validation performance, which knows what trained models reach on average on the "
        f"validation set, would reach {decimal(agreement['validation_ceiling'])} (measured between models of different "
        f"seeds: {decimal(agreement['validation_agreement'])}); that is no upper limit, as a value may see more in a "
        f"validation example than {agreement['metric']} does."
    )


def _table(lines: list[dict]) -> list[str]:
    """The results table, best method first."""
    head = ["method", "Spearman", "95 % interval", "Pearson", "Kendall", "regret", "accuracy error"]
    rows = [
        [
            METHODS[x["method"]].title,
            decimal(x["spearman"]),
            span(x["low_high"], decimal),
            *(decimal(x[name]) for name in ("pearson", "kendall", "regret", "accuracy_error")),
            METHODS[x["method"]].looks_at,
            f"{x['seconds']:.1f}",
        ]
        for x in _ordered(lines)
    ]
    agreement = select(lines, kind="agreement")[0]
    metric, gained = agreement["metric"], agreement["truth"] == ADDED
    notes = (
        f"Means over draws of the correlation within a draw. *Regret*: test {metric} lost by taking the contributor of "
        "the highest value instead of the best one. *Accuracy error*: mean distance of predicted and real "
        f"{'gain' if gained else 'accuracy'}, where a value is a prediction. A dash: the values are all equal, or the "
        "column does not apply. The score is our reconstruction. No method sees the test set."
    )
    if gained:
        notes += (
            " Every value is that of the real examples together with a contributor; where it predicts a metric, less "
            "the value of the real examples alone, which changes no order."
        )
    return ["## Every method against the truth", table([*head, "looks at", "s a draw"], rows), notes]


def _answer(lines: list[dict]) -> list[str]:
    """What the chosen method would have told a buyer of the first draw, and what came of it."""
    agreement = select(lines, kind="agreement")[0]
    choice = agreement["choice"]
    draw = first_draw(lines)
    runs = select(lines, kind="values", draw=draw, method=choice)
    if not runs:
        return []
    values = np.array(runs[0]["values"])
    truth = utilities(lines, draw).mean(0)
    rank = (-truth).argsort().argsort() + 1
    names = [label(x) for x in contributors(lines, draw)]
    order = np.argsort(-values)
    chosen = list(dict.fromkeys([*order[:3].tolist(), *order[-2:].tolist()]))
    truly = agreement["metric"] + (OF_TRUTH[agreement["truth"]] or " when trained on it")
    rows = [
        [f"{order.tolist().index(i) + 1}.", names[i], decimal(values[i]), decimal(truth[i]), f"{rank[i]}"]
        for i in chosen
    ]
    title = METHODS[choice].title
    return [
        f"## Which would you take?\n\nThe order of {title}, the method chosen beforehand, in the first draw:",
        table(["", "contributor", "value", truly, "true rank"], rows),
    ]


def _findings(lines: list[dict]) -> list[str]:
    """Differences to the method chosen beforehand, and what each term of the score adds."""
    choice = select(lines, kind="agreement")[0]["choice"]
    others = [x for x in _ordered(lines) if x["method"] != choice and x["spearman"] is not None]
    differences = (
        f"How much better {METHODS[choice].title} orders than each other method (paired difference in Spearman, 95 % "
        "interval; where it holds 0, these data do not decide):\n\n"
    ) + table(
        ["against", "difference"],
        [[METHODS[x["method"]].title, span(x["less_than_choice"], decimal)] for x in others],
    )
    return ["## What the evidence says", *choices(lines), differences, *_sizes(lines), *explained.section(lines),
            *paper_worth.section(lines), *ablation.section(lines)]  # fmt: skip


def _sizes(lines: list[dict]) -> list[str]:
    """How well the values order that are made with fewer validation examples, where they were made."""
    summaries = select(lines, kind="validation summary")
    sizes, names = (list(dict.fromkeys(x[field] for x in summaries)) for field in ("examples", "method"))
    cells = {(x["method"], x["examples"]): decimal(x["spearman"]) for x in summaries}
    rows = [[METHODS[name].title, *(cells[name, size] for size in sizes)] for name in names]
    words = (
        "Mean Spearman of values that are made with fewer validation examples, drawn anew for every draw, the smaller "
        "sets within the larger ones:\n\n"
    )
    return [words + table(["validation examples", *map(str, sizes)], rows)] if summaries else []


def choices(lines: list[dict]) -> list[str]:
    """Whether the trained models choose options better than guessing does, where the task has questions."""
    every = [one for line in select(lines, kind="truth") for one in line.get("choices", ()) if one]
    if not every:
        return []
    right, best = float(np.mean([one["accuracy"] for one in every])), max(every, key=lambda one: one["accuracy"])
    # models share the questions: over all of them there are no more independent answers than questions
    count, chance = best["questions"], best["chance"]
    low, high = binomtest(round(right * count), count).proportion_ci(0.95)
    verdict = "above guessing" if low > chance else "not told apart from guessing, so it is no metric here"
    return [
        f"Options chosen by likelihood, {count} test questions, {len(every)} trained models: on average {right:.3f} "
        f"are right ({span((low, high), decimal)}, binomial over questions), of the best model "
        f"{best['accuracy']:.3f}, by guessing {chance:.3f}: {verdict}."
    ]


def _data(lines: list[dict]) -> list[str]:
    contributors, run = select(lines, kind="contributor"), select(lines, kind="run")
    exact = {k: sum(x["exact"][k] for x in contributors) for k in ("validation", "test")}
    near = {k: sum(x["near"][k] for x in contributors) for k in ("validation", "test")}
    total = sum(x["examples"] for x in contributors)
    words = (
        f"Of {total} examples of all contributors, {exact['validation']} stand in the validation set and "
        f"{exact['test']} in the test set byte for byte; {near['validation']} and {near['test']} have a near duplicate "
        f"there ({contributors[0]['near_rule']})."
    )
    notes = [f"{key}: {value}" for x in run for key, value in x["notes"].items()]
    return ["## Data", words, "; ".join(notes) + "." if notes else "", *_texts(contributors)]


def _texts(contributors: list[dict]) -> list[str]:
    """What a model wrote, of the first contributors that hold such texts; nothing real is ever shown."""
    shown = [(x["contributor"], text) for x in contributors for text in x.get("texts", ())][:TEXTS]
    quoted = [f"- contributor {name}: {escaped(shortened(text, CHARACTERS))}" for name, text in shown]
    return ["Examples of generated texts:\n\n" + "\n".join(quoted)] if quoted else []


def _ordered(lines: list[dict]) -> list[dict]:
    return sorted(select(lines, kind="summary"), key=_spearman, reverse=True)


def _spearman(line: dict) -> float:
    return -2.0 if line["spearman"] is None else line["spearman"]
