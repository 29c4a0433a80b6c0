"""Lines of studies of finished valuation runs: transfer, two truths, axes, stability, the score's ablation, LoRA."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind
from experiments.runtime.kinds.valuation import DRAW, METHOD

TRANSFER = {
    "transfer": Kind(
        ("values", "truth", "draw", "method"),
        {"values": "config of the run whose values are taken", "truth": "config of the run whose truth is taken"}
        | DRAW
        | METHOD
        | {
            "spearman": "with the other run's truth",
            "own": "with the truth of the run that made the values",
            "truths": "of one truth with the other",
        },
        derived=True,
    ),
    "run": RUN,
}
AXES = {
    "axis": Kind(
        ("draw", "axis", "method"),
        {"run": "config of the run", "axis": "in what its contributors differ, in nothing else"}
        | DRAW
        | METHOD
        | {
            "spearman": "with the truth, among the contributors of that axis",
            "contributors": "how many there are",
            "seed_agreement": "Spearman of the truths of two seeds among them",
            "spread": "of the truth among them, largest minus smallest",
        },
        derived=True,
    ),
    "axis summary": Kind(
        ("axis", "method"),
        {
            "axis": "in what contributors differ",
            "spearman": "mean over draws",
            "interval": "95 % of it, over resampled draws, contributors and seeds",
            "by_draw": "one a draw",
        }
        | METHOD,
        derived=True,
    ),
    "run": RUN,
}
SHARE = {"share": "of the examples of every contributor", "start": "number of initialisation and key; 0: the run's"}
STABILITY = {
    "stability": Kind(
        ("draw", "method", "share", "start"),
        DRAW
        | METHOD
        | SHARE
        | {
            "values": "one a contributor; none if the method cannot be asked",
            "refused": "why it cannot be asked, or none",
            "itself": "Spearman with the run's values by this method",
            "truth": "Spearman with the run's truth",
            "seconds": "wall time of the values without compiling, where they take less than ten seconds; else with it",
            "first_seconds": "of the first time, compiling included",
        },
    ),
    "memory": Kind(
        ("method", "share"),
        METHOD
        | {
            "share": SHARE["share"],
            "megabytes_before": "resident memory before the values are made, MB",
            "peak_megabytes": "largest resident memory of the process while they are made, MB",
            "refused": "why the method cannot be asked, or none",
        },
    ),
    "stability summary": Kind(
        ("method", "share", "start"),
        METHOD
        | SHARE
        | {
            "itself": "mean over draws",
            "truth": "mean over draws",
            "interval": "95 % of truth, over resampled draws, contributors and seeds",
            "seconds": "median over draws",
            "first_seconds": "median over draws",
        },
        derived=True,
    ),
    "equal seconds": Kind(
        ("times", "method"),
        METHOD
        | {
            "times": "budget in seconds of the method of choice on all examples",
            "budget": "the same in seconds",
            "share": "largest one of the examples with which the method stays within the budget",
            "seconds": "median over draws on that share",
            "truth": "Spearman with the truth on it, mean over draws",
            "interval": "95 % of it",
        },
        derived=True,
    ),
    "run": RUN,
}
SCORE = {
    "output": "whose gradient makes the kernel: the example's own target, or the sum of the outputs",
    "scaled": "whether the kernel term is freed of the kernel's scale",
    "joint": "whether the discrepancy is that of inputs and labels together",
    "features": "in which the discrepancy is measured",
}
SCORE_ABLATION = {
    "score terms": Kind(("draw", *SCORE), DRAW | SCORE | {"terms": "the five costs by name, one a contributor"}),
    "score order": Kind(
        (*SCORE, "subset", "weighting"),
        SCORE
        | {
            "subset": "of the terms, whose weighted sum orders",
            "weighting": "scale-free, plain sum or calibrated",
            "spearman": "with the truth, mean over draws; 0 where all values are equal",
            "by_draw": "the same, one a draw",
        },
        derived=True,
    ),
    "run": RUN,
}
EVERYWHERE = {
    "everywhere": Kind(
        ("draw", "seed"),
        {"run": "config of the run whose contributors these are"}
        | DRAW
        | {
            "seed": "of the trainings, from 0 on",
            "contributors": "names of those that were trained on, the first of the draw",
            "steps": "of each training",
            "metric": "what the utility is",
            "utility": "one a contributor, on the test set, with LoRA in all blocks",
            "loss": "one a contributor, nats there",
            "validation": "one a contributor, the utility on the validation set",
        }
        | SECONDS,
    ),
    "everywhere agreement": Kind(
        ("draw", "method"),
        DRAW
        | METHOD
        | {
            "spearman": "of the run's values of these contributors with the truth by LoRA in all blocks",
            "interval": "95 % of it, over resampled contributors and seeds",
            "own": "of them with the run's own truth",
            "truths": "of one truth with the other",
            "seeds": "mean of it between two seeds of the truth by LoRA in all blocks; null for one seed",
        },
        derived=True,
    ),
    "run": RUN,
}
TWO_TRUTHS = {
    "two truths": Kind(
        ("draw", "method"),
        {
            "first_run": "config of the first run",
            "first_truth": "what its truth is, in words",
            "second_run": "config of the second run",
            "second_truth": "what its truth is, in words",
        }
        | DRAW
        | METHOD
        | {
            "first": "Spearman of the first run's values with its truth",
            "second": "the same of the second run",
            "crossed": "of the first run's values with the second run's truth",
            "truths": "of one truth with the other",
            "one_truth": "what that could expect if both were one truth",
        },
        derived=True,
    ),
    "run": RUN,
}
