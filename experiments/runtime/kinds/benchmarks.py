"""Lines of the benchmarks."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind

MEMORY = {"megabytes_before": "memory before it, MB", "peak_megabytes": "largest memory of its process, MB"}
SPEED = {"cpu_seconds": "of all cores", "peak_flops": "FLOP/s of a matrix product", "share_of_peak": "of that speed"}
ATTRIBUTION = {
    "benchmark": Kind(
        ("method", "workload"),
        {
            "method": "what is computed",
            "workload": "on what",
            "cold_seconds": "first call",
            "warm_seconds": "fastest of the others",
            "flops": "counted from shapes",
            "result_bytes": "of the scores",
            "load": "of the machine, processes",
            "correlation": "with another library's scores",
        }
        | MEMORY
        | SPEED,
    ),
    "run": RUN,
}
LANGUAGE_MODEL = {
    "benchmark_language": Kind(
        ("case",),
        {
            "case": "what is measured",
            "rows": "sequences that are written or whose gradients are taken",
            "perplexity": "of the opening of a novel",
            "information_capacity": "of the model on that opening",
            "tokens": "processed",
            "passes": "through all weights, forward ones",
            "tokens_per_second": "speed",
            "loading_seconds": "of the weights",
            "weights_megabytes": "in memory",
            "device_megabytes": "most memory of the accelerator",
        }
        | MEMORY
        | SPEED
        | SECONDS,
    ),
    "run": RUN,
}
GROWN = {"method": "what is computed", "axis": "what grows"}
COST = {
    "cost": Kind((*GROWN, "size"), GROWN | {"size": "how much there is of it"} | SECONDS),
    "cost_fit": Kind(tuple(GROWN), GROWN | {"exponent": "of seconds in size"}, derived=True),
    "run": RUN,
}
DISCREPANCY = {
    "discrepancy": Kind(
        ("estimator",),
        {
            "estimator": "of the MMD",
            "megabytes": "memory above the samples, MB",
            "squared": "estimated MMD^2",
            "standard_error": "of it, where there is one",
            "exact": "true MMD^2",
        }
        | SECONDS,
    ),
    "run": RUN,
}
AGREEMENT = {"case": "which values: images, or wrong_labels", "points": "inducing points"}
SCALE = {
    "scale": Kind(
        ("method", "examples"),
        {
            "method": "key in METHODS",
            "examples": "of the contributor",
            "value": "of it",
            "cpu_seconds": SPEED["cpu_seconds"],
            "mapped_megabytes": "of the file that is read, MB",
            "estimated_megabytes": "that the method says it needs, MB",
            "flops": "counted from sizes",
        }
        | MEMORY
        | SECONDS,
    ),
    "scale_fit": Kind(
        ("method",),
        {
            "method": "key in METHODS",
            "exponent": "of seconds in examples, from 10,000 on",
            "cpu_exponent": "of CPU seconds",
        },
        derived=True,
    ),
    "scale_agreement": Kind(
        tuple(AGREEMENT),
        AGREEMENT
        | {
            "examples": "of the largest contributor",
            "spearman": "with exact values",
            "largest_difference": "from an exact value",
            "spread": "standard deviation of the exact values",
            "values": "by inducing points, one a contributor or share of wrong labels",
            "exact": "the same by dense solves",
            "exact_seconds": "of these",
        }
        | SECONDS,
    ),
    "run": RUN,
}
OWN_SOURCES = {
    "own source": Kind(
        ("source",),
        {
            "source": "its name",
            "value": "as answer.json has it",
            "value_interval": "of it, 95 %",
            "gain": "predicted",
            "interval": "of the gain, 95 %",
            "verdict": "helps, harms or open",
            "run_seconds": "that the values and all other answers took",
        },
    ),
    "own truth": Kind(
        ("source", "seed"),
        {
            "source": "that stands beside the real examples in training; empty: none",
            "seed": "of the training, from 0 on",
            "metric": "of the trained model on the test file",
            "deviation": "standard error of its difference from the model of real examples alone, over test examples",
        },
    ),
    "own summary": Kind(
        (),
        {
            "truth": "by source, mean trained gain",
            "standard_errors": "of these, over seeds and test examples",
            "clear": "sources whose trained gain is clear of 0",
            "signs_right": "those of them whose value has its sign",
            "order": "of the sources by value, the best first",
            "seconds_of_values": "that all answers took",
        },
        derived=True,
    ),
    "run": RUN,
}
STRENGTH = {"rho": "correlation of the treatment's noise with the outcome's, by a hidden cause"}
KNOWN_EFFECTS = {
    "known effect": Kind(
        ("rho", "seed"),
        STRENGTH
        | {
            "seed": "of the rows",
            "effect": "of the treatment that was chosen",
            "paper": "bias by the hidden cause on paper, of these rows",
            "effects": "mean over the rows, by learner",
            "errors": "of these, by learner",
        },
    ),
    "known effect summary": Kind(
        ("rho", "learner"),
        STRENGTH
        | {
            "learner": "of the effect: T, S, DR or RA",
            "draws": "seeds",
            "held": "share of its 95 % intervals that hold the effect",
            "held_moved": "share that hold the effect and the bias on paper",
            "bias": "mean over draws of what it finds above the effect",
            "standard_error": "of it, over draws",
            "paper": "bias on paper, mean over draws",
        },
        derived=True,
    ),
    "run": RUN,
}
CONDENSED_IMAGES = {"condensing_seconds": "that the images took, the first ones with compilation"}
CONDENSED = {
    "condensed accuracy": Kind(
        ("each", "images", "salt", "seed"),
        {
            "each": "images a class",
            "images": "random, chosen (real ones nearest the centres of k-means) or condensed",
            "salt": "of the split",
            "seed": "of the images and trainings",
            "learning_rate": "of the trainings",
            "validation": "accuracy on the validation set, one a training",
            "test": "accuracy on the test set, one a training",
        }
        | CONDENSED_IMAGES,
    ),
    "condensed support": Kind(
        ("weight", "salt", "seed"),
        {
            "weight": "of the CMI in the condensation",
            "salt": "of the split",
            "seed": "of the images and networks",
            "concentration": "CMI of the images in the network that it was lowered in, nats",
            "precision": "of support, of pixels",
            "recall": "of support, of pixels",
            "feature_precision": "of support, of another network's features",
            "feature_recall": "of support, of another network's features",
            "test": "accuracy on the test set after a training on the images, one a training",
        }
        | CONDENSED_IMAGES,
    ),
    "condensed gain": Kind(
        ("each", "over"),
        {
            "each": "images a class",
            "over": "random or chosen",
            "real": "test accuracy with such real images, mean over splits and seeds",
            "condensed": "the same with condensed ones",
            "gain": "the difference",
            "standard_error": "of it, over splits and seeds alike",
            "of_splits": "the gain of each split",
        },
        derived=True,
    ),
    "condensed dial": Kind(
        (),
        {
            "spearman_recall": "correlation of the weight of the CMI and the recall of support of pixels",
            "spearman_feature_recall": "the same of features",
        },
        derived=True,
    ),
    "run": RUN,
}
