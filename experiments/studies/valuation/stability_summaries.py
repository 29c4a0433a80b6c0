"""What the lines of the study of stability say together: means over draws, and what a budget of seconds buys."""

from collections.abc import Iterator

import numpy as np

from experiments.runtime.results import select
from experiments.studies.valuation import evaluate
from experiments.studies.valuation.reading import utilities

SHARES = (1.0, 0.5, 0.25, 0.1, 0.01)  # of the examples of every contributor
TIMES = (1, 10)  # budgets, in seconds of the method of choice on all examples
RESAMPLES = 1000


def means(lines: list[dict], run: list[dict], choice: str, resamples: int = RESAMPLES) -> list[dict]:
    """The derived lines: means over draws by method, share and start, other starts together as start 1; equal seconds.

    run: lines of the run whose contributors were valued. choice: its method of choice. resamples: of the intervals.
    """
    out = []
    every = select(lines, kind="stability")
    for name in dict.fromkeys(line["method"] for line in every):
        for share, start in [(share, 0) for share in SHARES] + [(1.0, 1)]:
            chosen = [
                line
                for line in select(every, method=name, share=share)
                if line["start"] == start or (start and line["start"])
            ]
            about = {"kind": "stability summary", "method": name, "share": share, "start": start}
            about |= {field: mean_of([line[field] for line in chosen]) for field in ("itself", "truth")}
            known = about["truth"] is not None and start == 0
            about["interval"] = _interval(chosen, run, resamples) if known else None
            out.append(about | {field: _median(chosen, field) for field in ("seconds", "first_seconds")})
    return [*out, *equal_seconds(out, choice)]


def equal_seconds(summaries: list[dict], choice: str) -> Iterator[dict]:
    """For budgets of the seconds that the method of choice takes on all examples, and ten times that: a line a method.

    Each says on which share of the examples the method stays within the budget, the largest one, and how well it orders
    then; none for a method that never does. Nothing where that of choice has no seconds.
    """
    of_choice = select(summaries, method=choice, share=1.0, start=0)
    if not of_choice or of_choice[0]["seconds"] is None:
        return
    for times in TIMES:
        budget = times * of_choice[0]["seconds"]
        for name in dict.fromkeys(line["method"] for line in summaries):
            within = [x for x in select(summaries, method=name, start=0) if x["seconds"] and x["seconds"] <= budget]
            if within:
                best = max(within, key=lambda line: line["share"])
                about = {"kind": "equal seconds", "times": times, "budget": budget}
                yield about | {field: best[field] for field in ("method", "share", "seconds", "truth", "interval")}


def mean_of(numbers: list[float | None]) -> float | None:
    """None if one of them is, or there are none."""
    return None if not numbers or None in numbers else float(np.mean(np.array(numbers, float)))


def _median(lines: list[dict], field: str) -> float | None:
    known = [line[field] for line in lines if line[field] is not None]
    return float(np.median(known)) if known else None


def _interval(lines: list[dict], run: list[dict], resamples: int) -> tuple[float, float]:
    """95 % of the mean correlation with the truth of the values in these lines, one a draw."""
    values = [np.array([line["values"]]) for line in lines]
    truth = [utilities(run, line["draw"]).T for line in lines]
    return evaluate.interval(evaluate.bootstrap(values, truth, resamples, seed=0)[:, 0])
