"""Whether truth and values order contributors as their worth on paper does, where the task knows one."""

import numpy as np

from experiments.reporting.markdown import decimal, table, with_span
from experiments.runtime.results import select
from experiments.studies.valuation import evaluate
from experiments.studies.valuation.ground_truth import LEAVE_ONE_OUT
from experiments.studies.valuation.reading import contributors, utilities
from valuation.methods import METHODS

RESAMPLES = 2000


def section(lines: list[dict]) -> list[str]:
    """Of the report of a run with a truth: rank correlations of both with the worth on paper; [] where none is known.

    What is lost without a contributor is another question, to which that worth is no answer.
    """
    draws = sorted({line["draw"] for line in select(lines, kind="truth")})
    worth = [[x.get("paper_worth") for x in contributors(lines, draw)] for draw in draws]
    agreement = select(lines, kind="agreement")[0]
    if agreement["truth"] == LEAVE_ONE_OUT or any(None in one for one in worth):
        return []
    on_paper = [np.array(one) for one in worth]
    truth = [utilities(lines, draw) for draw in draws]
    choice = METHODS[agreement["choice"]]
    made = [np.array(select(lines, kind="values", draw=d, method=choice.name)[0]["values"]) for d in draws]
    pairs = {
        "worth on paper and truth": (on_paper, truth),
        f"worth on paper and {choice.title}": (made, [one[None] for one in on_paper]),
        f"truth and {choice.title}": (made, truth),
    }
    rows = [[title, _agreement(*pair)] for title, pair in pairs.items()]
    words = (
        "What contributors are worth on paper, but for the noise of learning, is known here: minus the size of the "
        "bias that their rows teach. Mean Spearman within a draw; 95 % over resampled draws, contributors, seeds:\n\n"
    )
    return [words + table(["", "Spearman"], rows)]


def _agreement(values: list[np.ndarray], truth: list[np.ndarray]) -> str:
    """values: (C,) a draw. truth: (seeds, C) a draw."""
    pairs = zip(values, truth, strict=True)
    rho = float(np.mean([evaluate.correlation("spearman", one, other.mean(0)) for one, other in pairs]))
    samples = evaluate.bootstrap([one[None] for one in values], [one.T for one in truth], RESAMPLES, seed=0)
    return decimal(None) if np.isnan(rho) else with_span(rho, evaluate.interval(samples[:, 0]), decimal)
