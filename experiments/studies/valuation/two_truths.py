"""Do two truths about the same contributors agree, and does a method hold on both? Two finished runs side by side.

    python -m experiments.studies.valuation.two_truths --first=out/alone --second=out/beside --workdir=out/two

Such as truth=own_set, what a model reaches that is trained on each contributor alone, and truth=added, what each adds
to real data. The configs differ in the truth alone (or in `beside`), so that both runs have the same contributors; each
method made its values for the question of its own run. Nothing is computed but correlations: one line a draw and
method in workdir/results.jsonl, and the table of means, which is printed.
"""

from pathlib import Path

import numpy as np
from absl import flags

from experiments.reporting import markdown
from experiments.runtime import launch, results, study
from experiments.runtime.results import select
from experiments.studies.valuation import evaluate
from experiments.studies.valuation.finished_runs import derived_study, finished
from experiments.studies.valuation.reading import made_of, question, utilities
from valuation.methods import METHODS

SIDES = ("first", "second")
FIELDS = (*SIDES, "crossed", "truths", "one_truth")


def table(first: list[dict], second: list[dict]) -> list[dict]:
    """One line a draw and method that both runs hold: how well its values order the contributors by either truth.

    first, second: lines of two finished runs. Fields: "first" and "second", Spearman of the values of a run with its
    own truth; "crossed", of the first run's values with the second truth; "truths", of one truth with the other;
    "one_truth", what "truths" could expect if both were one truth, which seeds alone set apart. Raises ValueError
    unless both have a truth, in the same metric, and the same contributors.
    """
    runs = dict(zip(SIDES, (first, second), strict=True))
    for side, lines in runs.items():
        if not select(lines, kind="truth"):
            raise ValueError(f"the {side} run has no truth: it was made with truth=none")
    draws = sorted(set.intersection(*({x["draw"] for x in select(lines, kind="truth")} for lines in runs.values())))
    if not draws:
        raise ValueError("the two runs have no draw in common: give them the same seed and number of draws")
    if _about(first, "task", "metric") != _about(second, "task", "metric"):
        raise ValueError("the two runs have other tasks or metrics, expected configs that differ in the truth alone")
    out = []
    for draw in draws:
        if made_of(first, draw) != made_of(second, draw):
            raise ValueError(f"draw {draw}: the two runs have other contributors or data, expected configs that differ "
                             "in the truth alone")  # fmt: skip
        seeds = {side: utilities(lines, draw) for side, lines in runs.items()}
        truth = {side: one.mean(0) for side, one in seeds.items()}
        seed_ceilings = [evaluate.ceiling(evaluate.seed_agreement(one.T), len(one)) for one in seeds.values()]
        made = {side: {x["method"]: x["values"] for x in select(lines, kind="values", draw=draw)}
                for side, lines in runs.items()}  # fmt: skip
        for name in (name for name in made["first"] if name in made["second"]):
            pairs = {
                "first": (made["first"][name], truth["first"]),
                "second": (made["second"][name], truth["second"]),
                "crossed": (made["first"][name], truth["second"]),
                "truths": (truth["first"], truth["second"]),
            }
            rho = {field: evaluate.correlation("spearman", *map(np.asarray, pair)) for field, pair in pairs.items()}
            rho["one_truth"] = float(np.prod(seed_ceilings))
            line = {"kind": "two truths", "draw": draw, "method": name}
            out.append(line | {field: None if np.isnan(x) else x for field, x in rho.items()})
    return out


def words(lines: list[dict]) -> str:
    """The questions, how well their answers agree, and the means over draws as a Markdown table, best on both first."""
    names = list(dict.fromkeys(x["method"] for x in lines))
    means = {name: {field: _mean(select(lines, method=name), field) for field in FIELDS} for name in names}
    order = sorted(names, key=lambda name: -sum(-2 if (x := means[name][side]) is None else x for side in SIDES))
    rows = [
        [METHODS[name].title, *(markdown.decimal(means[name][field]) for field in (*SIDES, "crossed"))]
        for name in order
    ]
    of_truths = means[names[0]]
    return "\n\n".join(
        [
            f"First truth: {lines[0]['first_truth']}. Second truth: {lines[0]['second_truth']}.",
            f"The two agree with {markdown.decimal(of_truths['truths'])}, mean Spearman within "
            f"{markdown.plural(len({x['draw'] for x in lines}), 'draw')}; if they were one truth, their seeds would "
            f"let them agree with {markdown.decimal(of_truths['one_truth'])}.",
            markdown.table(["method", "on the first", "on the second", "values of the first on the second"], rows),
        ]
    )


def run(workdir: str | Path, *, first: str | Path, second: str | Path) -> Path:
    """Compares two finished runs; the path of the table, workdir/report.md. Raises ValueError as `table` does."""
    folders = {"first": str(first), "second": str(second)}
    lines = finished(folders)
    about = {f"{side}_run": select(lines[side], kind="run")[0]["config"] for side in SIDES}
    rows = table(lines["first"], lines["second"])
    about |= {f"{side}_truth": question(select(lines[side], kind="truth")[0]) for side in SIDES}
    made = [line | about for line in rows]
    return study.run(derived_study("two_truths", lines, lambda: made, write), workdir)


def write(workdir: str | Path) -> Path:
    """Writes the table of means, workdir/report.md; its path."""
    return study.write_page(workdir, words(select(results.finished(workdir), kind="two truths")) + "\n")


def _about(lines: list[dict], *fields: str) -> set[tuple]:
    return {tuple(x.get(field) for field in fields) for x in select(lines, kind="truth")}


def _mean(lines: list[dict], field: str) -> float | None:
    """None where one draw has no correlation: values that are all equal order nothing."""
    numbers = [x[field] for x in lines]
    return None if None in numbers else float(np.mean(numbers))


def main(argv: list[str]) -> None:
    args = flags.FLAGS
    print(run(args.workdir, first=args.first, second=args.second).read_text(), end="")


if __name__ == "__main__":
    for name, which in (("first", "one truth"), ("second", "another truth about the same contributors")):
        launch.define_required(name, f"finished run with {which}")
    launch.define_required("workdir", "folder for results.jsonl")
    launch.run(main)
