"""Is the truth of a model that is adapted in its last blocks the truth of one that is adapted everywhere?

    python -m experiments.studies.valuation.lora_everywhere --run=out/instructions --workdir=out/everywhere
        [--contributors=6] [--draw=3000 --draw=3001] [--seeds=1] [--steps=100] [--data_dir=FOLDER]

Learner and surrogates of such a run share frozen states, so that part of their agreement is built in. Here the first
contributors of some of its draws, of the first where none are named, are trained on once more, with LoRA in all blocks,
which nothing else shares. One line a draw and seed with that truth, one a draw and method with rank correlations, and
their table. Of SmolLM2 a step takes 5 s on two cores, six contributors of 100 steps and their tests an hour and a half.
"""

import time
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import jax
import ml_collections
import numpy as np
from absl import flags

from experiments import tasks
from experiments.reporting import markdown
from experiments.runtime import launch, mesh, results, study
from experiments.runtime.results import select
from experiments.runtime.study import Step, Study
from experiments.studies.valuation import evaluate, ground_truth
from experiments.studies.valuation.descriptions import check_recorded
from experiments.studies.valuation.finished_runs import configured, digests, finished, grown
from experiments.studies.valuation.reading import utilities
from experiments.studies.valuation.study import TRUTH, contributors_of, problem_of
from experiments.tasks.task import Task, for_pool
from valuation.methods import METHODS
from valuation.problem import Problem

FIELDS = ("spearman", "own", "truths")
RESAMPLES = 2000


def everywhere(config: ml_collections.ConfigDict, steps: int) -> ml_collections.ConfigDict:
    """The config of a run of adapted last blocks with LoRA in all of them, for that many steps; no states are kept.

    Raises ValueError for a run of another model, or of another truth than that of each contributor alone.
    """
    config = config.copy_and_resolve_references()
    if config.truth != ground_truth.OWN_SET or not config.model.get("last"):
        raise ValueError("--run must be of truth=own_set and of a model of which the last blocks are adapted")
    config.model.update({"last": 0, "states": 0})
    config.training.steps = steps
    if config.features.name == "states":  # nobody asks for features here
        config.features.name = "tf_idf"
    return config


class Draw(NamedTuple):
    """What the models of a draw are trained for and on.

    task: for the pool of the draw. problem: its first contributors. number: of the draw.
    """

    task: Task
    problem: Problem
    number: int


def drawn(config, task: Task, number: int, count: int, lines: list[dict]) -> Draw:
    """The first contributors of a draw of the run that has these lines.

    Raises ValueError if the run has other contributors.
    """
    specs, pool, contributors = contributors_of(config, task, number)
    check_recorded(lines, number, specs, contributors)
    task = for_pool(task, pool, ())
    problem = problem_of(config, task, number, pool, contributors[:count])
    return Draw(task._replace(choose=None), problem, number)


def trained(draw: Draw, seed: int, steps: int, folder: Path) -> dict:
    """The line of what the models reach that are trained on each contributor, for one seed.

    steps: of each training. folder: of trainings under way.
    """
    begun = time.perf_counter()
    key = jax.random.fold_in(jax.random.key(draw.number), TRUTH)
    (line,) = ground_truth.own_set(draw.task, draw.problem, ground_truth.Trainer([seed], key, mesh.devices(), folder))
    about = {"contributors": [one.name for one in draw.problem.contributors], "steps": steps}
    about |= {"metric": draw.task.metric, "seconds": time.perf_counter() - begun}
    return about | {name: line[name] for name in ground_truth.REACHED}


def agreement(truths: list[dict], lines: list[dict]) -> list[dict]:
    """A line for each method of the run: its values of the same contributors against both truths.

    truths: lines of `trained`, one a seed of one draw. lines: of the run.
    """
    draw, count = truths[0]["draw"], len(truths[0]["contributors"])
    by_seed = np.array([line["utility"] for line in truths]).T
    truth, own, made = by_seed.mean(1), utilities(lines, draw).mean(0)[:count], []
    for values in select(lines, kind="values", draw=draw):
        worth = np.array(values["values"])[:count]
        pairs = dict(zip(FIELDS, ((worth, truth), (worth, own), (own, truth)), strict=True))
        rho = {name: evaluate.correlation("spearman", *pair) for name, pair in pairs.items()}
        rho["seeds"] = evaluate.seed_agreement(by_seed)
        about = {"kind": "everywhere agreement", "draw": draw, "method": values["method"]}
        samples = evaluate.bootstrap([worth[None]], [by_seed], RESAMPLES, seed=0)[:, 0]
        about["interval"] = None if np.isnan(rho["spearman"]) else evaluate.interval(samples)
        made.append(about | {name: None if np.isnan(x) else float(x) for name, x in rho.items()})
    return made


def words(lines: list[dict]) -> str:
    """What the lines say, and the means over draws as a Markdown table."""
    made, truths = select(lines, kind="everywhere agreement"), select(lines, kind="everywhere")
    count, seeds = len(truths[0]["contributors"]), {x["seed"] for x in truths}
    draws = {x["draw"] for x in truths}
    size = f"{truths[0]['steps']} steps, {count} contributors, {markdown.plural(len(draws), 'draw')}"
    said = f"LoRA in all blocks, {size}, {markdown.plural(len(seeds), 'seed')}. This truth orders them like the run's "
    said += f"own with {markdown.decimal(_mean(select(made, method=made[0]['method']), 'truths'))}"
    said += f", two seeds of it agree with {markdown.decimal(_mean(made, 'seeds'))}." if len(seeds) > 1 else "."
    over = "contributors and seeds" if len(seeds) > 1 else "contributors"
    return f"{said} Intervals are over resampled {over}.\n\n{agreements(lines)}"


def agreements(lines: list[dict]) -> str:
    """Methods x truths, means over draws, best first, as a Markdown table."""
    made = select(lines, kind="everywhere agreement")
    names = dict.fromkeys(x["method"] for x in made)
    means = {name: [_mean(select(made, method=name), field) for field in FIELDS] for name in names}
    order = sorted(means, key=lambda name: -2.0 if (rho := means[name][0]) is None else rho, reverse=True)
    rows = [
        [METHODS[name].title, *map(markdown.decimal, means[name][:2]), _intervals(select(made, method=name))]
        for name in order
    ]
    return markdown.table(["method", "LoRA in all blocks", "own truth of the run", "95 % of the first, by draw"], rows)


def run(
    workdir: str | Path,
    *,
    of: str | Path,
    count: int,
    draws: list[int],
    seeds: int,
    steps: int,
    data_dir: str | None,
) -> Path:
    """Trains what is not yet in workdir/results.jsonl; the path of the table, workdir/report.md.

    of: folder of a finished run. count: contributors of a draw. draws: of the run, beside those that are recorded;
    none: its first. seeds: of each draw; a finished workdir can be asked for more, of all its draws. steps: of each
    training. data_dir: as in archives.data_folder. Raises ValueError for a run that is none or has fewer contributors
    or other draws.
    """
    lines = finished({"run": str(of)})["run"]
    config = everywhere(configured(of), steps)
    first = config.seed
    available = len(select(lines, kind="contributor", draw=first))
    if not 3 <= count <= available or seeds < 1 or steps < 1:
        raise ValueError(
            f"--contributors={count}, --seeds={seeds}, --steps={steps}: the run has {available} contributors in each "
            "draw; expected 3 or more of them, and one or more seeds and steps"
        )
    there = range(first, first + config.draws)
    if strangers := sorted(set(draws) - set(there)):
        raise ValueError(f"--draw={strangers[0]}: expected a draw of the run, {' or '.join(map(str, there))}")
    path = Path(workdir) / results.FILE
    earlier = select(results.read(path), kind="everywhere") if path.exists() else []
    draws = sorted({*(draws or [first]), *(line["draw"] for line in earlier)})
    about = {"run": select(lines, kind="run")[0]["config"]}

    def steps_of(recorded: list[dict]) -> Iterator[Step]:
        task = tasks.load(config, data_dir, mesh.devices())
        for number in draws:
            of_draw = lru_cache(partial(drawn, config, task, number, count, lines))
            for seed in range(seeds):
                folder = Path(workdir) / "checkpoints" / f"everywhere-{number}-{seed}"
                line = about | {"kind": "everywhere", "draw": number, "seed": seed}

                def make(line=line, of_draw=of_draw, seed=seed, folder=folder) -> list[dict]:
                    return [line | trained(of_draw(), seed, steps, folder)]

                yield Step([line], make, scratch=folder)

    def agreements_of(recorded: list[dict]) -> list[dict]:
        return [line for draw in draws for line in agreement(select(recorded, kind="everywhere", draw=draw), lines)]

    asked = {"name": "lora_everywhere", "scale": config.scale, "lines": digests(lines, draws)}
    asked |= {"contributors": count, "seeds": seeds, "steps": steps}
    return study.run(Study("lora_everywhere", asked, steps_of, write, agreements_of, extends=more), workdir)


def more(old: dict, new: dict, lines: list[dict]) -> bool:
    """Study.extends: more draws, methods or seeds of the same."""
    return old["seeds"] <= new["seeds"] and grown(old | {"seeds": new["seeds"]}, new, lines)


def write(workdir: str | Path) -> Path:
    """Writes the table of means, workdir/report.md; its path."""
    return study.write_page(workdir, words(results.finished(workdir)) + "\n")


def _intervals(lines: list[dict]) -> str:
    return "; ".join("–" if x["interval"] is None else markdown.span(x["interval"], markdown.decimal) for x in lines)


def _mean(lines: list[dict], field: str) -> float | None:
    numbers = [x[field] for x in lines]
    return None if None in numbers else float(np.mean(numbers))


def main(argv: list[str]) -> None:
    launch.begin()
    args = flags.FLAGS
    asked = {"count": args.contributors, "seeds": args.seeds, "steps": args.steps, "data_dir": args.data_dir}
    print(run(args.workdir, of=args.run, draws=args.draw, **asked).read_text(), end="")


if __name__ == "__main__":
    launch.define_required("run", "finished run whose contributors are trained on")
    launch.define_required("workdir", "folder for results.jsonl")
    flags.DEFINE_integer("contributors", 6, "how many of each draw, from the first on")
    flags.DEFINE_multi_integer("draw", [], "which of the run, once for each; none: its first")
    flags.DEFINE_integer("seeds", 1, "of each draw")
    flags.DEFINE_integer("steps", 100, "of each training")
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    launch.define_processes()
    launch.run(main)
