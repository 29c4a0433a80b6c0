"""Image classification: which contributor of real and synthetic digits is worth training on?

    python -m experiments.run --config=configs/images.py:small --workdir=out/images

Options: a scale (tiny, small), draws=1, seed=1000, contributors=24, truth_seeds=3, model=mlp|convnet, and size=500 to
give all contributors that size.
"""

import ml_collections

from configs.common import one_of, parse_arg

METHODS = (
    "ntk_utility",
    "ntk_flow",
    "rbf_utility",
    "linear_utility",
    "knn_utility",
    "proxy_training",
    "score_literal",
    "score_scale_free",
    "score_kappa",
    "score_calibrated",
    "score_kernel_scaled",
    "davinz",
    "mmd_only",
    "loss_only",
    "size",
    "real_count",
    "real_share",
    "random",
)
CORRUPTIONS = ("noise", "blur", "contrast", "pixelate", "jpeg")


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    options = parse_arg(
        arg, scales=("tiny", "small"), draws=1, seed=1000, contributors=24, size=0, model="mlp", truth_seeds=3
    )
    one_of("model", options.model, ("mlp", "convnet"))
    config = ml_collections.ConfigDict()
    config.name = "images"
    config.experiment = "valuation"
    config.task = "images"
    config.scale = options.scale
    config.seed = options.seed  # of the first draw; 0-9 are for development, tables use 1000 and on
    config.draws = options.draws

    config.dataset = "mnist5k"
    config.examples = 5000  # of a data set made in memory
    config.split = {"validation": 500, "test": 1000}
    config.model = {"name": options.model, "widths": (128, 128), "channels": (16, 32)}
    config.training = {"steps": 600, "batch": 64, "learning_rate": 1e-3}
    config.generator = {"width": 256, "latent": 4, "steps": 3000, "batch": 64, "learning_rate": 1e-3, "seed": 0}
    config.initialisations = 3
    config.truth_seeds = options.truth_seeds

    config.zipf = 1.0  # exponent of the class frequencies of a truncated synthetic part
    config.contributors = {
        "count": options.contributors,
        "explicit": (),  # instead of a draw: ({"name": ..., "size": ..., other fields of mixture.Spec}, ...)
        "axes": {
            "size": (options.size, options.size) if options.size else (100, 1000),
            "real_share": (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0),
            "mechanism": ("truncation", *CORRUPTIONS, "generated", "generated"),
            "kept": (0, 0, 3, 5, 7),
            "label_noise": (0.0, 0.0, 0.0, 0.1, 0.2, 0.4),
            "duplicates": (0.0, 0.0, 0.0, 0.3, 0.6),
        },
    }
    config.methods = METHODS
    config.options = {
        "ntk_utility": {"ridge": 0.01},
        "ntk_flow": {"time": 30.0},
        "rbf_utility": {"ridge": 0.01, "bandwidth": 0.5},
        "linear_utility": {"ridge": 0.01},
        "knn_utility": {"k": 5},
        "proxy_training": {"share": 0.1},
        "score_calibrated": {"retrained": 6},
        "davinz": {"ridge": 1e-4},
    }
    config.choice = (
        "rbf_utility"  # the surrogate chosen on development seeds 0-9, before the seeds of the tables were run
    )
    config.bootstrap = 2000

    if options.scale == "tiny":
        config.dataset, config.examples = "templates", 400
        config.split = {"validation": 60, "test": 100}
        config.training.steps, config.generator.steps = 30, 30
        config.contributors.count = min(options.contributors, 6)
        config.contributors.axes.size = (20, 100)
        config.initialisations, config.truth_seeds = 1, 2
        config.bootstrap = 200
    return config


def sweep(add) -> None:
    """The tables of README.md: mixed sizes, then one size for all."""
    add("mixed", "small,draws=5")
    add("equal", "small,draws=5,size=500")


def sweep_ablation(add) -> None:
    """What the choices inside the methods change."""
    for ridge in (1e-4, 1e-2):
        add(f"davinz-ridge-{ridge:g}", "small,draws=5", {"options.davinz.ridge": ridge})
