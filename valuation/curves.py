"""How much to mix in: predicted curves over amounts, the amount and the weights that do best (theory/README.md, 3.9).

What is chosen on validation rows is scored on others: each half of the rows chooses for the other one.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from valuation.unions import Evaluate, Layout, Scores, taken

NOISES = (1, 2, 5, 10, 30, 100, 300)  # noise of a source's targets over that of real ones, 1 / weight


class Curve(NamedTuple):
    """How fits do over amounts: amounts, increasing; scores: of the fit at each."""

    amounts: tuple[int, ...]
    scores: tuple[Scores, ...]

    def utilities(self, unit: str = "metric") -> Float[np.ndarray, " A"]:
        """The utility at each amount."""
        return np.array([one.utility(unit) for one in self.scores])


class Joint(NamedTuple):
    """A curve over the amounts of several sources together. each: of each source, by its number, at each amount."""

    curve: Curve
    each: tuple[dict[int, int], ...]


class Choice(NamedTuple):
    """Which of several fits does best.

    best: its number, on all rows. chosen: the numbers that the first half of the rows chooses, and the second.
    scores: of every row under the fit that the other half chose.
    """

    best: int
    chosen: tuple[int, int]
    scores: Scores


class Weights(NamedTuple):
    """Which weights of sources do best: as in Choice, source -> weight instead of a number."""

    best: dict[int, float]
    chosen: tuple[dict[int, float], dict[int, float]]
    scores: Scores


def halves(rows: int, *, key: jax.Array) -> Bool[np.ndarray, " m"]:
    """Which of the validation rows are the first half, drawn at random; the second has one more where m is odd."""
    return np.asarray(jax.random.permutation(key, rows)) < rows // 2


def added_curve(evaluate: Evaluate, blocks: Layout, source: int, *, beside: Mapping[int, int]) -> Curve:
    """Fits on what is there and the first examples of a source: at 0 and at every end of the source's blocks.

    beside: contributor -> how many of its examples are there, such as {0: all real ones}.
    """
    amounts = (0, *blocks.ends[blocks.owner == source].tolist())
    return Curve(amounts, tuple(evaluate(taken(blocks, {**beside, source: amount})) for amount in amounts))


def real_curve(evaluate: Evaluate, blocks: Layout, contributor: int = 0) -> Curve:
    """Fits on the first examples of one contributor alone: its learning curve, at every end of its blocks."""
    amounts = blocks.ends[blocks.owner == contributor].tolist()
    return Curve(tuple(amounts), tuple(evaluate(taken(blocks, {contributor: amount})) for amount in amounts))


def joint_curve(
    evaluate: Evaluate, blocks: Layout, sources: Sequence[int], *, beside: Mapping[int, int], steps: int = 8
) -> Joint:
    """Fits on what is there and the same share of every source: 0, then shares that double up to all.

    Of each source the nearest end of its blocks is taken, and amounts are those of all sources together. steps: how
    many shares, with 0.
    """
    ends = {source: blocks.ends[blocks.owner == source] for source in sources}
    amounts, shares, scores = [], [], []
    for share in (0.0, *0.5 ** np.arange(steps - 2, -1, -1)):
        each = {source: _nearest(np.append(0, own), share * own[-1]) for source, own in ends.items()}
        total = sum(each.values())
        if total not in amounts:
            amounts.append(total)
            shares.append(each)
            scores.append(evaluate(taken(blocks, {**beside, **each})))
    return Joint(Curve(tuple(amounts), tuple(scores)), tuple(shares))


def best_of(scores: Sequence[Scores], half: Bool[np.ndarray, " m"]) -> Choice:
    """The fit of the highest utility in the surrogate's own unit, the first of several.

    half: which rows are the first half, such as `halves`; both need a weight. The utility of `scores` of the Choice is
    that of choosing, unbiased by having chosen: no row had a part in the choice of the fit that it is scored under.
    """
    best, first, second = (
        int(np.argmax([one.utility("own", rows) for one in scores])) for rows in (slice(None), half, ~half)
    )
    return Choice(best, (first, second), crossed(scores[first], scores[second], half))


def crossed(first: Scores, second: Scores, half: Bool[np.ndarray, " m"]) -> Scores:
    """Scores of the second fit on the first half of the rows, of the first fit on the second half."""
    own, metric = (np.where(half, *columns) for columns in ((second.own, first.own), (second.metric, first.metric)))
    return Scores(own, metric, first.weights)


def best_amount(curve: Curve, half: Bool[np.ndarray, " m"]) -> Choice:
    """best_of over the amounts of a curve; its numbers are those of the curve's amounts."""
    return best_of(curve.scores, half)


def best_weights(
    evaluate: Evaluate,
    blocks: Layout,
    amounts: Mapping[int, int],
    half: Bool[np.ndarray, " m"],
    *,
    beside: Mapping[int, int],
    sweeps: int = 2,
) -> Weights:
    """A weight for each source, 1 over one of NOISES: the noise of its targets over that of real ones, inverted.

    amounts: source -> how many of its examples are added to what is there, beside. Sources are set in turn to what does
    best beside the weights of the others, from all weights 1 on, `sweeps` times or until nothing changes; at most
    len(NOISES) fits a source and sweep, shared by the halves. half, scores: as in best_of.
    """

    def fit(weights: Mapping[int, float]) -> Scores:
        return evaluate(taken(blocks, {**beside, **amounts}, weights))

    def ascended(rows: Bool[np.ndarray, " m"] | slice) -> dict[int, float]:
        weights = dict.fromkeys(amounts, 1.0)
        for _ in range(sweeps if len(amounts) > 1 else 1):
            before = dict(weights)
            for source in amounts:
                tried = [{**weights, source: 1 / noise} for noise in NOISES]
                weights = tried[int(np.argmax([fit(one).utility("own", rows) for one in tried]))]
            if weights == before:
                break
        return weights

    first, second = ascended(half), ascended(~half)
    return Weights(ascended(slice(None)), (first, second), crossed(fit(first), fit(second), half))


def _nearest(ends: Int[np.ndarray, " e"], wanted: float) -> int:
    return int(ends[np.abs(ends - wanted).argmin()])
