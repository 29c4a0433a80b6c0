"""The nearest-neighbour language model on the states of a pretrained decoder (theory/README.md, 3.4).

Khandelwal et al., "Generalization through Memorization: Nearest Neighbor Language Models", ICLR 2020. A contributor is
a store of (state, next token); how much it is trusted is chosen on one half of the validation set and scored on the
other, both ways, so that nothing is scored where it was chosen.
"""

import numpy as np
from jaxtyping import Bool, Float

from valuation.discrepancy import distance_table, mean_squared_distance
from valuation.needs import BLOCK_OF_TOKENS
from valuation.problem import Problem
from valuation.scale import significant
from valuation.token_states import TokenStates, contributor_states, validation_states

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the neighbours; the rest is the model's
NEIGHBOURS = (4, 16, 64, 256)
WIDTHS = (0.01, 0.03, 0.1, 0.3, 1.0)  # T over the mean squared distance between validation states
ROWS = 256  # queries looked at together, at least: distance_table centres the whole store each time


def knn_lm(problem: Problem) -> Float[np.ndarray, " C"]:
    """Mean log-probability of a validation target token under (1 - l) p + l q, nats, pooled over tokens.

    p: the model at its first initialisation, of a pretrained decoder the pretrained one. q: neighbour_probabilities in
    the contributor's distinct sequences. l, the number of neighbours and T are those of SHARES, NEIGHBOURS and WIDTHS
    that are best on every other validation sequence, for the sequences between them, and the other way round. A
    contributor without target tokens gets the model's own value. Uses validation targets, trains nothing.
    Raises ValueError for a model without Model.readout and a validation set without target tokens.
    """
    query = validation_states(problem)
    width = _spread(query.states)
    log_p, stores = query.log_p.astype(np.float64), (contributor_states(problem, c) for c in problem.contributors)
    tables = (neighbour_probabilities(query, store, tuple(width * np.array(WIDTHS))) for store in stores)
    return np.array([crossed_mean(_mixed(log_p, q), query.rows % 2 == 0) for q in tables])


def neighbour_probabilities(
    query: TokenStates, store: TokenStates, widths: tuple[float, ...]
) -> Float[np.ndarray, "s e"]:
    """q of each of e query tokens, a row for each of s = NEIGHBOURS x widths; 0 where the store is empty.

    q is the share of those of the K nearest states of the store that were followed by the token, states at a squared
    distance d2 counting exp(-d2 / T). All states that are as far as the K-th share the places that are left for them.
    widths: T, in the square of the states' unit; infinity weighs all alike.
    O(e n d) for n states; distances are centred in float64, computed in float32.
    """
    if not len(store.tokens):
        return np.zeros((len(NEIGHBOURS) * len(widths), len(query.tokens)))
    centre = query.states.mean(0, dtype=np.float64)
    x, v = ((side.states - centre).astype(np.float32) for side in (store, query))
    lengths = [np.square(side).sum(1) for side in (x, v)]
    rows = min(max(BLOCK_OF_TOKENS // (ROWS * len(x)), 1), 8) * ROWS
    parts = []
    for start in range(0, len(v), rows):
        block = slice(start, start + rows)
        squared, scale = distance_table(v[block], x), lengths[1][block, None] + lengths[0].max()
        squared = np.where(significant(squared, scale), squared, 0)
        right = store.tokens == query.tokens[block, None]
        parts.append(_of_block(squared, right, scale, np.array(widths)))
    return np.concatenate(parts, 1)


def crossed_mean(table: Float[np.ndarray, "s e"], first: Bool[np.ndarray, " e"]) -> float:
    """Mean of what each half gets from the setting that is best on the other half.

    table: what each of e tokens gets from each of s settings, higher = better. first: which tokens are the one half.
    The first of equally good settings is taken, also where a half is empty.
    """
    scored = [table[table[:, half].sum(1).argmax(), ~half].sum() for half in (first, ~first)]
    return float(sum(scored) / table.shape[1])


def _of_block(squared: np.ndarray, right: np.ndarray, scale: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """(s, b) of b queries. squared, right: (b, n). scale: (b, 1), of the rounding of distances."""
    most = min(NEIGHBOURS[-1], squared.shape[1])
    near = np.argpartition(squared, most - 1, axis=1)[:, :most]
    distance, match = np.take_along_axis(squared, near, 1), np.take_along_axis(right, near, 1)
    ordered = np.sort(distance, axis=1)
    weight = np.exp(-(distance - ordered[:, :1]) / widths[:, None, None], dtype=np.float64)  # the nearest counts 1
    settings = []
    for k in (min(k, most) for k in NEIGHBOURS):
        last = ordered[:, k - 1 : k]
        tied = ~significant(np.abs(squared - last), scale)
        share = (tied & right).sum(1) / tied.sum(1)
        below = (distance < last) & significant(last - distance, scale)
        left = (k - below.sum(1)) * np.exp(-(last - ordered[:, :1]) / widths[:, None, None], dtype=np.float64)[..., 0]
        total = (weight * below).sum(2) + left
        settings.append(((weight * (below & match)).sum(2) + left * share) / total)
    return np.concatenate(settings)


def _mixed(log_p: Float[np.ndarray, " e"], q: Float[np.ndarray, "s e"]) -> Float[np.ndarray, "r e"]:
    """log((1 - l) p + l q) for each share l and each row of q; the model alone, l = 0, comes first."""
    with np.errstate(divide="ignore"):
        log_q = np.log(q)
        return np.concatenate([np.logaddexp(np.log1p(-share) + log_p, np.log(share) + log_q) for share in SHARES])


def _spread(states: Float[np.ndarray, "e d"]) -> float:
    """The mean squared distance between them, the unit of T; infinite where it is 0, as then all weigh alike."""
    return (mean_squared_distance(states) if len(states) > 1 else 0.0) or np.inf
