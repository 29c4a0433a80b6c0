"""Unions of parts of contributors' examples, each with a weight, and how a model fitted on one does on every row.

Examples of a contributor stand in one random order, which is cut into blocks; a union is a weight in [0, 1] for every
block. So amounts are nested, a jackknife leaves blocks out, and a noise level is a weight of a source's blocks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from valuation.blocks import drawn
from valuation.objective import pooled


class Layout(NamedTuple):
    """B disjoint blocks that together hold all examples of all contributors, contributor after contributor.

    owner: the number of each block's contributor. ends: how many examples of that contributor stand in this block and
    its earlier ones, so that the last of a contributor is its size. rows: positions among its contributor's examples.
    """

    owner: Int[np.ndarray, " B"]
    ends: Int[np.ndarray, " B"]
    rows: tuple[Int[np.ndarray, " n"], ...]

    @property
    def counts(self) -> Int[np.ndarray, " B"]:
        """Examples of each block."""
        return np.array([len(rows) for rows in self.rows])


class Scores(NamedTuple):
    """How a fit does on every validation row; a utility is a weighted mean of one of the first two, higher = better.

    own: in the surrogate's own unit, by which choices are made. metric: in that of the objective's utility (of classes
    1 where right, of numbers minus the squared error, of sequences nats per token). weights: of the rows, as
    Objective.weights.
    """

    own: Float[np.ndarray, " m"]
    metric: Float[np.ndarray, " m"]
    weights: Float[np.ndarray, " m"]

    def utility(self, unit: str = "metric", rows: Bool[np.ndarray, " m"] | slice = slice(None)) -> float:
        """The utility in that unit ("own" or "metric") on some validation rows, by default on all."""
        return float(pooled(getattr(self, unit)[rows], self.weights[rows]))


Evaluate = Callable[[Float[np.ndarray, " B"]], Scores]  # weights of the blocks -> scores of the fit on that union


def layout(sizes: Sequence[int], ends: Sequence[Sequence[int]], *, key: jax.Array | None) -> Layout:
    """Blocks of examples in one random order a contributor.

    sizes: examples of each contributor, at least 1. ends: of each, numbers of examples after which a block ends; its
    size ends the last one in any case. key: draws the orders; None leaves examples in theirs, where that is random
    already. Raises ValueError for ends outside 1 to the size.
    """
    owner, last, rows = [], [], []
    for number, (size, wanted) in enumerate(zip(sizes, ends, strict=True)):
        cuts = np.unique([*wanted, size])
        if cuts[0] < 1 or cuts[-1] > size:
            raise ValueError(f"ends of contributor {number} run from {cuts[0]} to {cuts[-1]}, expected 1 to {size}")
        owner += [number] * len(cuts)
        last += cuts.tolist()
        order = np.arange(size) if key is None else drawn(jax.random.fold_in(key, number), size, size)
        rows += np.split(order, cuts[:-1])
    return Layout(np.array(owner), np.array(last), tuple(rows))


def halvings(size: int, *, least: int = 16, blocks: int = 8) -> list[int]:
    """Ends at which amounts halve from the size down to `least`, and at which `blocks` equal parts end, for `layout`.

    The halves of the size are ends of both kinds where `blocks` is a power of two that divides it.
    """
    steps = max(int(np.log2(max(size / max(least, 1), 1))), 0)
    amounts = {-(-size // 2**step) for step in range(steps + 1)}
    return sorted(amounts | {-(-size * part // blocks) for part in range(1, blocks + 1)} - {0})


def taken(
    blocks: Layout, amounts: Mapping[int, int], weights: Mapping[int, float] | None = None
) -> Float[np.ndarray, " B"]:
    """Weights of the blocks of a union: the first so many examples of each contributor.

    amounts: contributor -> how many of its examples; those that are not named have none. weights: contributor -> the
    weight of its examples, in (0, 1]; 1 where it is not named. Raises ValueError for an amount at which no block ends.
    """
    union = np.zeros(len(blocks.owner))
    for number, amount in amounts.items():
        inside = (blocks.owner == number) & (blocks.ends <= amount)
        if amount and amount not in blocks.ends[inside]:
            ends = ", ".join(map(str, blocks.ends[blocks.owner == number]))
            raise ValueError(f"no block of contributor {number} ends at {amount} examples, only at {ends or 'none'}")
        union[inside] = (weights or {}).get(number, 1.0)
    return union


def checked(blocks: Layout, union: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
    """The weights in float64. Raises ValueError unless they are one a block, in [0, 1], and not all 0."""
    union = np.asarray(union, np.float64)
    if union.shape != blocks.owner.shape or not ((union >= 0) & (union <= 1)).all() or not union.any():
        raise ValueError(
            f"a union needs a weight from 0 to 1 for each of {len(blocks.owner)} blocks, not all 0, got shape "
            f"{union.shape}"
        )
    return union


def remembered(evaluate: Evaluate) -> Evaluate:
    """The same function, which keeps its results: curves, choices and intervals ask for the same unions."""
    kept: dict[bytes, Scores] = {}

    def once(union: Float[np.ndarray, " B"]) -> Scores:
        name = np.asarray(union, np.float64).tobytes()
        if name not in kept:
            kept[name] = evaluate(union)
        return kept[name]

    return once
