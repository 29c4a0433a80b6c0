"""How much of a text's words lie in the tail: by rank in the train pool, a curve for every set of texts."""

import numpy as np
from jaxtyping import Float, Int

POINTS = 24  # of a curve, evenly spaced in the logarithm of the rank


def ranks(train: Int[np.ndarray, "n t"]) -> Int[np.ndarray, " v"]:
    """Rank of every token number from 1 on, by its count in the train pool; 0, the padding, has rank 0."""
    counts = np.bincount(np.asarray(train).ravel())
    order = np.argsort(-counts[1:], kind="stable") + 1
    numbers = np.zeros(len(counts), np.int64)
    numbers[order] = np.arange(1, len(counts))
    return numbers


def beyond(tokens: Int[np.ndarray, "n t"], rank: Int[np.ndarray, " v"]) -> dict[str, list]:
    """{"ranks": [r], "shares": [share of the tokens whose rank lies beyond r]}; unknown tokens lie beyond all."""
    edges = np.unique(np.round(np.geomspace(1, max(rank.max(), 1), POINTS)).astype(int))
    flat = np.asarray(tokens).ravel()
    flat = flat[flat > 0]
    ranks = np.where(flat < len(rank), rank[np.minimum(flat, len(rank) - 1)], rank.max() + 1)
    shares = (ranks[:, None] > edges).mean(0) if len(ranks) else np.zeros(len(edges))
    return {"ranks": edges.tolist(), "shares": _rounded(shares)}


def _rounded(shares: Float[np.ndarray, " r"]) -> list[float]:
    return [float(f"{share:.4g}") for share in shares]
