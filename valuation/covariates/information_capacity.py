"""Information Capacity of a decoder: how well it compresses text, for what it computes (theory/README.md, 3.10).

It belongs to a model on a text, not to a contributor, so it is no entry of MEASURES.
"""

import numpy as np
from jaxtyping import Bool, Float

OFFSET = -24.0  # bits a token, of mixed text


def information_capacity(
    text_bits: Float[np.ndarray, "n t"],
    nats: Float[np.ndarray, "n t"],
    mask: Bool[np.ndarray, "n t"],
    flops: float,
    *,
    offset: float = OFFSET,
) -> float:
    """(bits of text a token - bits that the model needs for it + offset) / log2(operations a token).

    text_bits: 8 x the bytes that each token stands for. nats: minus its log-probability given those before it.
    mask: which tokens count; the first of a row has none before it and never does. flops: `decoder_flops`, above 1.
    Raises ValueError where no token counts.
    """
    kept = mask[:, 1:]
    if not kept.any():
        raise ValueError("no token counts: expected rows of at least two tokens, and a mask that holds some")
    gained = text_bits[:, 1:][kept].mean() - nats[:, 1:][kept].mean() / np.log(2)
    return float((gained + offset) / np.log2(flops))


def decoder_flops(
    *, layers: int, width: int, heads: int, key_heads: int, hidden: int, vocabulary: int, length: int
) -> float:
    """Operations of a forward pass a token: two a weight of every matrix, the head among them, and attention.

    layers, width, hidden, vocabulary: of a decoder with gated dense parts. heads, key_heads: of queries; of keys and
    values. length: tokens that each one attends to, counted in full.
    """
    shared = width * key_heads // heads  # numbers of the keys, and of the values
    block = 2 * width * width + 2 * width * shared + 3 * width * hidden
    return 2.0 * (layers * (block + 2 * length * width) + width * vocabulary)
