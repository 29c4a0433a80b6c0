"""Contributors, their values by every method, the truth about them, and how well the two agree."""

import functools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from configs.common import one_of
from experiments import tasks
from experiments.runtime import mesh, results, study
from experiments.runtime.processes import is_main_process
from experiments.runtime.study import Step, Study
from experiments.studies.valuation import beside, ground_truth, report, summaries, validation_sizes
from experiments.studies.valuation.defaults import complete
from experiments.studies.valuation.descriptions import described, tail_of
from experiments.tasks import budget, mixture
from experiments.tasks.mixture import Spec
from experiments.tasks.task import Task
from experiments.training.fit import fit
from experiments.training.sharded import check_batch
from valuation.aggregate import union_examples
from valuation.methods import METHODS, score_terms
from valuation.methods.method import choices
from valuation.problem import Contributor, Problem, Train, check_learner
from valuation.shared import Shared

SPECS, BUILD, VALUES, TRUTH, START, UNION, BESIDE, SUBSETS = range(8)  # purposes of a draw's key
LEAST = 10  # held-out examples, below which no order can be told


def run(config, workdir: str, data_dir: str | None) -> Path:
    """Does what config asks for and is not yet in workdir/results.jsonl, then writes the report; its path."""
    complete(config)
    check(config)
    devices, folder = mesh.devices(), Path(workdir) / "checkpoints"

    @functools.cache
    def task() -> Task:
        loaded = tasks.load(config, data_dir, devices)
        check_task(config, loaded)
        return loaded

    def steps(lines: list[dict]) -> Iterator[Step]:
        if task().recipe.sharded:
            print(budget.of_run(config, task().model, devices.size))
        for draw in range(config.seed, config.seed + config.draws):
            yield from one_draw(config, task(), draw, devices, folder, lines)

    summarise = summaries.alone if config.truth == ground_truth.NONE else summaries.judged
    valuation = Study(
        name="valuation",
        config=config.to_dict(),
        steps=steps,
        write=report.write,
        summaries=functools.partial(summarise, config),
        notes=lambda: task().notes,
    )
    return study.run(valuation, workdir)


def check(config) -> None:
    """Raises ValueError for values that could only fail later."""
    one_of("task", config.task, tuple(tasks.TASKS))
    one_of("truth", config.truth, ground_truth.TRUTHS)
    kind = tasks.OBJECTIVES[config.task]
    if len(set(config.methods)) < len(config.methods):
        raise ValueError(f"methods = {tuple(config.methods)}: expected each once")
    for name in (*config.methods, *config.options):
        one_of("method", name, tuple(METHODS))
        if refusal := METHODS[name].refusal(kind):
            raise ValueError(refusal)
    for name, options in config.options.items():
        known = tuple(METHODS[name].defaults())
        for option, given in options.items():
            one_of(f"option of {name}", option, known)
            if (allowed := choices(option, kind)) and given not in allowed:
                raise ValueError(
                    f"options.{name}.{option} = {given}, expected {' or '.join(map(str, allowed))} in a task of {kind}"
                )
            most = 1.0 if option == "share" else float("inf")
            if not isinstance(given, (str, bool)) and not 0 < given <= most:
                raise ValueError(f"options.{name}.{option} = {given}, expected a positive number (a share: at most 1)")
    if config.choice not in config.methods:
        named = ", ".join(config.methods)
        raise ValueError(f"config.choice = {config.choice!r} is not in config.methods: expected one of {named}")
    for field in ("draws", "truth_seeds", "initialisations", "checkpoints", "bootstrap"):
        if config[field] < 1:
            raise ValueError(f"{field} = {config[field]}, expected at least 1")
    for field in ("steps", "batch", "learning_rate"):
        if not config.training[field] > 0:
            raise ValueError(f"training.{field} = {config.training[field]}, expected a positive number")
    pieces = config.training.get("pieces", 1)
    if pieces < 1 or config.training.batch % pieces:
        raise ValueError(
            f"training.pieces = {pieces} of a batch of {config.training.batch}: expected one of its divisors"
        )
    if config.training.get("sharded") and config.model.name != "decoder":
        check_batch(config.training.batch, jax.device_count(), pieces)
    if config.split.validation < LEAST:
        raise ValueError(f"split.validation = {config.split.validation}, expected at least {LEAST}")
    beside.check(config)
    validation_sizes.check(config, LEAST)
    for spec in config.contributors.explicit:
        for field in spec:
            one_of("field of a contributor", field, Spec._fields)
    given = [dict(spec).get("name", f"{i:02d}") for i, spec in enumerate(config.contributors.explicit)]
    if len(set(given)) < len(given):
        raise ValueError(f"contributors.explicit are named {', '.join(given)}: expected different names")
    count = len(config.contributors.explicit) or config.contributors.count
    if count < 3:
        raise ValueError(f"{count} contributors, expected at least 3: fewer have no order to speak of")


def check_task(config, task: Task) -> None:
    """Raises ValueError for too little held-out data, and for an objective other than tasks.OBJECTIVES says."""
    for name, held_out in (("validation", task.validation), ("test", task.test)):
        if len(held_out.inputs) < LEAST:
            raise ValueError(
                f"the {name} set has {len(held_out.inputs)} examples, expected at least {LEAST}: raise split.{name} "
                f"(what was left out: {task.notes})"
            )
    check_learner(task.learner)
    if task.objective.kind != tasks.OBJECTIVES[config.task]:
        raise ValueError(f"the task {config.task} is one of {task.objective.kind}, tasks.OBJECTIVES says otherwise")


def one_draw(config, task: Task, draw: int, devices, folder: Path, recorded: list[dict]) -> Iterator[Step]:
    """The steps of one draw: contributors, terms, values, truth. folder: of checkpoints."""
    key = jax.random.key(draw)
    base = beside.base(config, task.train, jax.random.fold_in(key, BESIDE))
    specs = specifications(config, task, jax.random.fold_in(key, SPECS))
    pool, contributors = mixture.build(
        jax.random.fold_in(key, BUILD),
        specs,
        task.train,
        task.groups,
        task.mechanisms,
        task.corrupt_labels,
        config.zipf,
    )
    starts = jax.random.split(jax.random.fold_in(key, START), config.initialisations)
    train = trainer(task, devices, folder)
    problem = Problem(
        model=task.model,
        initial=tuple(jax.jit(task.recipe.initialise)(start) for start in starts),
        checkpoints=(),
        pool=pool,
        contributors=beside.offered(contributors, base),
        validation=task.validation,
        features=task.features,
        key=jax.random.fold_in(key, VALUES),
        objective=task.objective,
        train=train,
        learner=task.learner,
        shared=Shared(),
    )
    if task.sample:
        yield Step([{"kind": "tail"}], lambda: [tail_of(task)])
    about = {"kind": "contributor", "draw": draw}
    yield Step(
        [about | {"contributor": spec.name} for spec in specs],
        lambda: [described(task, problem, c, s, draw) for c, s in zip(contributors, specs, strict=True)],
        remake=(about,),
    )
    judged = config.truth != ground_truth.NONE
    if judged:  # of the ablation
        yield Step([{"kind": "terms", "draw": draw}], lambda: [terms(config, problem, draw)])
    every = [{"kind": "values", "draw": draw, "method": name} for name in config.methods]
    missing = [line["method"] for line in every if not results.select(recorded, **line)]
    on_union = 0.0
    if any(METHODS[name].checkpoints for name in missing):
        begun = time.perf_counter()
        problem = problem._replace(checkpoints=checkpoints(config, problem, train, jax.random.fold_in(key, UNION)))
        on_union = time.perf_counter() - begun
    for name in (bar := tqdm(missing, desc=f"draw {draw}: values", unit="method", disable=not is_main_process())):
        bar.set_postfix_str(name)
        yield Step(
            [{"kind": "values", "draw": draw, "method": name}],
            functools.partial(values, config, problem, base, draw, name, on_union),
        )
    if judged:
        yield from validation_sizes.steps(config, problem, draw, jax.random.fold_in(key, SUBSETS))
        yield Step(
            [{"kind": "truth", "draw": draw, "seed": seed} for seed in range(config.truth_seeds)],
            lambda: truths(config, task, problem, base, draw, devices, folder, recorded),
        )


def terms(config, problem: Problem, draw: int) -> dict:
    """The line of the score's terms, which the ablation is made of."""
    begun, chosen = time.perf_counter(), config.options.get("score_scale_free", {})
    costs = {name: list(costs) for name, costs in score_terms.terms(problem, **chosen)._asdict().items()}
    return {"kind": "terms", "draw": draw, "terms": costs, "seconds": time.perf_counter() - begun}


def values(config, problem: Problem, base: Contributor | None, draw: int, name: str, on_union: float) -> list[dict]:
    """The line of one method's values, those of beside.values; on_union: seconds of the checkpoints, shared by some."""
    begun = time.perf_counter()
    worth = beside.values(METHODS[name], problem, base, config.options.get(name, {}))
    seconds = time.perf_counter() - begun + (on_union if METHODS[name].checkpoints else 0)
    return [{"kind": "values", "draw": draw, "method": name, "values": list(worth), "seconds": seconds}]


def truths(
    config,
    task: Task,
    problem: Problem,
    base: Contributor | None,
    draw: int,
    devices,
    folder: Path,
    recorded: list[dict],
) -> list[dict]:
    """The truth lines of those seeds that are not recorded yet, whose models are trained together."""
    about = {"kind": "truth", "draw": draw}
    seeds = [seed for seed in range(config.truth_seeds) if not results.select(recorded, **about, seed=seed)]
    begun, key = time.perf_counter(), jax.random.fold_in(jax.random.key(draw), TRUTH)
    trainer = ground_truth.Trainer(seeds, key, devices, folder / f"truth-{draw}")
    lines = ground_truth.measured(config.truth, task, problem, base, trainer)
    seconds = (time.perf_counter() - begun) / len(seeds)
    about |= {"truth": config.truth, "beside": beside.count(config), "metric": task.metric, "seconds": seconds}
    return [about | line for line in lines]


def checkpoints(config, problem: Problem, train: Train, key) -> tuple:
    """(params, learning rate) at config.checkpoints equal shares of one training on the union of the contributors."""
    union, _ = union_examples(problem)
    bits, rate = jax.random.key_data(key), config.training.learning_rate
    shares = np.linspace(0, 1, config.checkpoints + 1)[1:]  # a shorter training begins a longer one of the same key
    return tuple((*train([union], float(share), jax.random.wrap_key_data(bits)), rate) for share in shares)


def specifications(config, task: Task, key) -> list[Spec]:
    """The explicit list of the config, or a draw over its axes."""
    explicit: list[dict[str, Any]] = [dict(fields) for fields in config.contributors.explicit]
    if explicit:
        return [Spec(**({"name": f"{i:02d}"} | fields)) for i, fields in enumerate(explicit)]
    return mixture.draw(key, config.contributors.count, config.contributors.axes.to_dict(), task.strengths)


def trainer(task: Task, devices, folder: Path) -> Train:
    """Problem.train: the task's recipe with a share of its steps; checkpoints in a folder named by the key."""

    def trained(sets, share: float, key):
        if not 0 < share <= 1:
            raise ValueError(f"the share of the training steps must lie in (0, 1], got {share}")
        recipe = task.recipe._replace(steps=max(1, round(share * task.recipe.steps)))
        name = "-".join(map(str, ["short", recipe.steps, *np.asarray(jax.random.key_data(key)).ravel()]))
        keys = list(jax.random.split(key, len(sets)))
        return fit(recipe, sets, keys, mesh=devices, title="short trainings", checkpoint=folder / name)

    return trained
