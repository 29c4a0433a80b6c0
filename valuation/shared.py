"""What several methods need of a problem, computed once and kept with it."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np

CAPACITY = 2**29  # bytes
T = TypeVar("T")


class Shared:
    """Results by name, options and the identity of what they were computed from.

    The objects that a result depends on are held beside it and compared by identity: a problem in which one of them was
    replaced finds nothing stale, and everything else still there. Arrays changed in place are not noticed.
    capacity: bytes of results that are kept. What no longer fits is computed and not kept, so that what is there
        stays: methods pass over the contributors in one order, and dropping the oldest would drop what the next one
        begins with.
    """

    def __init__(self, capacity: int = CAPACITY):
        self.capacity = capacity
        self.bytes = 0
        self._kept: dict[tuple, tuple[tuple, Any]] = {}

    def get(self, name: str, depends: tuple, make: Callable[[], T], *, options: tuple = ()) -> T:
        """The result of make(), from the last time where name, options and everything it depends on are the same.

        depends: every object that `make` reads. options: hashable numbers and words that it reads.
        Arrays come back as views that cannot be written to.
        """
        key = (name, options, tuple(map(id, depends)))
        if key in self._kept:
            return self._kept[key][1]
        made = jax.tree.map(_locked, make())
        size = sum(leaf.nbytes if isinstance(leaf, np.ndarray) else 8 for leaf in jax.tree.leaves(made))
        if self.bytes + size <= self.capacity:
            self._kept[key] = depends, made  # holding them keeps their ids from being given to others
            self.bytes += size
        return made


def _locked(leaf: Any) -> Any:
    if not isinstance(leaf, np.ndarray):
        return leaf
    view = leaf.view()
    view.flags.writeable = False
    return view
