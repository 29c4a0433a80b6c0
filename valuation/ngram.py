"""An interpolated Witten-Bell n-gram model of rows of tokens: counts of a set, log-probabilities of validation tokens.

The model of Witten & Bell (1991), interpolated as in Chen & Goodman (1998), with words that are the target tokens of a
row and contexts that are the inputs up to them, so that contexts reach into the prompt:

    P_-1(w) = 1 / V
    P_k(w | h) = (c(h, w) + T(h) P_{k-1}(w | h')) / (c(h) + T(h))    if c(h) > 0, else P_{k-1}(w | h')

h = (inputs[i - k + 1], ..., inputs[i]) is the context of length k of the target at position i, 0 standing before the
row; h' is h without its oldest token; c counts, T(h) is the number of distinct words after h. There is nothing to tune.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from valuation.problem import Examples

MOST_TOKENS = 2**31  # of a vocabulary: a number below the count of events times this fits into 64 bits
BLOCK = 2**22  # tokens that are read at a time, of inputs that may lie on disk
EVENTS = 2**20  # about as many are counted at a time


class Level(NamedTuple):
    """Counts after the contexts of one length k.

    A context of length k >= 1 has the code i V + its oldest token, where i is the place of h' in the shorter contexts'
    table: codes stay below (events) x V whatever k is. The empty context has the code 0.

    contexts: sorted codes. counts: c(h). kinds: T(h). pairs: sorted (place of h) V + w. pair_counts: c(h, w).
    """

    contexts: Int[np.ndarray, " h"]
    counts: Int[np.ndarray, " h"]
    kinds: Int[np.ndarray, " h"]
    pairs: Int[np.ndarray, " p"]
    pair_counts: Int[np.ndarray, " p"]


class NGram(NamedTuple):
    """What fit_ngram counted. vocabulary: V. levels: of the contexts of length 0, 1, ..., order - 1."""

    vocabulary: int
    levels: tuple[Level, ...]


def fit_ngram(examples: Examples, vocabulary: int, *, order: int = 3) -> NGram:
    """The counts of the distinct rows of a set.

    Rows that agree in mask, targets under the mask and inputs up to the last of these count once: training takes a
    fixed number of steps, so a repeat adds nothing to it. What lies outside of these, as padding does, is not read.
    A set without any target token is allowed: its model is uniform, 1 / V.

    examples: inputs and targets (n, t) of tokens from 0 on, mask (n, t) of the target tokens, None for all of them.
        inputs[:, i] is the token before targets[:, i].
    vocabulary: V, the same for all sets that are compared, whichever tokens they hold.
    order: words of an n-gram, the target included; 3 is a trigram, with contexts of up to two tokens.
    O(e log e + n t log n) for e events (target tokens of distinct rows): 10^6 take about a second. Memory: 12 n t
    bytes for the rows (half below 256 tokens, twice above 65,535), some 70 bytes for each n-gram that differs, and
    200 MB for a block of events. Raises ValueError for tokens outside the vocabulary, and arrays that do not fit.
    """
    if order < 1:
        raise ValueError(f"order must be at least 1, the word alone, got {order}")
    rows, levels = distinct_rows(read_tokens(examples, vocabulary))[0], list[Level]()
    for _ in range(order):
        table, counts = _counted(codes for _, codes in _coded(rows, levels, vocabulary))
        pairs, pair_counts = _counted(
            np.searchsorted(table, codes) * vocabulary + words for words, codes in _coded(rows, levels, vocabulary)
        )
        kinds = np.bincount(pairs // vocabulary, minlength=len(table))
        levels.append(Level(table, counts, kinds, pairs, pair_counts))
    return NGram(vocabulary, tuple(levels))


def token_log_probabilities(model: NGram, examples: Examples) -> Float[np.ndarray, " e"]:
    """log P(w | h) of every target token of the rows, nats: row after row, in each from left to right.

    examples: as in fit_ngram, but repeated rows are scored as often as they stand there.
    O(e log(events of the model)). Raises ValueError as fit_ngram does.
    """
    _, words, contexts = events_of(read_tokens(examples, model.vocabulary), len(model.levels) - 1)
    probability = np.full(len(words), 1 / model.vocabulary)
    place, seen = np.zeros(len(words), np.int64), np.ones(len(words), bool)
    for k, level in enumerate(model.levels):
        if not len(level.contexts):  # nothing was counted
            break
        codes = place * model.vocabulary + contexts[:, k - 1] if k else place
        place, known = lookup(level.contexts, codes)
        seen &= known  # after an unknown context the code of a longer one means nothing
        pair, counted = lookup(level.pairs, place * model.vocabulary + words)
        count, kinds = np.where(counted, level.pair_counts[pair], 0), level.kinds[place]
        probability = np.where(seen, (count + kinds * probability) / (level.counts[place] + kinds), probability)
    return np.log(probability)


def mean_log_probability(model: NGram, examples: Examples) -> float:
    """Mean of token_log_probabilities over all target tokens of all rows, nats per token: higher = better.

    Pooled as a language model's loss per token is, so that a long row weighs more than a short one; rows without a
    target token weigh nothing. Raises ValueError where there is none at all.
    """
    each = token_log_probabilities(model, examples)
    if not len(each):
        raise ValueError("no row has a target token, so there is no mean over tokens: expected a mask that holds some")
    return float(each.mean())


def read_tokens(examples: Examples, vocabulary: int) -> Shaped[np.ndarray, "n two_t"]:
    """All that is read of the rows, inputs beside targets: each token plus 1, and 0 for what is not read."""
    if not 1 <= vocabulary <= MOST_TOKENS:
        raise ValueError(f"vocabulary must be the number of tokens, 1 to 2^31, got {vocabulary}")
    shape = np.shape(examples.inputs)
    others = [np.shape(leaf) for leaf in (examples.targets, examples.mask) if leaf is not None]
    if len(shape) != 2 or any(other != shape for other in others):
        raise ValueError(f"inputs, targets and mask need one shape (rows, tokens), got {shape} and {others}")
    n, t = shape
    rows = np.empty((n, 2 * t), np.min_scalar_type(int(vocabulary)))
    for start in range(0, n, step := max(BLOCK // max(t, 1), 1)):
        part = examples.take(slice(start, start + step))
        inputs, targets = np.asarray(part.inputs), np.asarray(part.targets)
        mask = np.ones(targets.shape, bool) if part.mask is None else np.asarray(part.mask, bool)
        up_to_last = np.logical_or.accumulate(mask[:, ::-1], axis=1)[:, ::-1]
        for name, tokens, read in (("inputs", inputs, up_to_last), ("targets", targets, mask)):
            _check(name, tokens, read, vocabulary, start)
        block = rows[start : start + step]
        block[:, :t] = np.where(up_to_last, inputs.astype(rows.dtype) + 1, 0)
        block[:, t:] = np.where(mask, targets.astype(rows.dtype) + 1, 0)
    return rows


def _check(name: str, tokens, read, vocabulary: int, start: int) -> None:
    if not np.issubdtype(tokens.dtype, np.integer):
        raise ValueError(f"{name} are {tokens.dtype}, expected integer tokens")
    wrong = read & ((tokens < 0) | (tokens >= vocabulary))
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        raise ValueError(
            f"row {start + row} of {name} has token {tokens[row, place]}, outside the vocabulary of {vocabulary} tokens"
        )


def distinct_rows(
    rows: Shaped[np.ndarray, "n two_t"],
) -> tuple[Shaped[np.ndarray, "d two_t"], Int[np.ndarray, " n"]]:
    """(the first of each group of equal rows, in order; which of them each row is), compared as strings of bytes."""
    if not rows.size:
        return rows, np.arange(len(rows))
    text = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize)))[:, 0]
    _, first, where = np.unique(text, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return rows[first[order]], np.argsort(order)[where.reshape(-1)]


def events_of(
    rows: Shaped[np.ndarray, "n two_t"], reach: int
) -> tuple[Int[np.ndarray, " e"], Int[np.ndarray, " e"], Int[np.ndarray, "e reach"]]:
    """(the row of each target token, the token, the `reach` inputs up to it, the nearest first); rows: read_tokens."""
    inputs, targets = np.split(rows, 2, axis=1)
    row, position = np.nonzero(targets)
    contexts = np.zeros((len(row), reach), np.int32)
    for k in range(reach):
        inside = position >= k
        contexts[inside, k] = inputs[row[inside], position[inside] - k] - 1
    return row, targets[row, position].astype(np.int64) - 1, contexts


def _coded(
    rows: Shaped[np.ndarray, "n two_t"], levels: list[Level], vocabulary: int
) -> Iterator[tuple[Int[np.ndarray, " e"], Int[np.ndarray, " e"]]]:
    """(words, codes of their contexts of length len(levels)), a block of rows at a time; levels: the shorter ones."""
    for start in range(0, len(rows), step := max(EVENTS // max(rows.shape[1] // 2, 1), 1)):
        _, words, contexts = events_of(rows[start : start + step], len(levels))
        codes = np.zeros(len(words), np.int64)
        for k, level in enumerate(levels):
            codes = np.searchsorted(level.contexts, codes) * vocabulary + contexts[:, k]
        yield words, codes


def _counted(blocks: Iterator[Int[np.ndarray, " e"]]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """The different numbers of all blocks, sorted, and how often each stands there.

    Tables of about one size are merged, so that a number is moved O(log blocks) times.
    """
    tables: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for block in blocks:
        tables.append(np.unique(block, return_counts=True))
        while len(tables) > 1 and len(tables[-2][0]) <= 2 * len(tables[-1][0]):
            tables.append(_merged(tables.pop(), tables.pop()))
    while len(tables) > 1:
        tables.append(_merged(tables.pop(), tables.pop()))
    return tables[0]


def _merged(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]):
    """One table of counts from two."""
    codes, counts = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    order = np.argsort(codes, kind="stable")  # two sorted runs
    codes, counts = codes[order], counts[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    return codes[starts], np.add.reduceat(counts, starts) if len(starts) else counts


def lookup(
    table: Int[np.ndarray, " n"], codes: Int[np.ndarray, " m"]
) -> tuple[Int[np.ndarray, " m"], Bool[np.ndarray, " m"]]:
    """Places of the codes in a sorted table, and whether they stand there; a place of 0 to n - 1 in any case."""
    if not len(table):
        return np.zeros(len(codes), np.int64), np.zeros(len(codes), bool)
    place = np.minimum(np.searchsorted(table, codes), len(table) - 1)
    return place, table[place] == codes
