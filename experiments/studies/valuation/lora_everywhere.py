"""Is the truth of a model that is adapted in its last blocks the truth of one that is adapted everywhere?

    python -m experiments.studies.valuation.lora_everywhere --run=out/instructions --workdir=out/everywhere
        [--contributors=6] [--draws=1] [--steps=100] [--data_dir=FOLDER]

Learner and surrogates of such a run share frozen states, so that part of their agreement is built in. Here the first
contributors of its first draws are trained on once more, one seed, with LoRA in all blocks, which nothing else shares.
One line a draw with that truth, one a draw and method with rank correlations, and their table. Of SmolLM2 a step takes
5 s on two cores, six contributors of 100 steps and their tests an hour and a half.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

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


def trained(config, task: Task, draw: int, count: int, lines: list[dict], folder: Path) -> dict:
    """The line of a draw: what the model reaches that is trained on each of its first contributors.

    lines: of the run. folder: of trainings under way. Raises ValueError if the run has other contributors.
    """
    begun = time.perf_counter()
    specs, pool, contributors = contributors_of(config, task, draw)
    check_recorded(lines, draw, specs, contributors)
    task = for_pool(task, pool, ())
    problem = problem_of(config, task, draw, pool, contributors[:count])
    key = jax.random.fold_in(jax.random.key(draw), TRUTH)
    trainer = ground_truth.Trainer([0], key, mesh.devices(), folder)
    (line,) = ground_truth.own_set(task._replace(choose=None), problem, trainer)
    reached = {name: line[name] for name in ground_truth.REACHED}
    about = {"contributors": [one.name for one in contributors[:count]], "steps": config.training.steps}
    about |= {"metric": task.metric, "seconds": time.perf_counter() - begun}
    return {"kind": "everywhere", "draw": draw} | about | reached


def agreement(line: dict, lines: list[dict]) -> list[dict]:
    """A line for each method of the run: its values of the same contributors against both truths.

    line: of `trained`. lines: of the run.
    """
    draw, count, truth = line["draw"], len(line["contributors"]), np.array(line["utility"])
    own, made = utilities(lines, draw).mean(0)[:count], []
    for values in select(lines, kind="values", draw=draw):
        worth = np.array(values["values"])[:count]
        pairs = dict(zip(FIELDS, ((worth, truth), (worth, own), (own, truth)), strict=True))
        rho = {name: evaluate.correlation("spearman", *pair) for name, pair in pairs.items()}
        about = {"kind": "everywhere agreement", "draw": draw, "method": values["method"]}
        samples = evaluate.bootstrap([worth[None]], [truth[:, None]], RESAMPLES, seed=0)[:, 0]
        about["interval"] = None if np.isnan(rho["spearman"]) else evaluate.interval(samples)
        made.append(about | {name: None if np.isnan(x) else float(x) for name, x in rho.items()})
    return made


def words(lines: list[dict]) -> str:
    """The means over draws as a Markdown table, best first."""
    made, truths = select(lines, kind="everywhere agreement"), select(lines, kind="everywhere")
    names = dict.fromkeys(x["method"] for x in made)
    means = {name: [_mean(select(made, method=name), field) for field in FIELDS] for name in names}
    order = sorted(means, key=lambda name: -2.0 if (rho := means[name][0]) is None else rho, reverse=True)
    rows = [
        [METHODS[name].title, *map(markdown.decimal, means[name][:2]), _intervals(select(made, method=name))]
        for name in order
    ]
    count = len(truths[0]["contributors"])
    size = f"{truths[0]['steps']} steps, {count} contributors, {markdown.plural(len(truths), 'draw')}"
    agreed = markdown.decimal(means[order[0]][2])
    said = f"LoRA in all blocks, {size}, one seed. This truth orders them like the run's own with {agreed}."
    head = ["method", "LoRA in all blocks", "own truth of the run", "95 % of the first, by draw"]
    return f"{said} Intervals are over resampled contributors.\n\n{markdown.table(head, rows)}"


def run(workdir: str | Path, *, of: str | Path, count: int, draws: int, steps: int, data_dir: str | None) -> Path:
    """Trains what is not yet in workdir/results.jsonl; the path of the table, workdir/report.md.

    of: folder of a finished run. count: contributors of a draw. draws: how many, from its first on. steps: of each
    training. data_dir: as in archives.data_folder. Raises ValueError for a run that is none or has fewer of them.
    """
    lines = finished({"run": str(of)})["run"]
    config = everywhere(configured(of), steps)
    available = len(select(lines, kind="contributor", draw=config.seed))
    if not 3 <= count <= available or not 1 <= draws <= config.draws or steps < 1:
        raise ValueError(
            f"--contributors={count}, --draws={draws}, --steps={steps}: the run has {available} contributors in each "
            f"of {markdown.plural(config.draws, 'draw')}; expected 3 or more, and one or more draws and steps"
        )
    about = {"run": select(lines, kind="run")[0]["config"]}

    def steps_of(recorded: list[dict]) -> Iterator[Step]:
        task = tasks.load(config, data_dir, mesh.devices())
        for draw in range(config.seed, config.seed + draws):
            folder = Path(workdir) / "checkpoints" / f"everywhere-{draw}"
            make = partial(trained, config, task, draw, count, lines, folder)
            line = about | {"kind": "everywhere", "draw": draw}
            yield Step([line], partial(_of_run, about, make), scratch=folder)
            (line,) = select(recorded, kind="everywhere", draw=draw)
            compared = agreement(line, lines)
            again = {"kind": "everywhere agreement", "draw": draw}
            yield Step(compared, partial(list, compared), remake=(again,))

    first = range(config.seed, config.seed + draws)
    asked = {"name": "lora_everywhere", "scale": config.scale, "lines": digests(lines, first)}
    asked |= {"contributors": count, "steps": steps}
    return study.run(Study("lora_everywhere", asked, steps_of, write, extends=grown), workdir)


def write(workdir: str | Path) -> Path:
    """Writes the table of means, workdir/report.md; its path."""
    return study.write_page(workdir, words(results.finished(workdir)) + "\n")


def _of_run(about: dict, make: Callable[[], dict]) -> list[dict]:
    return [about | make()]


def _intervals(lines: list[dict]) -> str:
    return "; ".join("–" if x["interval"] is None else markdown.span(x["interval"], markdown.decimal) for x in lines)


def _mean(lines: list[dict], field: str) -> float | None:
    numbers = [x[field] for x in lines]
    return None if None in numbers else float(np.mean(numbers))


def main(argv: list[str]) -> None:
    launch.begin()
    args = flags.FLAGS
    asked = {"count": args.contributors, "draws": args.draws, "steps": args.steps, "data_dir": args.data_dir}
    print(run(args.workdir, of=args.run, **asked).read_text(), end="")


if __name__ == "__main__":
    launch.define_required("run", "finished run whose contributors are trained on")
    launch.define_required("workdir", "folder for results.jsonl")
    flags.DEFINE_integer("contributors", 6, "how many of each draw, from the first on")
    flags.DEFINE_integer("draws", 1, "of the run, from the first on")
    flags.DEFINE_integer("steps", 100, "of each training")
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    launch.define_processes()
    launch.run(main)
