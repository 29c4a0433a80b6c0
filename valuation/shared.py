"""What several methods need of a problem, computed once and kept with it, and what each of them would cost alone."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

CAPACITY = 2**29  # bytes
T = TypeVar("T")
Key = tuple


class _Kept(NamedTuple):
    """A result, the objects it was computed from (held, so that their ids are given to no others), the number of it,
    and its seconds: those without what it used of other results, whose keys are `uses`.
    """

    depends: tuple
    result: Any
    number: int
    seconds: float
    uses: frozenset[Key]


class _Frame:
    """A computation that is going on: which results it used, and the seconds of those that were made within it."""

    def __init__(self) -> None:
        self.uses: set[Key] = set()
        self.within = 0.0


class Shared:
    """Results by name, options and the identity of what they were computed from.

    The objects that a result depends on are held beside it and compared by identity: a problem in which one of them was
    replaced finds nothing stale, and everything else still there. Arrays changed in place are not noticed.
    capacity: bytes of results that are kept. What no longer fits is computed and not kept, so that what is there
        stays: methods pass over the contributors in one order, and dropping the oldest would drop what the next one
        begins with.
    clock: () -> seconds, for `timed`.
    """

    def __init__(self, capacity: int = CAPACITY, clock: Callable[[], float] = lambda: 0.0):
        self.capacity = capacity
        self.bytes = 0
        self._clock = clock
        self._kept: dict[Key, _Kept] = {}
        self._frames = [_Frame()]

    def get(self, name: str, depends: tuple, make: Callable[[], T], *, options: tuple = ()) -> T:
        """The result of make(), from the last time where name, options and everything it depends on are the same.

        depends: every object that `make` reads. options: hashable numbers and words that it reads.
        Arrays come back as views that cannot be written to.
        """
        key, caller = (name, options, tuple(map(id, depends))), self._frames[-1]
        if key in self._kept:
            caller.uses.add(key)
            return self._kept[key].result
        made, seconds, frame = self._measured(make)
        made = jax.tree.map(_locked, made)
        size = sum(leaf.nbytes if isinstance(leaf, np.ndarray) else 8 for leaf in jax.tree.leaves(made))
        if self.bytes + size <= self.capacity:
            alone = seconds - frame.within
            self._kept[key] = _Kept(depends, made, len(self._kept), alone, frozenset(frame.uses))
            self.bytes += size
            caller.uses.add(key)
            caller.within += seconds
        else:  # its time is its caller's, but for what is kept of it
            caller.uses |= frame.uses
            caller.within += frame.within
        return made

    def timed(self, make: Callable[[], T]) -> tuple[T, float]:
        """(make(), the seconds of the clock that it takes alone): with those of every result that was there already.

        So what several methods share counts for each of them, whichever of them came first.
        """
        before = len(self._kept)
        made, seconds, frame = self._measured(make)
        needed, open_ = set(), list(frame.uses)
        while open_:
            if (key := open_.pop()) not in needed:
                needed.add(key)
                open_ += self._kept[key].uses
        return made, seconds + sum(self._kept[key].seconds for key in needed if self._kept[key].number < before)

    def _measured(self, make: Callable[[], T]) -> tuple[T, float, _Frame]:
        """(make(), its seconds, what it used)."""
        frame, begun = _Frame(), self._clock()
        self._frames.append(frame)
        try:
            made = make()
        finally:
            self._frames.pop()
        return made, self._clock() - begun, frame


def _locked(leaf: Any) -> Any:
    if not isinstance(leaf, np.ndarray):
        return leaf
    view = leaf.view()
    view.flags.writeable = False
    return view
