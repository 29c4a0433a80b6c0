"""What a finished run's lines say together: correlations, their means with intervals, the ablation of the score."""

import itertools

import numpy as np

from experiments.runtime import results
from experiments.studies.valuation import beside, evaluate, validation_sizes
from experiments.studies.valuation.explained import explained
from experiments.studies.valuation.ground_truth import ADDED, OWN_SET
from valuation.methods import METHODS
from valuation.methods.score_weights import scale_free


def judged(config, lines: list[dict]) -> list[dict]:
    """Correlations by draw and method, and their means with bootstrap intervals."""
    draws = range(config.seed, config.seed + config.draws)
    truth = [np.array([t["utility"] for t in results.select(lines, kind="truth", draw=d)]).T for d in draws]
    value_lines = {(x["draw"], x["method"]): x for x in results.select(lines, kind="values")}
    values = [np.array([value_lines[d, name]["values"] for name in config.methods]) for d in draws]
    agreement = [evaluate.seed_agreement(t) for t in truth]
    ceiling = float(np.mean([evaluate.ceiling(r, config.truth_seeds) for r in agreement]))
    metric = results.select(lines, kind="truth")[0]["metric"]
    predicts = metric == "accuracy" and config.truth in (OWN_SET, ADDED)
    accuracies = {name for name in config.methods if "classification" in METHODS[name].predicts}
    out = [
        {
            "kind": "correlation",
            "draw": d,
            "method": name,
            **{k: _number(evaluate.correlation(k, v[i], t.mean(1))) for k in evaluate.CORRELATIONS},
            "regret": evaluate.regret(v[i], t.mean(1)),
            "accuracy_error": float(np.abs(v[i] - t.mean(1)).mean()) if predicts and name in accuracies else None,
        }
        for d, t, v in zip(draws, truth, values, strict=True)
        for i, name in enumerate(config.methods)
    ]
    samples = evaluate.bootstrap(values, truth, config.bootstrap, config.seed)
    reference = config.methods.index(config.choice)
    for i, name in enumerate(config.methods):
        scored = results.select(out, kind="correlation", method=name)
        means = {k: _number(np.mean([np.nan if x[k] is None else x[k] for x in scored])) for k in evaluate.CORRELATIONS}
        errors = [x["accuracy_error"] for x in scored if x["accuracy_error"] is not None]
        out.append(
            {
                "kind": "summary",
                "method": name,
                **means,
                "low_high": evaluate.interval(samples[:, i]),
                "less_than_choice": evaluate.interval(samples[:, reference] - samples[:, i]),
                "regret": float(np.mean([x["regret"] for x in scored])),
                "accuracy_error": float(np.mean(errors)) if errors else None,
                "seconds": float(np.median([value_lines[d, name]["seconds"] for d in draws])),
            }
        )
    out.append(
        {
            "kind": "agreement",
            "choice": config.choice,
            "metric": metric,
            "truth": config.truth,
            "beside": beside.count(config),
            "seed_agreement": _number(np.mean(agreement)),
            "by_draw": [_number(r) for r in agreement],
            "ceiling": _number(ceiling),
            **foreseen(config, lines, truth, ceiling),
            "seconds": float(
                np.median([np.sum([t["seconds"] for t in results.select(lines, kind="truth", draw=d)]) for d in draws])
            ),
        }
    )
    measured = explained(lines, config.choice, resamples=config.bootstrap, seed=config.seed)
    return [*out, *by_validation_size(config, lines, truth), *measured, *ablation(config, lines, truth)]


def foreseen(config, lines: list[dict], truth: list[np.ndarray], most: float) -> dict:
    """What the trained models' own metric on the validation set says of the test truth of other seeds.

    Fields of the line of agreement: evaluate.validation_agreement by draw and its mean, and evaluate.validation_ceiling
    of means over draws. truth: (C, S) of every draw. most: what a perfect value can expect.
    """
    draws = range(config.seed, config.seed + config.draws)
    validation = [np.array([t["validation"] for t in results.select(lines, kind="truth", draw=d)]).T for d in draws]
    by_draw = [evaluate.validation_agreement(*pair) for pair in zip(validation, truth, strict=True)]
    measured = float(np.mean(by_draw))
    of_validation, of_truth = (
        float(np.mean([evaluate.seed_agreement(x) for x in sides])) for sides in (validation, truth)
    )
    ceiling = evaluate.validation_ceiling(measured, of_truth, of_validation, config.truth_seeds, most)
    return {
        "validation_agreement": _number(measured),
        "validation_by_draw": [_number(rho) for rho in by_draw],
        "validation_ceiling": _number(ceiling),
    }


def by_validation_size(config, lines: list[dict], truth: list[np.ndarray]) -> list[dict]:
    """A line a method and size of the validation set: Spearman of the values made with it, by draw and their mean.

    Of those that all draws have: a run that went on with other methods holds some of a few draws.
    """
    by_size: dict[tuple[str, int], list[float]] = {}
    for draw, one in enumerate(truth, start=config.seed):
        for line in results.select(lines, kind=validation_sizes.KIND, draw=draw):
            rho = evaluate.correlation("spearman", np.array(line["values"]), one.mean(1))
            by_size.setdefault((line["method"], line["examples"]), []).append(rho)
    return [
        {
            "kind": "validation summary",
            "method": method,
            "examples": examples,
            "spearman": _number(np.mean(correlations)),
            "by_draw": [_number(x) for x in correlations],
        }
        for (method, examples), correlations in by_size.items()
        if len(correlations) == len(truth)
    ]


def ablation(config, lines: list[dict], truth: list[np.ndarray]) -> list[dict]:
    """The scale-free sum of every subset of the recorded terms (five: 31): mean within-draw Spearman."""
    draws = range(config.seed, config.seed + config.draws)
    every = [line["terms"] for d in draws for line in results.select(lines, kind="terms", draw=d)]
    if len(every) < len(draws):  # no method of the score was asked for
        return []
    subsets = [names for k in range(len(every[0])) for names in itertools.combinations(every[0], k + 1)]
    out = []
    for names in subsets:
        correlations = [
            evaluate.correlation("spearman", scale_free(*(np.array(costs[name]) for name in names)), y.mean(1))
            for costs, y in zip(every, truth, strict=True)
        ]
        out.append(
            {
                "kind": "ablation",
                "terms": list(names),
                "spearman": _number(np.mean(correlations)),
                "by_draw": [_number(x) for x in correlations],
            }
        )
    return out


def _number(value: float | np.floating) -> float | None:
    return None if np.isnan(value) else float(value)


def alone(config, lines: list[dict]) -> list[dict]:
    """Without a truth, one line a method: mean over draws of its correlation with the chosen one, median seconds."""
    draws = range(config.seed, config.seed + config.draws)
    value_lines = {(x["draw"], x["method"]): x for x in results.select(lines, kind="values")}
    out = []
    for name in config.methods:
        pairs = [[np.array(value_lines[d, one]["values"]) for one in (name, config.choice)] for d in draws]
        agrees = _number(np.mean([evaluate.correlation("spearman", *pair) for pair in pairs]))
        seconds = float(np.median([value_lines[d, name]["seconds"] for d in draws]))
        out.append({"kind": "summary", "method": name, "choice": config.choice, "agrees": agrees, "seconds": seconds})
    return out
