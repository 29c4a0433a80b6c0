"""A set of examples: what every part of the engine computes with."""

from typing import Any, NamedTuple


class Examples(NamedTuple):
    """A set of n examples.

    inputs: images (n, h, w, c) float32 in [0, 1], rows of numbers (n, d) float32, or tokens (n, t) int32, padded on
        the right.
    targets: classes (n,) int32, numbers (n,) float32, or token ids (n, t) int32.
    mask: which tokens are targets, (n, t) bool; None where examples are not sequences.
    """

    inputs: Any
    targets: Any
    mask: Any = None

    def take(self, index) -> "Examples":
        """The examples at those rows: an index (k,) int, a mask (n,) bool or a slice."""
        return Examples(*(None if leaf is None else leaf[index] for leaf in self))
