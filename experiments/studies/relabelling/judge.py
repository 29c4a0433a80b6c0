"""What relabelling gains, by values and by trainings. Lines in, derived lines out."""

import numpy as np

from experiments.runtime.results import select


def derived(config, lines: list[dict]) -> list[dict]:
    """A line for every number of real examples and source, and one of all: how often the sign of the value's change is
    that of training, among those whose trained change is clear of 0.
    """
    rng, pairs = np.random.default_rng(config.seed), []
    for real in config.real_counts:
        for source in config.sources:
            pairs.append(gain(lines, real, source, config.bootstrap, rng))
    clear = [pair for pair in pairs if pair["interval"][0] > 0 or pair["interval"][1] < 0]
    right = [pair for pair in clear if np.sign(pair["predicted"]) == np.sign(pair["gain"])]
    known = {"kind": "repair", "clear": len(clear), "signs_right": len(right), "sources": len(pairs)}
    return [*pairs, known]


def gain(lines: list[dict], real: int, source: str, count: int, rng: np.random.Generator) -> dict:
    """The change of test metric by relabelling, mean over draws and seeds with a 95 % bootstrap interval over both, and
    the mean change of the value.
    """
    reached = {labels: _table(lines, real, source, labels) for labels in ("as it is", "relabelled")}
    change = reached["relabelled"] - reached["as it is"]
    draws, seeds = change.shape
    rows, columns = rng.integers(0, draws, (count, draws)), rng.integers(0, seeds, (count, draws, seeds))
    means = np.take_along_axis(change[rows], columns, 2).mean((1, 2))
    low, high = np.quantile(means, [0.025, 0.975])
    values = np.array([x["values"] for x in select(lines, kind="relabelled", real=real, source=source)])
    alone = _table(lines, real, "", "as it is")
    return {
        "kind": "repaired",
        "real": real,
        "source": source,
        "before": float((reached["as it is"] - alone).mean()),
        "after": float((reached["relabelled"] - alone).mean()),
        "gain": float(change.mean()),
        "interval": [float(low), float(high)],
        "predicted": float((values[:, 2] - values[:, 1]).mean()),
    }


def _table(lines: list[dict], real: int, source: str, labels: str) -> np.ndarray:
    """(draws, seeds) of the test metric."""
    chosen = select(lines, kind="reached", real=real, source=source, labels=labels)
    draws = sorted({line["draw"] for line in chosen})
    return np.array([[x["utility"] for x in select(chosen, draw=draw)] for draw in draws])
