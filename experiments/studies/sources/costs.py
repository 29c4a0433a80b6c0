"""What the work takes, told from sizes before it begins: operations of each step, and bytes."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from experiments.studies.sources.fits import Effort
from experiments.tasks.own_data import Prepared

EVENTS = 200  # operations that a union takes of a target token, where tokens are counted
CURVE = 20  # unions of a source's curve and weights
WEIGHED = 10  # of the weights of each source in a mixture
COMPILED, LAWS, PHASE = 2.0, 5.0, 30.0  # seconds of what is compiled: any step, fits of plain laws, of all laws
KEPT = 2**30  # bytes of fits that are kept, if that is more than one
SLOWER = 2.0  # times as long as a product of matrices, an operation of a fit


class Sizes(NamedTuple):
    """examples: of each contributor. features, tokens: of an example, tokens 1 where it is no sequence. parameters: of
    the learner. updates: examples that a training looks at. counted: whether tokens are counted, not fitted.
    validation: examples.
    """

    examples: tuple[int, ...]
    features: int
    tokens: int
    parameters: int
    updates: int
    counted: bool
    validation: int


def sizes_of(prepared: Prepared) -> Sizes:
    """Those of what was prepared."""
    problem = prepared.problem
    return Sizes(
        examples=tuple(len(one.index) for one in problem.contributors),
        features=int(np.size(problem.features(problem.validation.inputs[:1]))),
        tokens=int(problem.pool.inputs.shape[1]) if problem.pool.mask is not None else 1,
        parameters=sum(leaf.size for leaf in jax.tree.leaves(problem.model.params)),
        updates=prepared.recipe.steps * prepared.recipe.batch,
        counted=problem.pool.mask is not None,
        validation=len(problem.validation.inputs),
    )


def value(sizes: Sizes, number: int, effort: Effort) -> float:
    """Operations of a source's value: a jackknife over both sets, distances, the fit to validation."""
    real, source = sizes.examples[0], sizes.examples[number]
    drivers = 2.0 * (source + real) * sizes.validation * sizes.features / len(sizes.examples)
    unions = 3 * effort.blocks + 2
    return drivers + _unions(sizes, [real, source], unions, 3 * effort.blocks, effort)


def amount(sizes: Sizes, number: int, effort: Effort) -> float:
    """Of a source's curve, its weight, and the jackknife of what is gained."""
    unions = CURVE + 2 * effort.blocks
    return _unions(sizes, [sizes.examples[0], sizes.examples[number]], unions, 3 * effort.blocks, effort)


def curve(sizes: Sizes, effort: Effort) -> float:
    """Of the learning curve, and the jackknife of its end."""
    return _unions(sizes, sizes.examples[:1], (effort.orders + 1) * effort.blocks, 2 * effort.blocks, effort)


def together(sizes: Sizes, effort: Effort) -> float:
    """Of all sources at once: their curve, weights, and the jackknife over all sets."""
    unions = CURVE + (1 + WEIGHED + effort.blocks) * len(sizes.examples)
    return _unions(sizes, sizes.examples, unions, 2 * effort.blocks * len(sizes.examples), effort)


def mixture(sizes: Sizes, effort: Effort) -> float:
    """Of the curve of the whole mixture alone."""
    return _unions(sizes, sizes.examples, effort.blocks, 2 * effort.blocks * len(sizes.examples), effort)


def training(sizes: Sizes) -> float:
    """Of one training."""
    return 6.0 * sizes.parameters * sizes.updates * sizes.tokens


def memory(sizes: Sizes, effort: Effort) -> int:
    """Bytes at once, at most, beside the files that were read: the features of all examples, the fits that are kept,
    and those of all sources together, or a copy of a kernel, at work.
    """
    return 4 * sum(sizes.examples) * min(sizes.features, 512) + fit(sizes, effort) * (1 + kept(sizes, effort))


def fit(sizes: Sizes, effort: Effort) -> int:
    """Bytes of the fits on one choice of sets, at most: events of tokens, kernels, or sums of all blocks."""
    every = sum(sizes.examples)
    if sizes.counted:
        return 100 * every * sizes.tokens
    if _is_exact(sizes, effort):
        return 36 * min(every, effort.exact) ** 2
    return 8 * effort.points**2 * (6 + len(sizes.examples) * effort.blocks)


def kept(sizes: Sizes, effort: Effort) -> int:
    """How many sources' fits are kept from a source's value until its curve: at least one, within KEPT bytes."""
    return min(max(KEPT // max(fit(sizes, effort), 1), 1), len(sizes.examples) - 1)


def _is_exact(sizes: Sizes, effort: Effort) -> bool:
    return sum(sizes.examples) <= effort.exact or sizes.features > effort.points


def _unions(sizes: Sizes, examples: Sequence[int], unions: int, blocks: int, effort: Effort) -> float:
    """Of so many unions of sets; blocks: into which they are cut."""
    count = float(sum(examples))
    if sizes.counted:
        return EVENTS * count * sizes.tokens * unions
    if sizes.features > effort.points:  # of many examples a part is taken
        count = min(count, effort.exact)
    if _is_exact(sizes, effort):
        return 2 * count**2 * sizes.features + unions * SLOWER * count**3 / 3
    points = float(effort.points)
    once = count * points * (points + 2 * sizes.features) + 2 * blocks * points**3
    return once + unions * (SLOWER * points**3 / 3 + blocks * points**2)
