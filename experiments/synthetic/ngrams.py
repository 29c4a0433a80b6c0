"""A trigram model with backoff, trained by counting, and text sampled from it. Pure NumPy; many streams at a time."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from experiments.synthetic.sampling import check_strength

STREAMS = 512


class Rows(NamedTuple):
    """For each context a distribution over words: entries starts[i] to starts[i+1] belong to contexts[i].

    summed: cumulative probability within the row plus the row's number, so one search finds the word of any row.
    """

    contexts: Int[np.ndarray, "r"]
    words: Int[np.ndarray, "e"]
    summed: Float[np.ndarray, "e"]


class Trigrams(NamedTuple):
    """Rows of two words, of one word and of none; `types` words, the number `types` stands for the end of a text."""

    pairs: Rows
    singles: Rows
    none: Rows
    types: int


def trigrams(stream: Int[np.ndarray, "t"], types: int, mechanism: str, strength: float) -> Trigrams:
    """The model of a stream of word numbers (-1 between two texts), its rows sampled by top-p or temperature.

    Maximum likelihood: the longest context that was seen decides. Other mechanisms leave the rows as they are.
    """
    check_strength(mechanism, strength)
    ends = np.repeat(stream, np.where(stream < 0, 2, 1))  # two ends, so that no text leaks into the next
    stream = np.concatenate([[-1, -1], ends]).astype(np.int64)
    stream = np.where(stream < 0, types, stream)
    before, last, word = stream[:-2], stream[1:-1], stream[2:]
    inner = ~((word == types) & (last == types))  # the second end is no prediction
    before, last, word = before[inner], last[inner], word[inner]
    contexts = (before * (types + 1) + last, last, np.zeros_like(last))
    pairs, singles, none = (_rows(context, word, types, mechanism, strength) for context in contexts)
    return Trigrams(pairs, singles, none, types)


def sample(model: Trigrams, length: int, rng: np.random.Generator) -> Int[np.ndarray, "t"]:
    """A stream of about that many word numbers, -1 between two texts: STREAMS texts grow side by side."""
    steps = -(-length // STREAMS)
    before = last = np.full(STREAMS, model.types, np.int64)
    out = np.full((STREAMS, steps + 1), -1, np.int64)
    for step in range(steps):
        word = _draw(model, before, last, rng.random(STREAMS))
        out[:, step] = np.where(word == model.types, -1, word)
        before, last = np.where(word == model.types, model.types, last), word
    return out.reshape(-1)


def _rows(contexts, words, types: int, mechanism: str, strength: float) -> Rows:
    pairs, counts = np.unique(contexts * (types + 1) + words, return_counts=True)
    context, word = np.divmod(pairs, types + 1)
    order = np.lexsort((-counts, context))
    context, word, weight = context[order], word[order], counts[order].astype(float)
    known, starts, row = np.unique(context, return_index=True, return_inverse=True)
    if mechanism == "temperature":
        weight = (weight / weight[starts][row]) ** (1 / strength)  # the first of a row is its most frequent
    weight /= np.add.reduceat(weight, starts)[row]
    summed = np.cumsum(weight)
    before = summed - weight - (summed - weight)[starts][row]
    if mechanism == "top_p":
        kept = before < strength - 1e-9
        context, word, weight, row = context[kept], word[kept], weight[kept], row[kept]
        starts = np.searchsorted(row, np.arange(len(known)))
        weight /= np.add.reduceat(weight, starts)[row]
        summed = np.cumsum(weight)
        before = summed - weight - (summed - weight)[starts][row]
    return Rows(known, word, row + np.minimum(before + weight, 1.0))


def _draw(model: Trigrams, before, last, u):
    none = np.zeros_like(last)
    word = _from(model.none, none, u)
    for rows, context in ((model.singles, last), (model.pairs, before * (model.types + 1) + last)):
        place = np.minimum(np.searchsorted(rows.contexts, context), len(rows.contexts) - 1)
        word = np.where(rows.contexts[place] == context, _from(rows, rows.contexts[place], u), word)
    return word


def _from(rows: Rows, contexts, u):
    row = np.searchsorted(rows.contexts, contexts)
    entry = np.searchsorted(rows.summed, row + u, side="right")
    return rows.words[np.minimum(entry, np.searchsorted(rows.summed, row + 1.0 - 1e-9))]
