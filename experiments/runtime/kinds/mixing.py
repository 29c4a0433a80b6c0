"""Lines of the study of mixtures: what was trained, what was predicted, and how the two compare."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind

DRAW = {"task": "images or sentiment", "draw": "seed of the draw of data"}
CURVE = {**DRAW, "source": "kind of synthetic data; real: none", "real": "how many real examples"}
UTILITIES = {"own": "predicted utility in the surrogate's unit", "metric": "predicted metric"}
MIXING = {
    "trained": Kind(
        (*CURVE, "added", "seed"),
        CURVE
        | {
            "added": "how many synthetic ones beside them",
            "seed": "of the training, from 0 on",
            "utility": "the metric on the test set",
            "loss": "nats there",
        }
        | SECONDS,
    ),
    "real curve": Kind(tuple(DRAW), DRAW | {"counts": "of real examples"} | UTILITIES | SECONDS),
    "predicted": Kind(
        tuple(CURVE),
        CURVE
        | {"amounts": "of synthetic examples"}
        | UTILITIES
        | {
            "best": "amount of the highest predicted utility",
            "chosen": "amounts that the first half of validation chooses, and the second",
            "bound_weight": "of real examples, with the smallest bound",
        }
        | SECONDS,
    ),
    "rule": Kind(
        (*CURVE, "rule"),
        CURVE
        | {
            "rule": "which amount is taken",
            "amount": "that it takes",
            "regret": "utility lost by it, the best amount taken on other seeds",
        },
        derived=True,
    ),
    "equivalent": Kind(
        (*CURVE, "added", "unit"),
        CURVE
        | {
            "added": "how many synthetic ones beside them",
            "unit": "of the predicted utilities: own or metric",
            "trained": "number of real examples that reach as much, by trained curves",
            "trained_censored": "above or below, where that is only an end of the curve",
            "predicted": "the same by predicted curves",
            "predicted_censored": "the same of these",
        },
        derived=True,
    ),
    "forecast": Kind(
        (*DRAW, "real", "method"),
        DRAW
        | {
            "real": "how many real examples it is made from",
            "method": "how it is made",
            "forecast": "utility of four times as many",
            "trained": "what these reached",
        },
        derived=True,
    ),
    "summary": Kind(
        ("task", "measure", "name"),
        {
            "task": "or all",
            "measure": "regret, equivalent, censored or forecast",
            "name": "of the rule, unit or method",
            "count": "of curves, mixtures or forecasts",
            "mean": "regret; share within a factor of 1.25; share censored; absolute error",
            "mean_interval": "95 % over resampled draws",
            "above": "that of the first of its measure, paired",
            "above_interval": "95 % over resampled draws",
        },
        derived=True,
    ),
    "run": RUN,
}
