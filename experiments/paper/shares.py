"""How the studies are dealt out to the machines of a job array."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from experiments.paper.entry import Entry


class Unit(NamedTuple):
    """What one machine does at a time: a study, or some draws of one.

    draws: their numbers; none: the whole study. seconds: what it took when it was recorded; None: not recorded.
    """

    entry: Entry
    draws: tuple[int, ...]
    seconds: float | None

    @property
    def title(self) -> str:
        """As "images-mixed, draws 3000, 3001"."""
        return f"{self.entry.name}, draws {', '.join(map(str, self.draws))}" if self.draws else self.entry.name


def units(entries: Iterable[Entry], seconds: Callable[[Entry], float | None], scale: str) -> list[Unit]:
    """A unit for every draw of a study that can be cut, and one for every other; those that read the finished runs of
    others are left out: they are done after the merge.
    """
    made = []
    for entry in entries:
        price, draws = seconds(entry), entry.draws_at(scale)
        if entry.after:
            continue
        for draw in draws:
            made.append(Unit(entry, (draw,), None if price is None else price / entry.draws[1]))
        if not draws:
            made.append(Unit(entry, (), price))
    return made


def dealt(every: list[Unit], machines: int) -> list[list[Unit]]:
    """The units of each machine: the dearest first, each to the machine that has least to do; draws of one study that
    meet on a machine become one unit, so that what they share is made once. The same on every machine.
    """
    price = [unit.seconds if unit.seconds is not None else 600.0 for unit in every]
    loads, hands = [0.0] * machines, [[] for _ in range(machines)]  # type: ignore[var-annotated]
    for place in sorted(range(len(every)), key=lambda i: (-price[i], i)):
        least = loads.index(min(loads))
        loads[least] += price[place]
        hands[least].append(every[place])
    return [_joined(hand) for hand in hands]


def _joined(hand: list[Unit]) -> list[Unit]:
    groups: dict[str, list[Unit]] = {}
    for unit in hand:
        groups.setdefault(unit.entry.name, []).append(unit)
    return [
        Unit(
            group[0].entry,
            tuple(sorted(draw for unit in group for draw in unit.draws)),
            None if any(unit.seconds is None for unit in group) else sum(unit.seconds or 0 for unit in group),
        )
        for group in groups.values()
    ]
