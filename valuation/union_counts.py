"""The n-gram of ngram.py on many weighted unions of one problem's blocks (theory/README.md, 3.9).

What follows which context is looked up once, for all rows and for those contexts alone that validation rows have; a
union is then sums over events. A distinct row counts with the largest weight w with which the union holds it:

    c(h, w) = sum of the weights of the rows, once for every place of w after h;   c(h) = sum_w c(h, w);
    T(h) = sum_w min(1, sqrt c(h, w)),

which are the counts of ngram.py where all weights are 1, and go to those without a source as its weight goes to 0: the
root lets what only that source has seen fall back on shorter contexts.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from valuation.ngram import distinct_rows, events_of, lookup, read_tokens
from valuation.problem import Problem, contributor_examples
from valuation.unions import Evaluate, Layout, Scores, checked


class Level(NamedTuple):
    """Events after the contexts of one length that validation has.

    row, pair: of each event, its distinct row and the number of (context, word). context: of each pair, its context.
    place, wanted, known: of each validation event, its context, its pair, and whether there is that pair.
    """

    row: Int[np.ndarray, " e"]
    pair: Int[np.ndarray, " e"]
    context: Int[np.ndarray, " p"]
    place: Int[np.ndarray, " v"]
    wanted: Int[np.ndarray, " v"]
    known: Bool[np.ndarray, " v"]


def counted(problem: Problem, blocks: Layout, vocabulary: int, *, order: int) -> Evaluate:
    """Mean log-probability of a target token for every validation row, nats, in both units.

    vocabulary, order: as in ngram.fit_ngram. O(e) a union, for e events after contexts that validation rows have;
    some 24 e bytes a level. Raises ValueError as fit_ngram does.
    """
    parts = [
        read_tokens(contributor_examples(problem, problem.contributors[number]).take(rows), vocabulary)
        for number, rows in zip(blocks.owner, blocks.rows, strict=True)
    ]
    rows, where = distinct_rows(np.concatenate(parts))
    places = np.split(where, np.cumsum(blocks.counts)[:-1])
    validation = read_tokens(problem.validation, vocabulary)
    owners, words, contexts = events_of(validation, order - 1)
    levels = _levels(events_of(rows, order - 1), words, contexts, vocabulary)
    weights = problem.objective.weights(problem.validation)

    def evaluate(union: Float[np.ndarray, " B"]) -> Scores:
        weight = np.zeros(len(rows))
        for one, place in zip(checked(blocks, union), places, strict=True):
            weight[place] = np.maximum(weight[place], one)
        log_p = np.log(_probabilities(levels, weight, vocabulary))
        each = np.bincount(owners, log_p, minlength=len(validation)) / np.maximum(weights, 1)
        return Scores(each, each, weights)

    return evaluate


def _levels(
    events: tuple[np.ndarray, np.ndarray, np.ndarray], words: np.ndarray, contexts: np.ndarray, vocabulary: int
) -> list[Level]:
    """events: (row, word, inputs up to it) of the distinct rows; words, contexts: of the validation events."""
    row, word, inputs = events
    here, place = np.zeros(len(row), np.int64), np.zeros(len(words), np.int64)
    levels = []
    for k in range(contexts.shape[1] + 1):
        if k:
            codes = place * vocabulary + contexts[:, k - 1]
            table, place = np.unique(codes, return_inverse=True)
            here, kept = lookup(table, here * vocabulary + inputs[:, k - 1])
            row, word, inputs, here = row[kept], word[kept], inputs[kept], here[kept]
        pairs, pair = np.unique(here * vocabulary + word, return_inverse=True)
        wanted, known = lookup(pairs, place * vocabulary + words)
        levels.append(Level(row, pair, pairs // vocabulary, place, wanted, known))
    return levels


def _probabilities(levels: list[Level], weight: Float[np.ndarray, " d"], vocabulary: int) -> Float[np.ndarray, " v"]:
    """P(w | h) of every validation event under the distinct rows with these weights; recursion as in ngram.py."""
    probability = np.full(len(levels[0].place), 1 / vocabulary)
    for level in levels:
        if not len(level.pair):
            break
        together = np.bincount(level.pair, weight[level.row])
        contexts = 1 + max(level.place.max(), level.context.max())
        count = np.bincount(level.context, together, contexts)[level.place]
        kinds = np.bincount(level.context, np.minimum(np.sqrt(together), 1), contexts)[level.place]
        own = np.where(level.known, together[level.wanted], 0)
        seen = count > 0
        probability = np.where(seen, (own + kinds * probability) / np.where(seen, count + kinds, 1), probability)
    return probability
