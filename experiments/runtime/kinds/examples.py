"""Lines of the study of single examples."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind

METHOD = {"method": "which attribution"}
EXAMPLES = {
    "half": Kind(
        ("half", "seed"),
        {"half": "number of the random half", "seed": "of its training", "margins": "log p/(1-p) of each test example"}
        | SECONDS,
    ),
    "attribution": Kind(
        ("method",),
        METHOD
        | {"lds": "linear datamodelling score, mean over test examples", "interval": "95 %, over test examples"}
        | SECONDS,
    ),
    "wrong labels": Kind(
        ("method",), METHOD | {"auc": "area under the ROC curve of finding labels that were made wrong"}
    ),
    "part": Kind(
        ("method", "way", "share"),
        METHOD
        | {
            "way": "without the best, without the worst, or only the best",
            "share": "of the examples that are left out, or kept alone",
            "accuracy": "on the test set, one a seed",
        }
        | SECONDS,
    ),
    "run": RUN,
}
