"""A table as generators see it: numbers and codes of categories, taken out of the vectors of its rows and put back."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Columns(NamedTuple):
    """Where the columns of a table stand in the vector of a row.

    numbers: how many numbers come first. words: of each column of categories how many there are; their ones follow.
    """

    numbers: int
    words: tuple[int, ...]

    @property
    def width(self) -> int:
        """Length of the vector."""
        return self.numbers + sum(self.words)


def cells_of(columns: Columns, inputs: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
    """A number or the code of a category of every row and column, c = numbers + len(words); -1: none of them."""
    cells, start = [inputs[:, : columns.numbers].astype(np.float64)], columns.numbers
    for count in columns.words:
        ones = inputs[:, start : start + count]
        cells.append(np.where(ones.any(1), ones.argmax(1), -1)[:, None].astype(np.float64))
        start += count
    return np.concatenate(cells, axis=1)


def vectors_of(columns: Columns, cells: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n d"]:
    """The vectors of such rows, float32: what `cells_of` came from."""
    parts = [cells[:, : columns.numbers]]
    for place, count in enumerate(columns.words, start=columns.numbers):
        parts.append(cells[:, place, None] == np.arange(count))
    return np.concatenate(parts, axis=1).astype(np.float32)
