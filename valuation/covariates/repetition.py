"""How much of a set repeats itself: what a compressor leaves of it, and how many of its n-grams are different
(theory/README.md, 3.10).
"""

import zlib

import numpy as np
from jaxtyping import Num

LEVEL = 6  # of the compressor: gzip's own choice


def compressed_share(content: bytes) -> float:
    """Compressed size over size, above 0; low: it repeats itself. What gzip makes, without its header; 1 of nothing.

    Its window is 32 kB: what repeats farther apart is not seen.
    """
    return len(zlib.compress(content, LEVEL)) / len(content) if content else 1.0


def distinct_share(rows: list[Num[np.ndarray, "..."]], length: int = 2) -> float:
    """Different n-grams over n-grams, in (0, 1]; 1 where there are none, as nothing repeats.

    rows: the items of each example in order, of any lengths; an n-gram lies within one example. length: n.
    """
    grams = [np.lib.stride_tricks.sliding_window_view(row, length) for row in rows if len(row) >= length]
    if not grams:
        return 1.0
    every = np.ascontiguousarray(np.concatenate(grams))
    whole = every.view(np.dtype((np.void, every.dtype.itemsize * length))).ravel()
    return len(np.unique(whole)) / len(whole)
