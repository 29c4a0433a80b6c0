"""How near values by inducing points are to exact ones, for benchmarks/scale.py."""

import time
from collections.abc import Iterable

import jax
import numpy as np
import scipy.stats

from configs import images
from experiments import tasks
from experiments.benchmarks import scale_data
from experiments.runtime import mesh
from experiments.tasks import mixture
from valuation.at_initialisation import contributor_targets
from valuation.blocks import Source, source
from valuation.feature_space import contributor_source, median_squared_distance, raw_validation_features
from valuation.inducing import gaussian, kernel_ridge
from valuation.margins import relative_margin
from valuation.methods import METHODS
from valuation.problem import Problem
from valuation.purposes import Purpose, purpose_key

SEED = 0  # of development
NOISE = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)  # shares of wrong labels


def of_images(points: Iterable[int], data_dir: str | None) -> list[dict]:
    """A line for each number of points: rbf_relative of the contributors of the images task, a draw of development."""
    problem = images_problem(data_dir)
    begun = time.perf_counter()
    exact, seconds = METHODS["rbf_relative"](problem), time.perf_counter() - begun
    chosen = [contributor_targets(problem, c) for c in problem.contributors]
    largest = max(len(c.index) for c in problem.contributors)
    lines = []
    for m in points:
        begun = time.perf_counter()
        values = [
            _values(problem, contributor_source(problem, c, y - 1 / y.shape[1]), 1, m, exact=0)[0]
            for c, y in zip(problem.contributors, chosen, strict=True)
        ]
        took = {"seconds": time.perf_counter() - begun, "exact_seconds": seconds}
        lines.append(_compared("images", m, largest, values, exact) | took)
    return lines


def of_wrong_labels(points: Iterable[int], examples: int) -> list[dict]:
    """A line for each number of points: one set of rows under each share of wrong labels, all in one solve."""
    draw = np.random.default_rng(0)
    problem = scale_data.problem_of_arrays(scale_data.rows(jax.random.key(scale_data.FIRST), examples))
    labels, classes = problem.pool.targets, scale_data.CLASSES
    order, other = draw.permutation(examples), (labels + draw.integers(1, classes, examples)) % classes
    targets = np.concatenate(
        [np.eye(classes)[np.where(order < share * examples, other, labels)] - 1 / classes for share in NOISE], 1
    )
    data = source(problem.pool.inputs, targets, features=problem.features)
    begun = time.perf_counter()
    exact, lines = _values(problem, data, len(NOISE), 1, exact=examples), []
    seconds = time.perf_counter() - begun
    for m in points:
        begun = time.perf_counter()
        values = _values(problem, data, len(NOISE), m, exact=0)
        took = {"seconds": time.perf_counter() - begun, "exact_seconds": seconds}
        lines.append(_compared("wrong_labels", m, examples, values, exact) | took)
    return lines


def images_problem(data_dir: str | None) -> Problem:
    """The images task and a draw of its contributors."""
    config = images.get_config(f"small,seed={SEED}")
    task = tasks.load(config, data_dir, mesh.devices())
    specs_key, pool_key = jax.random.split(jax.random.key(SEED))
    axes = config.contributors.axes.to_dict()
    specs = mixture.draw(specs_key, config.contributors.count, axes, task.strengths)
    pool, contributors = mixture.build(
        pool_key, specs, task.train, task.groups, task.mechanisms, task.corrupt_labels, config.zipf
    )
    return Problem(
        model=task.model, initial=(task.model.params,), checkpoints=(), pool=pool, contributors=contributors,
        validation=task.validation, features=task.features, key=jax.random.key(SEED), objective=task.objective,
    )  # fmt: skip


def _values(problem: Problem, data: Source, sets: int, points: int, *, exact: int) -> list[float]:
    """rbf_relative of one set of inputs under as many sets of targets, side by side in `data`."""
    kernel = gaussian(METHODS["rbf_relative"].defaults()["bandwidth"] * median_squared_distance(problem))
    key = purpose_key(problem.key, Purpose.INDUCING)
    predicted = kernel_ridge(data, raw_validation_features(problem), kernel, key=key, points=points, exact=exact)
    return [relative_margin(one, problem.validation.targets) for one in np.split(predicted, sets, axis=1)]


def _compared(case: str, points: int, examples: int, values, exact) -> dict:
    return {
        "kind": "scale_agreement",
        "case": case,
        "points": points,
        "examples": examples,
        "spearman": float(scipy.stats.spearmanr(values, exact).statistic),
        "largest_difference": float(np.abs(np.subtract(values, exact)).max()),
        "spread": float(np.std(exact)),
        "values": list(values),
        "exact": list(exact),
    }
