"""Lines of the valuation study."""

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
            "choices": "one a contributor: accuracy on questions with options, its interval, chance, count; null for "
            "models that were not asked",
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
    "explained": Kind(
        ("measure",),
        {
            "measure": "what was measured of every contributor",
            "alone": "its Spearman with the truth, mean over draws",
            "alone_interval": "95 %",
            "beside": "the same of what the method of choice leaves of both",
            "beside_interval": "95 %",
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
