"""Rows of several arrays one after another, which stay where they are: on disk, if they are mapped into memory."""

import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np


class Joined:
    """Reads like an array of all rows; only those are read, and copied, that are asked for.

    parts: arrays (n_i, ...) of one shape beyond the first axis. shape, dtype: of all of them together.
    """

    def __init__(self, parts: Sequence[np.ndarray]):
        self.parts = tuple(parts)
        self.starts = np.cumsum([0, *map(len, self.parts)])
        self.shape = (int(self.starts[-1]), *self.parts[0].shape[1:])
        self.dtype = np.result_type(*self.parts)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """The rows at an index (k,) int, a mask (n,) bool or a slice."""
        index = np.arange(len(self))[rows]
        place = np.searchsorted(self.starts, index, side="right") - 1
        taken = np.empty((len(index), *self.shape[1:]), self.dtype)
        for number in np.unique(place):
            chosen = place == number
            taken[chosen] = self.parts[number][index[chosen] - self.starts[number]]
        return taken

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.concatenate(self.parts, dtype=dtype or self.dtype)


def joined(*parts: np.ndarray) -> Any:
    """One array of all rows; where a part is mapped into memory, something that reads like it and copies nothing."""
    if not any(map(is_mapped, parts)):
        return np.concatenate(parts)
    return parts[0] if len(parts) == 1 else Joined(parts)


def is_mapped(array: Any) -> bool:
    """Whether the numbers of an array, or of what it is a view of, lie in a mapped file."""
    while array is not None and not isinstance(array, mmap.mmap):
        array = getattr(array, "base", None)
    return array is not None
