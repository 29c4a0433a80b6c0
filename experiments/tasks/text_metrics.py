"""Metrics of written responses, each in [0, 1], higher = better; and choices among options by likelihood."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest


def rouge_l(written: str, reference: str) -> float:
    """F1 of the longest common subsequence of lower-case words; 0 where either text has none."""
    a, b = words(written), words(reference)
    longest = [0] * (len(b) + 1)
    for word in a:
        before = 0  # the length up to the previous word of b, without this word of a
        for i, other in enumerate(b, 1):
            before, longest[i] = longest[i], before + 1 if word == other else max(longest[i], longest[i - 1])
    return 2 * longest[-1] / (len(a) + len(b)) if a and b else 0.0


def exact_match(written: str, reference: str) -> float:
    """1 if both have the same lower-case words in the same order, else 0."""
    return float(words(written) == words(reference))


METRICS: dict[str, Callable] = {"rouge_l": rouge_l, "exact_match": exact_match}


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


class Choices(NamedTuple):
    """Accuracy with its exact binomial 95 % interval, what guessing gives, and how many questions there were."""

    accuracy: float
    interval: tuple[float, float]
    chance: float
    questions: int

    @property
    def above_chance(self) -> bool:
        return self.interval[0] > self.chance


def choices(nats: list[np.ndarray], right: np.ndarray) -> Choices:
    """How often the right option is the most likely one (ties count as wrong).

    nats: -log p of every option, an array for every question; right: number of the right one.
    """
    hits = sum(int((options <= options[i]).sum() == 1) for options, i in zip(nats, right, strict=True))
    interval = binomtest(hits, len(nats)).proportion_ci(0.95)
    chance = float(np.mean([1 / len(options) for options in nats]))
    return Choices(hits / len(nats), (float(interval.low), float(interval.high)), chance, len(nats))
