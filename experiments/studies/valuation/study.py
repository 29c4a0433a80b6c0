"""Contributors, their values by every method, the truth about them, and how well the two agree."""

import functools
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from tqdm import tqdm

from experiments import tasks
from experiments.runtime import mesh, results, study
from experiments.runtime.processes import is_main_process
from experiments.runtime.study import Step, Study
from experiments.studies.valuation import (
    beside,
    covariates,
    explained,
    ground_truth,
    references,
    report,
    sizes,
    summaries,
    validation_sizes,
)
from experiments.studies.valuation.checks import TERMS_OF, check, check_task, extends
from experiments.studies.valuation.defaults import complete
from experiments.studies.valuation.descriptions import check_recorded, described, tail_of
from experiments.tasks import budget, mixture
from experiments.tasks.mixture import Spec
from experiments.tasks.task import Task, for_pool
from experiments.training.fit import fit
from valuation.aggregate import union_examples
from valuation.methods import METHODS, score_terms
from valuation.methods.score_disagreement import disagreement_terms
from valuation.methods.surrogate import picked
from valuation.problem import Contributor, Examples, Problem, Train
from valuation.shared import Shared

SPECS, BUILD, VALUES, TRUTH, START, UNION, BESIDE, SUBSETS, REFERENCE = range(9)  # purposes of a draw's key
T = TypeVar("T")


def run(config, workdir: str, data_dir: str | None) -> Path:
    """Does what config asks for and is not yet in workdir/results.jsonl, then writes the report; its path."""
    return study.run(prepared(config, workdir, data_dir, all_draws(config)), workdir)


def run_draws(config, workdir: str, data_dir: str | None, draws: Collection[int]) -> Path:
    """Does only these draws of what config asks for, and writes no summary and no report; the path of the lines.

    Lines of several such folders are put together by experiments.runtime.merge. Raises ValueError for a draw that the
    config does not ask for.
    """
    if strange := sorted({*draws} - {*all_draws(config)}):
        every = all_draws(config)
        raise ValueError(f"draw {strange[0]} is none of the run: expected some of {every[0]} to {every[-1]}")
    part = prepared(config, workdir, data_dir, draws)
    study.run_steps(part.name, part.config, part.steps, workdir)
    return Path(workdir) / results.FILE


def all_draws(config) -> range:
    """The numbers of the draws that a config asks for."""
    return range(config.seed, config.seed + config.draws)


def prepared(config, workdir: str, data_dir: str | None, draws: Collection[int]) -> Study:
    """The study of a config, whose steps are those of some of its draws."""
    complete(config)
    check(config)
    devices, folder = mesh.devices(), Path(workdir) / "checkpoints"

    @functools.cache
    def task() -> Task:
        loaded = tasks.load(config, data_dir, devices)
        check_task(config, loaded)
        return loaded

    def steps(lines: list[dict]) -> Iterator[Step]:
        keys = [jax.random.fold_in(jax.random.key(draw), SPECS) for draw in draws]
        given = beside.count(config)
        counts = [[given + spec.size for spec in specifications(config, task(), key)] for key in keys]
        print(sizes.of_run(config, task(), counts))
        if task().recipe.sharded:
            print(budget.of_run(config, task().model, devices.size))
        for draw in draws:
            yield from one_draw(config, task(), draw, devices, folder, lines)

    judged = config.truth != ground_truth.NONE
    summarise = summaries.judged if judged else summaries.alone
    return Study(
        name="valuation",
        config=config.to_dict(),
        steps=steps,
        write=report.write,
        summaries=functools.partial(summarise, config),
        notes=lambda: task().notes | {"surrogate": default_of(task())},
        extends=extends,
        asked=(*covariates.asked(config), *(explained.asked(config) if judged else ())),
    )


def default_of(task: Task) -> str:
    """Which method the surrogate is for the task's learner, and why, in words."""
    pick = picked(task.learner, task.objective.kind)
    return f"{METHODS[pick.name].title}, for the learner is {task.learner}: {pick.why}"


def one_draw(config, task: Task, draw: int, devices, folder: Path, recorded: list[dict]) -> Iterator[Step]:
    """The steps of one draw: contributors, terms, values, truth. folder: of checkpoints."""
    key = jax.random.key(draw)
    base = beside.base(config, task.train, jax.random.fold_in(key, BESIDE))
    specs, pool, contributors = contributors_of(config, task, draw)
    judged = config.truth != ground_truth.NONE
    task = for_pool(task, pool, read_in(task, pool, (*contributors, *([] if base is None else [base])), judged))
    train = trainer(task, devices, folder)
    problem = problem_of(config, task, draw, pool, beside.offered(contributors, base), train)
    check_recorded(recorded, draw, specs, contributors)
    if task.sample:
        yield Step([{"kind": "tail"}], lambda: [tail_of(task)])
    about = {"kind": "contributor", "draw": draw}
    yield Step(
        [about | {"contributor": spec.name} for spec in specs],
        lambda: [described(task, problem, c, s, draw) for c, s in zip(contributors, specs, strict=True)],
        remake=(about,),
    )
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
    yield from covariates.steps(problem, draw)
    if judged:
        if {*TERMS_OF} <= {*config.methods}:  # which have then been valued, so that the terms are there and finite
            yield Step([{"kind": "terms", "draw": draw}], lambda: [terms(config, problem, draw)])
        yield from validation_sizes.steps(config, problem, draw, jax.random.fold_in(key, SUBSETS))
        if references.wanted(task):
            about = {"kind": references.KIND, "draw": draw}
            make = functools.partial(references.made, task, problem, specs, draw, train)
            yield Step(references.lines_of(draw), lambda: make(jax.random.fold_in(key, REFERENCE)), remake=(about,))
        yield Step(
            [{"kind": "truth", "draw": draw, "seed": seed} for seed in range(config.truth_seeds)],
            lambda: truths(config, task, problem, base, draw, devices, folder / f"truth-{draw}", recorded),
            scratch=folder / f"truth-{draw}",
        )


def contributors_of(config, task: Task, draw: int) -> tuple[list[Spec], Examples, tuple[Contributor, ...]]:
    """What the contributors of a draw are made of, the pool that they are taken from, and they themselves."""
    key = jax.random.key(draw)
    specs = specifications(config, task, jax.random.fold_in(key, SPECS))
    mechanisms = task.mechanisms, task.corrupt_labels, config.zipf
    pool, made = mixture.build(jax.random.fold_in(key, BUILD), specs, task.train, task.groups, *mechanisms)
    return specs, pool, made


def problem_of(
    config, task: Task, draw: int, pool: Examples, contributors: tuple[Contributor, ...], train: Train | None = None
) -> Problem:
    """What methods and truth see of a draw; the task is that for its pool (task.for_pool)."""
    key = jax.random.key(draw)
    starts = jax.random.split(jax.random.fold_in(key, START), config.initialisations)
    return Problem(
        model=task.model,
        initial=tuple(jax.jit(task.recipe.initialise)(start) for start in starts),
        checkpoints=(),
        pool=pool,
        contributors=contributors,
        validation=task.validation,
        features=task.features,
        key=jax.random.fold_in(key, VALUES),
        objective=task.objective,
        train=train,
        learner=task.learner,
        shared=Shared(clock=time.perf_counter),
    )


def read_in(task: Task, pool: Examples, contributors: tuple[Contributor, ...], judged: bool) -> list[Examples]:
    """What the model reads in a draw: the distinct rows of its contributors and the held-out ones."""
    rows = np.unique(np.concatenate([contributor.index for contributor in contributors]))
    return [pool.take(rows), task.validation, *([task.test] if judged else [])]


def terms(config, problem: Problem, draw: int) -> dict:
    """The line of the score's four terms and of the disagreement, which the ablation is made of."""
    four, fifth = (config.options.get(name, {}) for name in TERMS_OF)

    def make() -> dict[str, np.ndarray]:
        costs = score_terms.terms(problem, **four)._asdict()
        return costs | {"disagreement": disagreement_terms(problem, **fifth)}

    costs, seconds = timed(problem, make)
    listed = {name: list(cost) for name, cost in costs.items()}
    return {"kind": "terms", "draw": draw, "terms": listed, "seconds": seconds}


def values(config, problem: Problem, base: Contributor | None, draw: int, name: str, on_union: float) -> list[dict]:
    """The line of one method's values, those of beside.values; on_union: seconds of the checkpoints, shared by some."""
    options = config.options.get(name, {})
    method = METHODS[name]
    worth, seconds = timed(problem, lambda: beside.values(method, problem, base, options))
    seconds += on_union if method.checkpoints else 0
    sampled = {} if method.estimate is None else {"errors": list(method.estimate(problem, **options).standard_errors)}
    line = {"kind": "values", "draw": draw, "method": name, "values": list(worth)}
    return [line | sampled | {"seconds": seconds}]


def timed(problem: Problem, make: Callable[[], T]) -> tuple[T, float]:
    """(make(), the seconds that it would take alone: what it shares with others counts in full)."""
    assert problem.shared is not None  # one_draw gives it
    return problem.shared.timed(make)


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
    trainer = ground_truth.Trainer(seeds, key, devices, folder)
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
