"""Lines of the study of relabelling."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind

WHERE = {"draw": "number of the draw", "real": "number of real examples", "source": "which one; empty: real ones alone"}
RELABELLING = {
    "relabelled": Kind(
        ("draw", "real", "source"),
        WHERE
        | {
            "changed": "share of its labels that the ensemble changes",
            "values": "of the real examples, of them with the source as it is, and with it relabelled",
        }
        | SECONDS,
    ),
    "reached": Kind(
        ("draw", "real", "source", "labels", "seed"),
        WHERE
        | {"labels": "as it is, or relabelled", "seed": "of the training", "utility": "test metric that is reached"}
        | SECONDS,
    ),
    "repaired": Kind(
        ("real", "source"),
        {"real": WHERE["real"], "source": "which one"}
        | {
            "before": "what it adds to the real examples, mean of trainings",
            "after": "the same of it relabelled",
            "gain": "the difference",
            "interval": "of that, 95 % over draws and seeds",
            "predicted": "change of the value, mean over draws",
        },
        derived=True,
    ),
    "repair": Kind(
        (),
        {
            "sources": "pairs of a source and a number of real examples",
            "clear": "those whose gain is clear of 0",
            "signs_right": "those of them in which the change of the value has the same sign",
        },
        derived=True,
    ),
    "run": RUN,
}
