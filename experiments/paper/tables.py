"""Tables that put several runs side by side: methods x tasks, and what their truths are. From recorded lines alone."""

from collections.abc import Callable, Mapping

import numpy as np

from experiments.paper.record import ALONE
from experiments.reporting.markdown import decimal, span, table, with_span
from experiments.runtime.results import LAST, select
from experiments.studies.valuation import explained
from valuation.methods import METHODS

Read = Callable[[str], list[dict]]  # name of an entry -> its recorded lines
LEARNERS = {
    "images": "images-mixed", "sentiment": "sentiment", "instructions": "instructions", "reasoning": "reasoning",
    "ConvNet": "images-convnet",
}  # fmt: skip
ROWS = {
    "mroz": "tables-mroz", "breast cancer": "tables-breast-cancer", "nhefs": "tables-nhefs",
    "diabetes": "tables-diabetes", "effects": "effects", "known effects": "causal-tables",
}  # fmt: skip
MADE = {"strings": "strings", "with condensed digits": "images-condensed"}
MEASURED = {  # too: at equal size, and beside real examples
    "images at equal size": "images-equal", "images beside 100": "images-added-100",
    "images beside 500": "images-added-500", "sentiment beside 500": "sentiment-added-500",
}  # fmt: skip
ADAPTED = {"instructions, SmolLM2": "instructions-smollm2", "reasoning, SmolLM2": "reasoning-smollm2"}
PHOTOGRAPHS = {"CIFAR-10, ConvNet, one H100": "images-cifar10"}
PRETRAINED = {  # the same tasks, learned by the last blocks of a language model and from scratch
    **ADAPTED, "instructions, from scratch": "instructions", "reasoning, from scratch": "reasoning",
}  # fmt: skip
# those of the front page: the rule, one rival of each kind, and what everybody can count
CHOSEN = (
    "surrogate", "rbf_margin", "ntk_utility", "linear_utility", "proxy_training", "score_disagreement", "mmd_size",
    "trak", "real_count", "score_kappa", "random",
)  # fmt: skip


def two(value: float | None) -> str:
    """Two decimals; a dash for None."""
    return "–" if value is None else f"{value:.2f}"


def correlation(line: dict | None, digits: Callable[[float | None], str] = two) -> str:
    """Mean Spearman and its interval; a dash where nothing was recorded, or values are all equal."""
    if line is None or line["spearman"] is None:
        return "–"
    return f"{digits(line['spearman'])} ({span(line['low_high'], two)})"


def by_method(read: Read, name: str) -> dict[str, dict]:
    """The summaries of a valuation by method, the best first."""
    lines = select(read(name), kind="summary")
    return {line["method"]: line for line in sorted(lines, key=_worst_last)}


def learners(read: Read, names: Mapping[str, str] = LEARNERS, methods: tuple[str, ...] = ()) -> str:
    """Methods x learners. names: title of a column -> entry. methods: those shown; none: all, the best first."""
    columns = {title: by_method(read, name) for title, name in names.items()}
    every = list(dict.fromkeys(method for column in columns.values() for method in column))
    rows = [
        [METHODS[name].title, *(correlation(column.get(name)) for column in columns.values()), METHODS[name].looks_at]
        for name in methods or every
    ]
    return table(["method", *columns, "looks at"], rows)


def differences(read: Read) -> str:
    """Paired intervals of the surrogate's correlation less that of each method, methods x learners."""
    columns = {title: by_method(read, name) for title, name in (LEARNERS | ADAPTED).items()}
    every = dict.fromkeys(method for column in columns.values() for method in column)
    rows = [
        [METHODS[name].title, *(_paired(column.get(name)) for column in columns.values())]
        for name in every
        if name != "surrogate"
    ]
    return table(["method", *columns], rows)


def _paired(line: dict | None) -> str:
    return "–" if line is None or line["less_than_choice"] is None else span(line["less_than_choice"], two)


def chosen(read: Read) -> str:
    """The front page's choice of `learners`."""
    return learners(read, LEARNERS, CHOSEN)


def images(read: Read) -> str:
    """All methods on the digits: mixed sizes and equal size, draws, regret, cost."""
    mixed, equal = by_method(read, "images-mixed"), by_method(read, "images-equal")
    correlations = select(read("images-mixed"), kind="correlation")
    rows = [
        [
            METHODS[name].title,
            correlation(line, decimal),
            ", ".join(two(x["spearman"]) for x in select(correlations, method=name)),
            correlation(equal.get(name), decimal),
            span(line["less_than_choice"], two),
            decimal(line["regret"]),
            decimal(line["accuracy_error"]),
            METHODS[name].looks_at,
            f"{line['seconds']:.1f}",
        ]
        for name, line in mixed.items()
    ]
    head = ["method", "Spearman (95 %)", "five draws", "at equal size", "surrogate minus this (95 %)", "regret"]
    return table([*head, "accuracy error", "looks at", "s a draw"], rows)


def against(read: Read, name: str) -> str:
    """All methods of one valuation: correlation by draw, difference to the default, regret, cost."""
    correlations = select(read(name), kind="correlation")
    rows = [
        [
            METHODS[method].title,
            correlation(line, decimal),
            ", ".join(two(x["spearman"]) for x in select(correlations, method=method)),
            span(line["less_than_choice"], two),
            decimal(line["regret"]),
            f"{line['seconds']:.1f}",
        ]
        for method, line in by_method(read, name).items()
    ]
    head = ["method", "Spearman (95 %)", "draws", "surrogate minus this (95 %)", "regret", "s a draw"]
    return table(head, rows)


def photographs(read: Read) -> str:
    """All methods on small photographs and a ConvNet: one draw, on an accelerator."""
    return against(read, "images-cifar10")


def truths(read: Read) -> str:
    """What can be known of every truth, and what it took: seeds, draws, agreement, validation, commit."""
    rows = []
    for title, name in (LEARNERS | ADAPTED | PHOTOGRAPHS).items():
        lines = read(name)
        if not lines:
            continue
        (run,), (agreement,) = select(lines, kind=LAST), select(lines, kind="agreement")
        truth, contributors = select(lines, kind="truth"), select(lines, kind="contributor")
        draws, seeds = len({x["draw"] for x in contributors}), len({x["seed"] for x in truth})
        best = select(lines, kind="summary", method="surrogate")[0]["seconds"]
        rows.append(
            [
                title,
                f"{draws} x {len(contributors) // draws} x {seeds}",
                agreement["metric"].replace("_", " "),
                decimal(agreement["seed_agreement"]),
                decimal(agreement["validation_ceiling"]),
                f"{agreement['seconds']:.0f}",
                f"{best / agreement['seconds']:.1%}",
                f"{run['seconds']:,.0f} s, {truth[0]['commit']}",
                f"[lines]({name}.jsonl)",
            ]
        )
    head = ["task", "draws x contributors x seeds", "truth: test", "agreement of seeds"]
    head += ["perfect predictor of validation", "truth, s a draw", "surrogate / truth, s"]
    head += ["whole run, commit of the truth", ""]
    return table(head, rows)


def beside(read: Read, config: str) -> str:
    """What methods say of a contributor alone, and of what it adds to 100 and 500 real examples, where recorded."""
    alone = by_method(read, ALONE[config])
    counts = [n for n in (100, 500) if read(f"{config}-added-{n}")]
    added = [by_method(read, f"{config}-added-{n}") for n in counts]
    crossed = [select(read(f"two-truths-{config}-{n}"), kind="two truths") for n in counts]
    rows = [
        [
            METHODS[name].title,
            two(alone[name]["spearman"]),
            *(correlation(column.get(name)) for column in added),
            *(two(_mean(select(lines, method=name), "crossed")) for lines in crossed),
        ]
        for name in alone
        if any(name in column for column in added)
    ]
    of_alone = [f"{'on' if i else 'values of S alone on'} beside {n}" for i, n in enumerate(counts)]
    return table(["method", "alone", *(f"beside {n} (95 %)" for n in counts), *of_alone], rows)


def union(read: Read) -> str:
    """Methods on the tasks of sequences, also those that need the union: correlation, and what the default has more."""
    columns = {task: by_method(read, f"{task}-union") for task in ("instructions", "reasoning")}
    every = list(dict.fromkeys(method for column in columns.values() for method in column))
    rows = []
    for name in every:
        lines = [column.get(name) for column in columns.values()]
        cells = [cell for line in lines for cell in (correlation(line), _lead_of_default(line))]
        rows.append([METHODS[name].title, *cells, METHODS[name].looks_at])
    heads = (head for task in columns for head in (f"{task} (95 %)", "surrogate minus this"))
    return table(["method", *heads, "looks at"], rows)


def pretrained(read: Read) -> str:
    """Methods x tasks of sequences x learners: a language model that is adapted, a decoder from scratch."""
    return learners(read, {title: name for title, name in PRETRAINED.items() if read(name)})


def rows(read: Read) -> str:
    """Methods x tasks whose examples are rows of tables, and whose truth may be an effect."""
    return learners(read, {title: name for title, name in ROWS.items() if read(name)})


def made(read: Read) -> str:
    """Methods on contributors that are made otherwise: of strings, and with condensed digits among their images."""
    return learners(read, {title: name for title, name in MADE.items() if read(name)})


def measures(read: Read) -> str:
    """Measures of contributors x tasks: whether they go with the truth, alone and beside the default value."""
    recorded = {title: read(name) for title, name in (LEARNERS | MADE | ADAPTED | ROWS | MEASURED).items()}
    return explained.page({title: lines for title, lines in recorded.items() if select(lines, kind=explained.KIND)})


def interval(line: dict, key: str) -> str:
    """A mean and its 95 % interval, three decimals."""
    return with_span(line[key], line[f"{key}_interval"], decimal)


def _lead_of_default(line: dict | None) -> str:
    return "–" if line is None or line["less_than_choice"] is None else span(line["less_than_choice"], two)


def _mean(lines: list[dict], field: str) -> float | None:
    numbers = [line[field] for line in lines]
    return None if None in numbers or not numbers else float(np.mean(numbers))


def _worst_last(line: dict) -> float:
    return 2.0 if line["spearman"] is None else -line["spearman"]
