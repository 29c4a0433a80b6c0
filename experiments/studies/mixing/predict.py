"""What is predicted without training: curves over amounts, the best amount, the real share that the bound prefers."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from experiments.studies.mixing.sets import HALVES, REAL, Draw, problem_of
from experiments.tasks.task import Task
from theory.bound import best_real_weight, mixture_bound
from theory.bound_terms import ridge_norm
from theory.disagreement import reference_transfer
from valuation.at_initialisation import contributor_targets, validation_targets
from valuation.closed_form import ridge_coefficients
from valuation.curves import added_curve, best_amount, halves, real_curve
from valuation.discrepancy import KERNELS, distance_table, mk_mmd
from valuation.feature_space import contributor_features, median_squared_distance, validation_features
from valuation.precise import jit
from valuation.problem import Problem
from valuation.shared import Shared
from valuation.subsets import evaluator
from valuation.unions import layout

RIDGE = 0.01  # of the fits in the bound
DELTA = 0.05


def real(task: Task, draw: Draw, counts: tuple[int, ...]) -> dict:
    """Predicted utilities of the first real examples, by their count: the fields own and metric of a line."""
    problem = problem_of(task, draw, [(REAL, draw.real.take(slice(0, max(counts))))])
    blocks = layout([max(counts)], [counts], key=None)
    curve = real_curve(evaluator(problem, blocks), blocks)
    return {"counts": curve.amounts, "own": curve.utilities("own"), "metric": curve.utilities()}


def mixed(task: Task, draw: Draw, source: str, sizes: tuple[int, ...], amounts: tuple[int, ...]) -> list[dict]:
    """For each number of real examples the predicted curve over amounts of the source.

    own, metric: utilities by amount. best: the amount of the highest own one. chosen: the amounts that one half of
    validation chooses, and the other. bound_weight: the real share with the smallest bound, beside all of the source.
    """
    problem = problem_of(task, draw, [(REAL, draw.real.take(slice(0, max(sizes)))), (source, draw.sources[source])])
    blocks = layout([max(sizes), max(amounts)], [sizes, amounts[1:]], key=None)
    evaluate = evaluator(problem, blocks)
    half = halves(len(task.validation.inputs), key=jax.random.fold_in(draw.key, HALVES))
    made = []
    for size in sizes:
        curve = added_curve(evaluate, blocks, 1, beside={0: size})
        choice = best_amount(curve, half)
        made.append(
            {
                "real": size,
                "amounts": curve.amounts,
                "own": curve.utilities("own"),
                "metric": curve.utilities(),
                "best": curve.amounts[choice.best],
                "chosen": [curve.amounts[place] for place in choice.chosen],
                "bound_weight": bound_weight(problem, size, half),
            }
        )
    return made


def bound_weight(problem: Problem, size: int, half: np.ndarray) -> float:
    """The weight on `size` real examples with the smallest bound (theory.bound), beside all of the second contributor.

    The predictor is Gaussian ridge on both, its loss min(1, |f - y| / sqrt 2) of one-hot y. Real examples come from the
    test distribution, so that their discrepancy is 0; that of the source is what theory/README.md, 2.15 says, with a
    reference fitted to one half of validation and, for the inputs' part, their MMD, which is an estimate and no bound.
    """
    problem = problem._replace(shared=Shared())
    width, (base, source) = median_squared_distance(problem), problem.contributors
    rows = [contributor_features(problem, base)[:size], contributor_features(problem, source)]
    targets = [contributor_targets(problem, base)[:size], contributor_targets(problem, source)]
    seen, known = validation_features(problem), validation_targets(problem)
    classes = known.shape[1]

    def kernel(a, b):
        return np.exp(-distance_table(a, b) / (2 * width)).astype(np.float64)

    def losses(predicted, y):
        return np.minimum(np.linalg.norm(predicted + 1 / classes - y, axis=1) / np.sqrt(2), 1)

    x, y = np.concatenate(rows), np.concatenate(targets)
    inner = kernel(x, x)
    fitted = ridge_coefficients(inner, RIDGE)(y - 1 / classes)
    reference = ridge_coefficients(kernel(seen[half], seen[half]), RIDGE)(known[half] - 1 / classes)
    transfer = reference_transfer(
        disagreements=losses(kernel(rows[1], seen[half]) @ reference, targets[1]),
        reference_losses=losses(kernel(seen[~half], seen[half]) @ reference, known[~half]),
        discrepancy=mk_mmd(rows[1], seen, estimator="biased") / np.sqrt(KERNELS),
        delta=DELTA,
    )
    each = losses(inner @ fitted, y)
    return float(_best_weight(each[:size], each[size:], transfer.total, inner, fitted, classes))


@partial(jit, static_argnums=5)
def _best_weight(losses_real, losses_synthetic, discrepancy, inner, fitted, classes: int):
    bound = partial(
        mixture_bound,
        losses_real=losses_real,
        losses_synthetic=losses_synthetic,
        discrepancy_real=0.0,
        discrepancy_synthetic=discrepancy,
        kernel_diagonal_real=jnp.full(len(losses_real), float(classes)),
        kernel_diagonal_synthetic=jnp.full(len(losses_synthetic), float(classes)),
        norm=ridge_norm(inner, fitted),
        outputs=classes,
        lipschitz=0.5**0.5,
    )
    return best_real_weight(bound, delta=DELTA).real_weight
