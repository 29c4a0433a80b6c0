"""Which measure of the contributors goes with the truth, alone and beside the method of choice? From lines alone.

    python -m experiments.studies.valuation.explained --runs=out/mixed,out/sentiment

prints the table of all measures and runs; the report of a run has its own.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from absl import flags
from jaxtyping import Float

from experiments.reporting.markdown import decimal, span, table
from experiments.runtime import launch, results
from experiments.runtime.results import select
from experiments.studies.valuation import covariates, evaluate
from experiments.studies.valuation.reading import utilities
from valuation.covariates import MEASURES
from valuation.methods import METHODS

KIND = "explained"
SIDES = ("alone", "beside")


def asked(config) -> list[dict]:
    """Kind and identity of lines that every run with a truth has; those of measures of tokens are not among them."""
    return [{"kind": KIND, "measure": name} for name in dict.fromkeys(x["measure"] for x in covariates.asked(config))]


def explained(lines: list[dict], choice: str, *, resamples: int = 2000, seed: int = 0) -> list[dict]:
    """How the measures that all draws of a run have go with the truth, a line each, the strongest alone first.

    alone: Spearman within a draw, its mean over draws. beside: the same of what the method of choice leaves of both,
    the partial rank correlation. alone_interval, beside_interval: 95 %, over resampled draws, contributors and seeds.
    lines: of a finished run; [] of one without a truth. choice: a method. resamples, seed: of the intervals.
    """
    draws = sorted({line["draw"] for line in select(lines, kind="truth")})
    recorded = [{x["measure"]: x["values"] for x in select(lines, kind=covariates.KIND, draw=d)} for d in draws]
    names = [name for name in MEASURES if recorded and all(name in one for one in recorded)]
    if not names:
        return []
    rng = np.random.default_rng(seed)
    points, samples = [], []
    for draw, one in zip(draws, recorded, strict=True):
        measures, truth = np.array([one[name] for name in names]), utilities(lines, draw).T
        values = np.array(select(lines, kind="values", draw=draw, method=choice)[0]["values"])
        contributors, seeds = (np.arange(count)[None] for count in truth.shape)
        points.append(rank_correlations(measures, values, truth, contributors, seeds)[:, 0])
        drawn = (rng.integers(0, count, (resamples, count)) for count in truth.shape)
        samples.append(rank_correlations(measures, values, truth, *drawn))
    chosen = rng.integers(0, len(draws), (resamples, len(draws)))
    resampled = np.stack(samples, axis=1)[:, chosen, np.arange(resamples)[:, None]].mean(2)  # (2, B, M)
    mean = np.mean(points, axis=0)
    found = [
        {
            "kind": KIND,
            "measure": name,
            "alone": float(mean[0, i]),
            "alone_interval": evaluate.interval(resampled[0, :, i]),
            "beside": float(mean[1, i]),
            "beside_interval": evaluate.interval(resampled[1, :, i]),
        }
        for i, name in enumerate(names)
    ]
    return sorted(found, key=lambda line: -abs(line["alone"]))


def rank_correlations(
    measures: Float[np.ndarray, "M C"], values: Float[np.ndarray, " C"], truth: Float[np.ndarray, "C S"],
    contributors: np.ndarray, seeds: np.ndarray,
) -> Float[np.ndarray, "2 B M"]:  # fmt: skip
    """(Spearman of measure and mean truth, the partial one given the values), for every resample.

    contributors: (B, C) and seeds: (B, S) int, what each resample holds. Where one side is constant, or the values
    leave nothing of one, the correlation is 0. The partial one is (r_mt - r_mv r_tv) / sqrt((1 - r_mv^2)(1 - r_tv^2)).
    """
    mean = np.take_along_axis(truth[:, seeds].mean(2).T, contributors, axis=1)
    t, v = (evaluate.standard_ranks(side) for side in (mean, values[contributors]))
    m = np.stack([evaluate.standard_ranks(one[contributors]) for one in measures], axis=1)  # (B, M, C)
    of_truth, of_values = np.einsum("bmc,bc->bm", m, t), np.einsum("bmc,bc->bm", m, v)
    both = (t * v).sum(1, keepdims=True)
    left = np.sqrt(np.maximum((1 - of_values**2) * (1 - both**2), 0))
    partial = np.divide(of_truth - of_values * both, left, out=np.zeros_like(left), where=left > 1e-6)
    return np.stack([of_truth, partial])


def section(lines: list[dict]) -> list[str]:
    """A sentence and a table for the report of a run; [] where no measures were recorded."""
    found = select(lines, kind=KIND)
    if not found:
        return []
    title = METHODS[select(lines, kind="agreement")[0]["choice"]].title
    words = (
        "What contributors are like, and whether that goes with the truth: mean Spearman with it, and what is left of "
        f"that beside {title} (partial rank correlation); 95 % intervals over draws, contributors and seeds. A measure "
        f"whose second interval holds 0 says nothing that {title} does not say.\n\n"
    )
    rows = [
        [MEASURES[x["measure"]].title, MEASURES[x["measure"]].says, *(_cell(x, side) for side in SIDES)] for x in found
    ]
    return [words + table(["measure", "high:", "alone", "beside the method of choice"], rows)]


def page(runs: Mapping[str, list[dict]]) -> str:
    """The table of all measures (rows) and runs (columns): alone, then beside the method of choice.

    runs: name -> lines of a finished run with a truth. Raises ValueError for one that has no measures or no truth.
    """
    every = {name: {x["measure"]: x for x in select(lines, kind=KIND)} for name, lines in runs.items()}
    for name, found in every.items():
        if not found:
            raise ValueError(f"{name} has no measures beside a truth: run it again, with a truth, and they are added")
    rows = [
        [
            MEASURES[measure].title if side == SIDES[0] else "",
            side,
            *(_cell(x.get(measure), side) for x in every.values()),
        ]
        for measure in MEASURES
        if any(measure in found for found in every.values())
        for side in SIDES
    ]
    return table(["measure", "", *every], rows)


def _cell(line: dict | None, side: str) -> str:
    return "–" if line is None else f"{decimal(line[side])} ({span(line[f'{side}_interval'], decimal)})"


def main(argv: list[str]) -> None:
    folders = flags.FLAGS.runs
    print(page({Path(folder).name: results.finished(folder) for folder in folders}))


if __name__ == "__main__":
    flags.DEFINE_list("runs", None, "folders of finished runs with a truth", required=True)
    launch.run(main)
