"""Lines of the study of interactions."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind

DRAW = {"draw": "number of the draw", "real": "number R of real strings"}
UNION = {
    "beside": "whether they are in the union",
    "first": "source in it; empty: none",
    "second": "source in it; the same again: as many other examples of it",
}
SURROGATE = {"surrogate": "its method's name"}
MEASURE = {
    "measure": "interaction, beside the real strings; contrast, of mixtures at equal size without them",
    "real": DRAW["real"],
}
PAIR = {"first": "source", "second": "source"}
INTERACTION = {
    "union predicted": Kind(
        (*DRAW, *SURROGATE, *UNION),
        DRAW
        | SURROGATE
        | UNION
        | {"own": "predicted utility in the surrogate's unit", "metric": "predicted metric"}
        | SECONDS,
    ),
    "union trained": Kind(
        (*DRAW, *UNION, "seed"),
        DRAW
        | UNION
        | {
            "seed": "of the training, from 0 on",
            "utility": "test metric that is reached, of characters",
            "strings": "share of test strings of which every character is right",
        }
        | SECONDS,
    ),
    "pair": Kind(
        ("measure", "real", "first", "second"),
        MEASURE
        | PAIR
        | {
            "value": "interaction or contrast of trained metrics, mean over draws",
            "interval": "of that, 95 % over draws",
            "strings": "the same of strings",
        },
        derived=True,
    ),
    "pair predicted": Kind(
        ("measure", "real", "first", "second", *SURROGATE),
        MEASURE
        | PAIR
        | SURROGATE
        | {
            "metric": "interaction or contrast of predicted metrics, mean over draws",
            "own": "of predicted utilities in the surrogate's unit",
        },
        derived=True,
    ),
    "pairs": Kind(
        ("measure", "real"),
        MEASURE
        | {
            "mean": "over all pairs of what training gives",
            "interval": "of that, 95 % over draws",
            "above": "pairs whose interval lies above 0",
            "below": "pairs whose interval lies below 0",
        },
        derived=True,
    ),
    "signs": Kind(
        ("measure", *SURROGATE, "unit"),
        {"measure": MEASURE["measure"]}
        | SURROGATE
        | {
            "unit": "of the surrogate: own or metric",
            "clear": "pairs and numbers of real strings whose trained interval is clear of 0",
            "right": "of them with the surrogate's sign that of training",
            "constant": "of them with the sign that most of them have: the best constant guess",
            "spearman": "correlation of what the surrogate and training give for all pairs and numbers of real strings",
        },
        derived=True,
    ),
    "run": RUN,
}
