"""What each choice inside the score does: terms x weightings x kernel output x features, on development draws.

    python -m experiments.run --config=configs/images.py:small,draws=4,seed=0 --workdir=out/development
    python -m experiments.studies.valuation.score_ablation --values=out/development --workdir=out/ablation

Reads a finished run with a truth, makes the score's terms of its contributors anew in every variant (one line a draw
and variant: an interrupted run goes on), and orders the contributors by every subset of the five terms in every
weighting. Choices are made on such pages, on development seeds; tables use other seeds.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from absl import flags

from experiments import tasks
from experiments.reporting.markdown import decimal, provenance, table
from experiments.runtime import launch, mesh, results, study
from experiments.runtime.results import select
from experiments.runtime.rng import generator
from experiments.runtime.study import Step, Study
from experiments.studies.valuation import evaluate
from experiments.studies.valuation.finished_runs import configured, digests, finished, grown, workers_of
from experiments.studies.valuation.reading import utilities
from experiments.studies.valuation.stability import draw_of
from experiments.studies.valuation.study import all_draws
from experiments.tasks.task import Task
from valuation.kernel import outputs
from valuation.methods import score_terms
from valuation.methods.score_disagreement import disagreement_terms
from valuation.methods.score_weights import calibrated_weights, kappa_weights, literal_weights, scale_free, value
from valuation.problem import Problem

RETRAINED = 6  # contributors whose trained models' validation metric the calibrated weights are fitted to
LAST_SEED = 9  # of development: what is chosen on a page like this must not have seen the draws of the tables
SHOWN = 25  # rows of the page
MEMBERS = 200  # purpose of a draw's key that the run itself does not have


class Variant(NamedTuple):
    """How the terms are made. output, scaled, joint: of score_terms.terms. features: a key of FEATURES."""

    output: str
    scaled: bool
    joint: bool
    features: str


def at_initialisation(problem: Problem) -> Callable[[np.ndarray], np.ndarray]:
    """Inputs -> the outputs of the networks at their initialisations, side by side, (n, inits * outputs)."""
    models = [problem.model._replace(params=params) for params in problem.initial]
    return lambda inputs: np.concatenate([np.asarray(outputs(model, inputs)) for model in models], axis=1)


FEATURES: dict[str, Callable[[Problem], Callable[[np.ndarray], np.ndarray]]] = {
    "of the task": lambda problem: problem.features,
    "outputs at initialisation": at_initialisation,
}
CLASSIFIERS = tuple(
    Variant(*given) for given in itertools.product(("target", "sum"), (False, True), (False, True), FEATURES)
)
SEQUENCES = tuple(Variant("target", scaled, False, "of the task") for scaled in (False, True))


def variants(kind: str) -> tuple[Variant, ...]:
    """Those of a kind of objective: outputs and joint discrepancies of classes are of classifiers alone."""
    return CLASSIFIERS if kind == "classification" else SEQUENCES


def costs_of(problem: Problem, variant: Variant) -> dict[str, list[float]]:
    """The five terms of every contributor, by name."""
    other = problem._replace(features=FEATURES[variant.features](problem))
    four = score_terms.terms(other, output=variant.output, scaled=variant.scaled, joint=variant.joint)
    return {name: list(cost) for name, cost in four._asdict().items()} | {
        "disagreement": list(disagreement_terms(other))
    }


def weighted(terms: Mapping[str, np.ndarray], validation: np.ndarray, members: np.ndarray) -> dict[str, np.ndarray]:
    """Weighting -> values (C,). validation: (C,), the metric of trained models there, looked at of members alone.

    terms: name -> costs (C,). Kappa needs the discrepancy and the kernel term that it balances; literal weights are
    those of the score's four terms together.
    """
    costs = list(terms.values())
    four = score_terms.Terms(*(terms.get(name, np.zeros_like(costs[0])) for name in score_terms.Terms._fields))
    made = {
        "scale-free": scale_free(*costs),
        "plain sum": value(costs, np.ones(len(costs))),
        "calibrated": value(costs, calibrated_weights(costs, -validation[members], members)),
    }
    if {"discrepancy", "kernel"} <= terms.keys():
        made["kappa"] = value(four, kappa_weights(four)) - terms.get("disagreement", 0)
    if terms.keys() == {*score_terms.Terms._fields}:
        made["literal"] = value(four, literal_weights(four))
    return made


def orders(lines: list[dict], run: list[dict]) -> list[dict]:
    """A line for every variant, subset of terms and weighting: mean over draws of Spearman with the truth.

    lines: of the terms. run: lines of the run that they were made for.
    """
    draws = sorted({line["draw"] for line in select(lines, kind="score terms")})
    truth = {draw: utilities(run, draw).mean(0) for draw in draws}
    seen = {draw: np.mean([x["validation"] for x in select(run, kind="truth", draw=draw)], 0) for draw in draws}
    members = {draw: members_of(draw, len(truth[draw])) for draw in draws}
    out = []
    for variant in dict.fromkeys(variant_of(line) for line in select(lines, kind="score terms")):
        terms = {d: select(lines, kind="score terms", draw=d, **variant._asdict())[0]["terms"] for d in draws}
        names = list(terms[draws[0]])
        for subset in (s for k in range(len(names)) for s in itertools.combinations(names, k + 1)):
            by_draw: dict[str, list[float]] = {}
            for draw in draws:
                costs = {name: np.array(terms[draw][name]) for name in subset}
                for weighting, worth in weighted(costs, seen[draw], members[draw]).items():
                    rho = evaluate.correlation("spearman", worth, truth[draw])
                    by_draw.setdefault(weighting, []).append(0.0 if np.isnan(rho) else rho)
            about = {"kind": "score order", **variant._asdict(), "subset": list(subset)}
            out += [
                about | {"weighting": weighting, "spearman": float(np.mean(rhos)), "by_draw": rhos}
                for weighting, rhos in by_draw.items()
            ]
    return out


def members_of(draw: int, contributors: int) -> np.ndarray:
    """The contributors of a draw that count as trained on."""
    rng = generator(jax.random.fold_in(jax.random.key(draw), MEMBERS))
    return rng.choice(contributors, min(RETRAINED, contributors), replace=False)


def variant_of(line: dict) -> Variant:
    """The variant that a line speaks of."""
    return Variant(*(line[field] for field in Variant._fields))


def run(workdir: str | Path, *, values: str | Path, data_dir: str | None) -> Path:
    """Makes what is missing; the path of workdir/report.md.

    Raises ValueError for a run without a truth, and for one of other than development seeds.
    """
    known = finished({"values": str(values)})["values"]
    if not select(known, kind="truth"):
        raise ValueError("the run has no truth: it was made with truth=none")
    config = configured(values)
    if (last := all_draws(config)[-1]) > LAST_SEED:
        raise ValueError(
            f"--values={values} has a draw of seed {last}: expected seeds from 0 to {LAST_SEED}, as seed=0,draws=4. "
            "Choices are made on this page, and tables use other seeds"
        )

    @functools.cache
    def task() -> Task:
        return tasks.load(config, data_dir, mesh.devices())

    def steps(recorded: list[dict]) -> Iterator[Step]:
        for draw in all_draws(config):
            problem = functools.cache(functools.partial(problem_of, draw))
            for variant in variants(tasks.OBJECTIVES[config.task]):
                about = {"kind": "score terms", "draw": draw, **variant._asdict()}
                yield Step([about], functools.partial(made, about, problem, variant))

    def problem_of(draw: int) -> Problem:
        return draw_of(config, task(), draw, Path(workdir) / "checkpoints", known).problem

    about = {"name": "score_ablation", "scale": config.scale, "task": config.task}
    about |= {"lines": {draw: one | {"values": {}} for draw, one in digests(known).items()}}  # which are not read
    summaries = functools.partial(orders, run=known)
    return study.run(Study("score_ablation", about, steps, write, summaries, extends=grown), workdir)


def made(about: dict, problem: Callable[[], Problem], variant: Variant) -> list[dict]:
    """The line of one draw and variant. problem: () -> that of the draw."""
    return [about | {"terms": costs_of(problem(), variant)}]


def write(workdir: str | Path) -> Path:
    """Writes the page: the best orders, and what each choice changes on average; its path."""
    lines = results.finished(workdir)
    every = sorted(select(lines, kind="score order"), key=lambda line: -line["spearman"])
    rows = [[" + ".join(x["subset"]), *_choices(x), decimal(x["spearman"])] for x in every[:SHOWN]]
    head = ["terms", "weighting", "kernel of", "kernel scaled", "joint discrepancy", "features", "Spearman"]
    parts = [
        "# What each choice inside the score does",
        provenance(lines[0]),
        f"{len(every):,} orders: every subset of the five terms in every weighting and variant; mean over "
        f"{len(every[0]['by_draw'])} draws of the Spearman correlation with the truth. *Calibrated*: non-negative "
        f"weights fitted to the validation metric of {RETRAINED} trained contributors, each valued without itself. The "
        "disagreement alone looks at validation labels. These are development draws: nothing here is a result.",
        f"## The best {min(SHOWN, len(every))}",
        table(head, rows),
        "## Each choice, all else equal",
        "Mean and best over all orders that have it.",
        *(_of_choice(every, field, title) for field, title in zip(_FIELDS, head[1:-1], strict=True)),
        _of_terms(every),
    ]
    return study.write_page(workdir, "\n\n".join(parts) + "\n")


_FIELDS = ("weighting", "output", "scaled", "joint", "features")


def _choices(line: dict) -> list[str]:
    return [_word(line[field]) for field in _FIELDS]


def _word(choice: str | bool) -> str:
    return {True: "yes", False: "no"}[choice] if isinstance(choice, bool) else choice


def _of_choice(every: list[dict], field: str, title: str) -> str:
    rows = []
    for choice in dict.fromkeys(line[field] for line in every):
        chosen = [line["spearman"] for line in every if line[field] == choice]
        rows.append([_word(choice), decimal(float(np.mean(chosen))), decimal(max(chosen))])
    return table([title, "mean", "best"], rows)


def _of_terms(every: list[dict]) -> str:
    """What the orders with a term have more than the same orders without it, on average."""
    known = {(tuple(x["subset"]), *(x[field] for field in _FIELDS)): x["spearman"] for x in every}
    rows = []
    for name in dict.fromkeys(name for line in every for name in line["subset"]):
        gains = [
            rho - known[tuple(one for one in subset if one != name), *rest]
            for (subset, *rest), rho in known.items()
            if name in subset and (tuple(one for one in subset if one != name), *rest) in known
        ]
        rows.append([name, f"{np.mean(gains):+.3f}", f"{np.mean(np.array(gains) > 0):.0%}"])
    return table(["term", "Spearman with it minus without it", "better with it"], rows)


def main(argv: list[str]) -> None:
    with workers_of(configured(flags.FLAGS.values)):
        print(run(flags.FLAGS.workdir, values=flags.FLAGS.values, data_dir=flags.FLAGS.data_dir))


if __name__ == "__main__":
    mesh.use_all_cores()
    launch.define_required("values", "finished run on development seeds, with a truth")
    launch.define_required("workdir", "folder for results.jsonl")
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    launch.run(main)
