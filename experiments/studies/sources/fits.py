"""Fits on parts of the real examples and of sources, from which all three answers are read."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float

from experiments.studies.sources.answer import Interval, Point
from experiments.tasks.own_data import Prepared, part_of
from valuation.curves import Curve, halves
from valuation.intervals import NORMAL, variance_of_mean
from valuation.problem import Contributor, Problem, contributor_examples
from valuation.subsets import evaluator
from valuation.union_fits import shared_rows
from valuation.union_surrogates import OWN
from valuation.unions import Evaluate, Layout, Scores, halvings, layout, taken

ORDERS, HALVES, DRAWN, TUNED = range(4)  # purposes of the key of a run
RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0)
FOLDS = 4  # parts of the real examples, each of which is predicted from the others for each of RIDGES
LEAST = 16  # examples of the smallest amount of a curve
HALVED = 3  # times that the first of equal parts is halved, where shares of all sets are known


Ends = Callable[[int, "Effort"], list[int]]


class Effort(NamedTuple):
    """How much is computed. blocks: equal parts of a set, which the jackknife leaves out one by one. orders: of the
    real examples. ridge: of kernel fits, in mean diagonals; 0: `tuned` chooses it.

    exact: where all sets together have at most so many examples, every fit is exact; otherwise none is, so that all can
    be compared. points: inducing points of those fits, the same in all. Where examples have more features than that,
    which so few points cannot stand for, every fit is exact, on a part of the examples: the same real ones in all.
    """

    blocks: int
    exact: int
    points: int
    orders: int
    ridge: float


class Fits(NamedTuple):
    """Fits on unions of some contributors' parts. numbers: of the contributors in the whole problem, 0 the real ones;
    in `blocks` they count from 0 on. sizes: how many examples each has. half: of the validation rows.
    """

    numbers: tuple[int, ...]
    sizes: tuple[int, ...]
    blocks: Layout
    evaluate: Evaluate
    half: Bool[np.ndarray, " m"]


def fits_of(prepared: Prepared, numbers: Sequence[int], ends: Sequence[Ends], effort: Effort, key) -> Fits:
    """Fits on parts of these contributors. ends: of each, (its size, effort) -> where its blocks end."""
    sizes = taken_sizes(prepared, numbers, effort)
    some = tuple(
        _drawn(prepared.problem.contributors[number], size, jax.random.fold_in(jax.random.fold_in(key, DRAWN), number))
        for number, size in zip(numbers, sizes, strict=True)
    )
    problem = prepared.problem._replace(contributors=some)
    where = [cut(size, effort) for cut, size in zip(ends, sizes, strict=True)]
    blocks = layout(sizes, where, key=jax.random.fold_in(key, ORDERS))
    every = sum(len(one.index) for one in prepared.problem.contributors)
    exact = every <= effort.exact or is_wide(prepared, effort)
    inducing = None if exact else shared_rows(prepared.problem, points=effort.points)
    evaluate = evaluator(
        problem,
        blocks,
        exact=effort.exact if exact else 0,
        inducing=inducing,
        ridge=effort.ridge or None,
        surrogate=_surrogate(problem),
    )
    half = halves(len(problem.validation.inputs), key=jax.random.fold_in(key, HALVES))
    return Fits(tuple(numbers), sizes, blocks, evaluate, half)


def _surrogate(problem: Problem) -> str:
    """Of numbers a kernel that is not too wide to bend: their noise is left to the ridge, which is tuned here."""
    return "rbf_utility" if problem.objective.kind == "regression" else OWN


def tuned(prepared: Prepared, effort: Effort, key) -> Effort:
    """The effort with the ridge of RIDGES that does best on the real examples alone, at most half of effort.exact: each
    of FOLDS parts of them is predicted from the others.

    One number for all fits, so that all can be compared; neither sources nor validation have a part in the choice, so
    that what is scored on validation is not flattered by it. Tokens are counted without one. A ridge that is given
    stays.
    """
    if effort.ridge or prepared.problem.pool.mask is not None:
        return effort
    real = prepared.problem.contributors[0]
    size = min(len(real.index), max(effort.exact // 2, LEAST))
    some = _drawn(real, size, jax.random.fold_in(key, TUNED))
    problem = prepared.problem._replace(contributors=(some,))
    blocks = layout([size], [equal(size, FOLDS)], key=jax.random.fold_in(key, ORDERS))
    worth = np.zeros(len(RIDGES))
    for fold, rows in enumerate(blocks.rows):
        held = contributor_examples(problem, part_of(some, rows))
        if (held.inputs == held.inputs[0]).all():  # they are at no distance, by which kernels are as wide as they are
            continue
        seen, name = problem._replace(validation=held), _surrogate(problem)
        evaluate = evaluator(seen, blocks, exact=size, ridge=RIDGES[0], surrogate=name)
        others = np.arange(len(blocks.rows)) != fold
        # a weight w of all examples is the ridge over w
        worth += [len(rows) * evaluate(others * RIDGES[0] / ridge).utility("own") for ridge in RIDGES]
    return effort._replace(ridge=RIDGES[int(np.argmax(worth))])


def beside_real(prepared: Prepared, number: int, effort: Effort, key) -> Fits:
    """Fits on the real examples, in equal blocks, and a source, whose amounts halve beside."""
    return fits_of(prepared, (0, number), (parts_of, amounts_of), effort, key)


def together(prepared: Prepared, effort: Effort, key) -> Fits:
    """Fits on the same shares of all contributors."""
    numbers = range(len(prepared.problem.contributors))
    return fits_of(prepared, numbers, [shares] * len(numbers), effort, key)


def taken_sizes(prepared: Prepared, numbers: Sequence[int], effort: Effort) -> tuple[int, ...]:
    """How many examples of each contributor fits on them take: all, but for too many of too many features.

    Then the real ones, the first of numbers, are as many in all fits of a run: half of effort.exact, or more where all
    sources together leave it; sources have the same share of what is left, each alone or all together.
    """
    every = [len(one.index) for one in prepared.problem.contributors]
    counts = [every[number] for number in numbers]
    if sum(every) <= effort.exact or not is_wide(prepared, effort):
        return tuple(counts)
    real = min(every[0], max(effort.exact // 2, effort.exact - sum(every[1:])))
    share = min((effort.exact - real) / max(sum(counts[1:]), 1), 1.0)
    return real, *(max(int(share * count), 1) for count in counts[1:])


def is_wide(prepared: Prepared, effort: Effort) -> bool:
    """Whether examples have more features than inducing points can stand for; tokens that are counted have none."""
    problem = prepared.problem
    return problem.pool.mask is None and np.size(problem.features(problem.validation.inputs[:1])) > effort.points


def _drawn(contributor: Contributor, size: int, key) -> Contributor:
    """So many of its examples, drawn at random, in their order; itself where these are all."""
    if size == len(contributor.index):
        return contributor
    kept = np.sort(np.asarray(jax.random.permutation(key, len(contributor.index)))[:size])
    return part_of(contributor, kept)


def equal(size: int, parts: int) -> list[int]:
    """Where equal parts end."""
    return sorted({-(-size * part // parts) for part in range(1, parts + 1)} - {0})


def parts_of(size: int, effort: Effort) -> list[int]:
    """Where the equal parts end that the jackknife leaves out."""
    return equal(size, effort.blocks)


def shares(size: int, effort: Effort) -> list[int]:
    """Where equal parts end, and halves of the first of them: as many of every set, so that shares of all are known."""
    first = size / effort.blocks
    halves = {max(round(first / 2**step), 1) for step in range(1, HALVED + 1)}
    return sorted(halves | set(parts_of(size, effort)))


def amounts_of(size: int, effort: Effort) -> list[int]:
    """Where blocks end whose amounts halve, and where equal ones end."""
    return halvings(size, least=LEAST, blocks=effort.blocks)


def whole(fits: Fits, *left_out: int) -> Float[np.ndarray, " B"]:
    """The union of all contributors but some, by their places in the fits."""
    return taken(fits.blocks, {place: size for place, size in enumerate(fits.sizes) if place not in left_out})


def spread(scores: Scores, unit: str = "metric") -> float:
    """Standard error of a utility, from the validation rows."""
    return float(np.sqrt(variance_of_mean(getattr(scores, unit), scores.weights)))


def points(prepared: Prepared, curve: Curve) -> list[Point]:
    """The curve in the metric; intervals are those over validation rows only."""
    return [
        point(amount, prepared.offset + one.utility(), spread(one), prepared.most)
        for amount, one in zip(curve.amounts, curve.scores, strict=True)
    ]


def point(amount: int, metric: float, deviation: float, most: float) -> Point:
    """A point of a curve; its interval ends where the metric does."""
    return Point(int(amount), float(metric), around(metric, deviation, most))


def around(middle: float, deviation: float, most: float = np.inf) -> Interval:
    """95 % around a number with a normal error."""
    return float(middle - NORMAL * deviation), float(min(middle + NORMAL * deviation, most))
