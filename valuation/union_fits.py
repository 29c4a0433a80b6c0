"""Kernel ridge regression on many weighted unions of one problem's blocks (theory/README.md, 3.9).

An example of weight w has the noise lambda / w of its target:

    f(v) = K(v, X) (K(X, X) + lambda diag(1/w))^-1 Y,      lambda = ridge * tr K(X, X) / n over the union,

so that w = 1 is the ridge of closed_form.py. Few examples are solved exactly, from one kernel of all of them. Of many,
with m inducing rows Z that all unions share and K(Z, Z) = L L', every block leaves L^-1 K(Z, X) K(X, Z) L^-T and
L^-1 K(Z, X) Y, which add up with the weights of the blocks: one pass over the examples, one m^3 solve a union.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.at_initialisation import contributor_targets, fitted_kernels, validation_targets
from valuation.blocks import validation_rows
from valuation.feature_space import contributor_source, median_squared_distance, raw_validation_features
from valuation.inducing import Kernel, float64_kernel, gaussian, inducing_rows, kernel_sums, root_of, solved, whitened
from valuation.kernel_sums import gaussian_kernels
from valuation.margins import relative_margin_rows, shared_accuracy_rows
from valuation.problem import Contributor, Problem
from valuation.purposes import Purpose, purpose_key
from valuation.scale import FILLED, mean_diagonal
from valuation.unions import Evaluate, Layout, Scores, checked
from valuation.workers import progress_over

Predict = Callable[[Float[np.ndarray, " B"]], Float[np.ndarray, "m c"]]  # weights of the blocks -> predictions


class Statistics(NamedTuple):
    """What blocks of examples X leave behind, a row each.

    grams: the upper triangles of L^-1 K(Z, X) K(X, Z) L^-T, row by row. crosses: L^-1 K(Z, X) (Y, 1). traces:
    tr K(X, X). centres: what the objective takes from their targets.
    """

    grams: Float[np.ndarray, "B m_m"]
    crosses: Float[np.ndarray, "B m c_1"]
    traces: Float[np.ndarray, " B"]
    centres: Float[np.ndarray, "B c"]


def gaussian_exact(problem: Problem, blocks: Layout, *, ridge: float, bandwidth: float) -> Predict:
    """Exact fits with the Gaussian kernel of methods/rbf.py: 20 n^2 bytes for n examples of all blocks together, and
    n'^3 / 3 operations for a union of n' of them.
    """
    whole = _whole(problem, blocks)
    return _exact(problem, blocks, whole, gaussian_kernels(problem, whole, bandwidth), ridge)


def tangent_exact(problem: Problem, blocks: Layout, *, ridge: float) -> Predict:
    """Exact fits with the tangent kernel of methods/ntk.py, of all examples together."""
    whole = _whole(problem, blocks)
    return _exact(problem, blocks, whole, fitted_kernels(problem, whole), ridge)


def gaussian_inducing(
    problem: Problem, blocks: Layout, *, ridge: float, bandwidth: float, chosen: Float[np.ndarray, "m d"]
) -> Predict:
    """The same by inducing rows that all unions share, of `shared_rows`.

    One pass over all examples, O(n m^2); then 4 m^2 bytes a block, and m^3 / 3 operations a union.
    """
    kernel = gaussian(bandwidth * median_squared_distance(problem))
    queries, centre = validation_rows(raw_validation_features(problem))
    root = root_of(float64_kernel(kernel, chosen, chosen))
    projected = solved(root, float64_kernel(kernel, chosen, queries)).T
    left = _statistics(problem, blocks, centre, chosen, kernel, root)
    upper = np.triu(np.ones((len(chosen), len(chosen)), bool))

    def predict(union: Float[np.ndarray, " B"]) -> Float[np.ndarray, "m c"]:
        there = union > 0
        middle = np.average(left.centres, axis=0, weights=union * blocks.counts)
        gram, cross = np.zeros(upper.shape), np.tensordot(union, left.crosses, 1)
        gram[upper] = union @ left.grams
        gram[np.diag_indices_from(gram)] += ridge * left.traces[there].sum() / blocks.counts[there].sum()
        factor = factor_of(gram)
        return middle + projected @ scipy.linalg.cho_solve(factor, cross[:, :-1] - np.outer(cross[:, -1], middle))

    return predict


def of_classes(problem: Problem, blocks: Layout, predict: Predict, *, smoothing: float) -> Evaluate:
    """Relative margins (margins.relative_margin) and, as the metric, accuracy with ties shared."""
    targets = validation_targets(problem)
    labels, weights = targets.argmax(1), problem.objective.weights(problem.validation)

    def evaluate(union: Float[np.ndarray, " B"]) -> Scores:
        predictions = predict(checked(blocks, union))
        own = relative_margin_rows(predictions, labels, smoothing=smoothing)
        return Scores(own, shared_accuracy_rows(predictions, targets), weights)

    return evaluate


def of_numbers(problem: Problem, blocks: Layout, predict: Predict) -> Evaluate:
    """Minus the squared error, in both units."""
    targets, weights = validation_targets(problem), problem.objective.weights(problem.validation)

    def evaluate(union: Float[np.ndarray, " B"]) -> Scores:
        utility = -np.square(targets - predict(checked(blocks, union))).sum(1)
        return Scores(utility, utility, weights)

    return evaluate


def factor_of(system: Float[np.ndarray, "n n"]) -> tuple:
    """What scipy.linalg.cho_solve takes of a positive definite system, whose upper triangle counts; in its memory.

    Raises ValueError, with the likely cause, for one that is not positive definite in floating point.
    """
    try:  # columns first
        return scipy.linalg.cho_factor(system.T, lower=True, overwrite_a=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        raise ValueError(f"the kernel of the examples is not positive definite in floating point: {FILLED}") from None


def _exact(problem: Problem, blocks: Layout, whole: Contributor, kernels: tuple, ridge: float) -> Predict:
    inner, outer = kernels
    targets, place = contributor_targets(problem, whole), np.repeat(np.arange(len(blocks.rows)), blocks.counts)
    centres = [problem.objective.centre(part) for part in np.split(targets, np.cumsum(blocks.counts)[:-1])]

    def predict(union: Float[np.ndarray, " B"]) -> Float[np.ndarray, "m c"]:
        rows = np.flatnonzero(union[place])
        system = inner[np.ix_(rows, rows)].astype(np.float64)
        system[np.diag_indices_from(system)] += ridge * mean_diagonal(system) / union[place][rows]
        factor = factor_of(system)
        middle = np.average(centres, axis=0, weights=union * blocks.counts)
        return middle + outer[:, rows] @ scipy.linalg.cho_solve(factor, targets[rows] - middle)

    return predict


def _whole(problem: Problem, blocks: Layout) -> Contributor:
    """All examples of all blocks, in the order of the blocks."""
    parts = [part[1:] for part in _parts(problem, blocks)]
    return Contributor("all blocks", *jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts))


def _parts(problem: Problem, blocks: Layout) -> list[Contributor]:
    """Each block as a contributor."""
    owners = [problem.contributors[number] for number in blocks.owner]
    return [
        Contributor(one.name, *jax.tree.map(lambda leaf, at=rows: leaf[at], tuple(one[1:])))
        for one, rows in zip(owners, blocks.rows, strict=True)
    ]


def shared_rows(problem: Problem, *, points: int, base: int | None = 0) -> Float[np.ndarray, "m d"]:
    """Different examples of all contributors, less the validation medians: at most `points` inducing rows.

    Half of them are of the contributor that most unions hold, `base`, alike many of each other one as far as it has
    them, and what these leave is of the base again; without a base (None) they are of all alike. Fits by the same rows
    are fits of one kind: fits on parts of a contributor, beside whichever others, can be compared.
    """
    _, centre = validation_rows(raw_validation_features(problem))
    key, sizes = purpose_key(problem.key, Purpose.UNIONS), [len(one.index) for one in problem.contributors]
    shares = {} if base is None else {base: min(int(sizes[base]), max(points // 2, 1))}
    others = [int(number) for number in np.argsort(sizes, kind="stable") if number != base]
    left = points - sum(shares.values())
    for place, number in enumerate(others):  # what a small one leaves, larger ones share
        shares[number] = min(int(sizes[number]), left // (len(others) - place))
        left -= shares[number]
    if base is not None:
        shares[base] = min(int(sizes[base]), shares[base] + left)
    rows = []
    for number, share in sorted(shares.items()):
        one = problem.contributors[number]
        data = contributor_source(problem, one, one.targets)
        rows.append(inducing_rows(data, centre, share, jax.random.fold_in(key, number)))
    every = np.concatenate(rows)
    return every[np.sort(np.unique(every, axis=0, return_index=True)[1])]


def _statistics(
    problem: Problem, blocks: Layout, centre: np.ndarray, chosen: np.ndarray, kernel: Kernel, root: np.ndarray
) -> Statistics:
    progress, upper = progress_over(int(blocks.counts.sum())), np.triu_indices(len(chosen))
    grams = np.empty((len(blocks.rows), len(upper[0])))
    crosses, traces, centres = [], [], []
    for number, part in enumerate(_parts(problem, blocks)):
        targets = contributor_targets(problem, part)
        data = contributor_source(problem, part, np.column_stack([targets, np.ones(len(targets))]))
        sums = kernel_sums(data, chosen, centre, kernel, progress=progress)
        grams[number] = whitened(root, sums.gram)[upper]
        crosses.append(solved(root, sums.cross))
        traces.append(sums.trace)
        centres.append(np.broadcast_to(problem.objective.centre(targets), targets.shape[1:]))
    return Statistics(grams, np.array(crosses), np.array(traces), np.array(centres))
