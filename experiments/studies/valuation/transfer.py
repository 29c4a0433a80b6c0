"""Do values made for one model hold for another? Values of one finished run against the truth of a second one.

    python -m experiments.studies.valuation.transfer --values=out/mlp --truth=out/convnet --workdir=out/transfer

Both runs must have the same contributors: the same config but for the model; the first needs no truth. Writes one line
a draw and method into workdir/results.jsonl and prints the table of means.
"""

from pathlib import Path

import numpy as np
from absl import flags

from experiments.reporting import markdown
from experiments.runtime import launch, results, study
from experiments.runtime.results import select
from experiments.studies.valuation import evaluate
from experiments.studies.valuation.finished_runs import derived_study, finished
from experiments.studies.valuation.ground_truth import OWN_SET
from experiments.studies.valuation.reading import made_of, utilities
from valuation.methods import METHODS


def table(values: list[dict], truth: list[dict]) -> list[dict]:
    """One line a draw and method that both runs hold: Spearman with the other run's truth, and with its own.

    values, truth: lines of two finished runs. Raises ValueError unless their contributors are the same.
    """
    lines = []
    if not select(truth, kind="truth"):
        raise ValueError("the run whose truth is taken has none: it was made with truth=none")
    judged = {line["draw"] for line in select(truth, kind="truth")}
    draws = sorted({line["draw"] for line in select(values, kind="values")} & judged)
    if not draws:
        raise ValueError("the two runs have no draw in common: give them the same seed and number of draws")
    for draw in draws:
        same = _measured(values) == _measured(truth)
        if not select(values, kind="truth"):  # its values are made for contributors alone, as own_set judges them
            same = {measured[1] for measured in _measured(truth)} <= {None, OWN_SET}
        if made_of(values, draw) != made_of(truth, draw) or not same:
            raise ValueError(
                f"draw {draw}: the two runs have other contributors, data or truths, expected configs that differ in "
                "the model alone"
            )
        other = utilities(truth, draw).mean(0)
        # constant where there is none: it has no correlation
        itself = utilities(values, draw).mean(0) if select(values, kind="truth", draw=draw) else np.zeros(len(other))
        for line in select(values, kind="values", draw=draw):
            pairs = {"spearman": (line["values"], other), "own": (line["values"], itself), "truths": (itself, other)}
            rho = {name: evaluate.correlation("spearman", *map(np.asarray, pair)) for name, pair in pairs.items()}
            lines.append(
                {"kind": "transfer", "draw": draw, "method": line["method"]}
                | {name: None if np.isnan(number) else number for name, number in rho.items()}
            )
    return lines


def words(lines: list[dict]) -> str:
    """The means over draws as a Markdown table, best first."""
    names = list(dict.fromkeys(x["method"] for x in lines))
    means = {n: [_mean(select(lines, method=n), k) for k in ("spearman", "own")] for n in names}
    order = sorted(names, key=lambda n: -np.nan_to_num(means[n][0], nan=-2))
    rows = [[METHODS[n].title, *(markdown.decimal(None if np.isnan(x) else x) for x in means[n])] for n in order]
    truths = _mean(select(lines, method=names[0]), "truths")
    head = ["method", "against the other run's truth", "against its own"]
    last = "" if np.isnan(truths) else f"The two truths agree with {truths:.3f}."
    return "\n".join([markdown.table(head, rows), "", last]).rstrip()


def _measured(lines: list[dict]) -> set[tuple]:
    return {(x.get("task"), x.get("truth"), x.get("metric")) for x in select(lines, kind="truth")}


def _mean(lines: list[dict], name: str) -> float:
    """NaN where one draw has no correlation: values that are all equal order nothing."""
    return float(np.mean([np.nan if x[name] is None else x[name] for x in lines]))


def run(workdir: str | Path, *, values: str | Path, truth: str | Path) -> Path:
    """Compares two finished runs; the path of the table, workdir/report.md. Raises ValueError as `table` does."""
    folders = {"values": str(values), "truth": str(truth)}
    lines = finished(folders)
    compared = {name: select(lines[name], kind="run")[0]["config"] for name in folders}
    made = [compared | line for line in table(lines["values"], lines["truth"])]
    return study.run(derived_study("transfer", lines, lambda: made, write), workdir)


def write(workdir: str | Path) -> Path:
    """Writes the table of means, workdir/report.md; its path."""
    return study.write_page(workdir, words(select(results.finished(workdir), kind="transfer")) + "\n")


def main(argv: list[str]) -> None:
    args = flags.FLAGS
    print(run(args.workdir, values=args.values, truth=args.truth).read_text(), end="")


if __name__ == "__main__":
    launch.define_required("values", "finished run whose values are taken")
    launch.define_required("truth", "finished run whose truth is taken")
    launch.define_required("workdir", "folder for results.jsonl")
    launch.run(main)
