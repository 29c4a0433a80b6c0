"""Lines of the valuation study, of values of one run against the truth of another (transfer), and of two truths."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind

DRAW = {"draw": "number of the draw of contributors, its seed"}
METHOD = {"method": "key in METHODS"}
TRUTH = {
    "truth": "own_set, leave_one_out or added",
    "beside": "how many real examples stand beside each contributor: those of added, else 0",
}
CORRELATIONS = {"spearman": "correlation with the truth", "pearson": "the same", "kendall": "the same"}
VALUATION = {
    "contributor": Kind(
        ("draw", "contributor"),
        DRAW
        | {
            "contributor": "its name",
            "spec": "what it is made of",
            "examples": "how many it has",
            "distinct": "of them different",
            "real": "of them real",
            "exact": "of them identical to a held-out one, by held-out set",
            "near": "of them near a held-out one, by held-out set",
            "near_rule": "what near means",
            "paper_worth": "what it is worth on paper, where that is known, in the unit of the utility",
            "thumbnails": "a few of its images, PNG in base64",
            "texts": "a few of its generated texts",
            "tail": "shares of its tokens beyond ranks",
        },
    ),
    "tail": Kind(
        (), {"ranks": "of tokens in the train pool", "shares": "of the validation set's tokens beyond each rank"}
    ),
    "terms": Kind(
        ("draw",),
        DRAW | {"terms": "the score's four terms and the disagreement, by name a list over contributors"} | SECONDS,
    ),
    "values": Kind(
        ("draw", "method"),
        DRAW
        | METHOD
        | {
            "values": "one a contributor, higher = more useful",
            "errors": "of values that may be sampled their standard errors, 0 where they are exact",
        }
        | SECONDS,
    ),
    "covariates": Kind(
        ("draw", "measure"),
        DRAW | {"measure": "key in MEASURES", "values": "one a contributor: they describe and do not judge"} | SECONDS,
    ),
    "validation values": Kind(
        ("draw", "method", "examples"),
        DRAW
        | METHOD
        | {"examples": "how many of the validation set; more of them hold the fewer", "values": "made with these alone"}
        | SECONDS,
    ),
    "truth": Kind(
        ("draw", "seed"),
        DRAW
        | {"seed": "of the trainings, from 0 on"}
        | TRUTH
        | {
            "metric": "what the utility is",
            "utility": "one a contributor, on the test set",
            "loss": "one a contributor, nats on the test set",
            "validation": "one a contributor, the utility on the validation set",
            "choices": "one a contributor: accuracy on questions with options, its interval, chance, count",
        }
        | SECONDS,
    ),
    "reference": Kind(
        ("draw", "trained_on"),
        DRAW
        | {
            "trained_on": "nothing, or the union of the contributors, once",
            "metric": "what the utility is",
            "utility": "of the model on the test set",
            "loss": "nats there",
            "validation": "the utility on the validation set",
            "choices": "accuracy on questions with options, its interval, chance, count",
            "nats": "before training: a response token of held-out real and of synthetic examples, by mechanism",
        }
        | SECONDS,
    ),
    "correlation": Kind(
        ("draw", "method"),
        DRAW
        | METHOD
        | CORRELATIONS
        | {
            "regret": "truth lost by taking the highest value",
            "accuracy_error": "mean distance of a predicted accuracy from the true one",
        },
        derived=True,
    ),
    "summary": Kind(
        ("method",),
        METHOD
        | CORRELATIONS
        | {
            "low_high": "95 % interval of spearman",
            "less_than_choice": "95 % interval of the choice's spearman minus this one's",
            "regret": "mean over draws",
            "accuracy_error": "mean over draws",
            "choice": "without a truth: the method that the others are compared with",
            "agrees": "without a truth: mean Spearman with the choice",
            "seconds": "median over draws",
        },
        derived=True,
    ),
    "validation summary": Kind(
        ("method", "examples"),
        METHOD
        | {
            "examples": "of the validation set",
            "spearman": "with the truth of the values made with these, mean over draws",
            "by_draw": "one a draw",
        },
        derived=True,
    ),
    "agreement": Kind(
        (),
        {"choice": "the config's method of choice", "metric": "what the utility is"}
        | TRUTH
        | {
            "seed_agreement": "mean Spearman of the truths of two seeds",
            "by_draw": "the same by draw",
            "ceiling": "Spearman that a perfect value can expect",
            "validation_agreement": "mean Spearman of models' metric on the validation set with other seeds' truth",
            "validation_by_draw": "the same by draw",
            "validation_ceiling": "Spearman that a perfect predictor of that metric can expect",
            "seconds": "of the truth, median over draws",
        },
        derived=True,
    ),
    "ablation": Kind(
        ("terms",),
        {"terms": "those used", "spearman": "mean over draws", "by_draw": "one a draw"},
        derived=True,
    ),
    "run": RUN,
}
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
        ("draw",),
        {"run": "config of the run whose contributors these are"}
        | DRAW
        | {
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
            "interval": "95 % of it, over resampled contributors",
            "own": "of them with the run's own truth",
            "truths": "of one truth with the other",
        },
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
