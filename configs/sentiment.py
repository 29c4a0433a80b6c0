"""Sentiment of film reviews: which contributor of real and synthetic texts is worth training on?

    python -m experiments.run --config=configs/sentiment.py:small --workdir=out/sentiment

tiny: sentences made in memory, seconds. small: IMDb's training half and Rotten Tomatoes (a 13 MB archive) and reviews
that a language model wrote, minutes on two cores. paper: all of IMDb through TFDS and a copy of FinGPT's sentiment set
from the Hugging Face hub in data_dir/fingpt-sentiment-train, or in the folder of config.folder; not run by us.

Options: a scale (tiny, small, paper), draws=1, seed=1000, contributors=24, truth_seeds=3, size=500 to give all
contributors that size, truth=own_set|leave_one_out, features=words|smollm2 (what Gaussian kernels and MMD see), and
model=encoder|frozen (frozen: a linear layer on SmolLM2's states, for fewer and smaller contributors).
"""

import ml_collections

from configs.common import one_of, parse_arg

METHODS = (
    "ntk_utility",
    "ntk_flow",
    "rbf_utility",
    "rbf_margin",
    "linear_utility",
    "knn_utility",
    "proxy_training",
    "score_literal",
    "score_scale_free",
    "score_kappa",
    "score_calibrated",
    "score_kernel_scaled",
    "davinz",
    "deviation",
    "tracin",
    "logra",
    "trak",
    "influence",
    "mmd_only",
    "loss_only",
    "size",
    "real_count",
    "real_share",
    "random",
)


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    tiny = (arg or "").startswith("tiny")
    options = parse_arg(
        arg,
        scales=("tiny", "small", "paper"),
        draws=1,
        seed=1000,
        contributors=6 if tiny else 24,
        size=0,
        truth_seeds=2 if tiny else 3,
        truth="own_set",
        model="encoder",
        features="words",
    )
    config = ml_collections.ConfigDict()
    config.name = "sentiment"
    config.experiment = "valuation"
    config.task = "sentiment"
    config.scale = options.scale
    config.seed = options.seed  # of the first draw; 0-9 are for development, tables use 1000 and on
    config.draws = options.draws

    config.dataset = {"tiny": "templates", "small": "imdb_half", "paper": "imdb"}[options.scale]
    config.examples = 600  # of a data set made in memory
    config.folder = ""  # of the copy of FinGPT's sentiment set
    config.split = {"validation": 1000, "test": 3000}  # 1,000 keep the kernels cheap; 20,904 are left to train on
    config.vocabulary = 4000  # words, counted on the train pool; twice as many: no better, twice the price
    config.length = 256  # words of a text; what is longer is cut
    config.pool = 0  # real examples to draw from; 0: all of the train pool
    config.model = one_of("model", options.model, ("encoder", "frozen"))
    config.widths = (64,)  # of the word vectors, and of layers between them and the output
    config.features = one_of("features", options.features, ("words", "smollm2"))
    config.layer, config.tokens = "blocks.14", 96  # the language model's states: behind which block, of so many tokens
    config.training = {"steps": 300, "batch": 64, "learning_rate": 3e-3}
    config.kept_words = (100, 300, 1000, 3000)  # strengths of "vocabulary"
    config.joined = (1, 4)  # texts of another data set that stand for one review: those of Rotten Tomatoes are short
    config.initialisations = 3
    config.checkpoints = 3  # of one training on the union, for the methods that look at those
    config.truth = one_of("truth", options.truth, ("own_set", "leave_one_out"))
    config.truth_seeds = options.truth_seeds

    config.zipf = 1.0  # exponent of the class frequencies of a truncated synthetic part
    config.contributors = {
        "count": options.contributors,
        "explicit": (),  # instead of a draw: ({"name": ..., "size": ..., other fields of mixture.Spec}, ...)
        "axes": {
            "size": (options.size, options.size) if options.size else (100, 2000),
            "real_share": (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0),
            "mechanism": ("generated", "generated", "rotten_tomatoes", "vocabulary"),
            "kept": (0, 0, 0, 0, 2, 1),  # classes of the synthetic part: 2 is two to one, 1 leaves one class
            "label_noise": (0.0, 0.0, 0.0, 0.1, 0.2, 0.4),
            "duplicates": (0.0, 0.0, 0.0, 0.3, 0.6),
        },
    }
    config.methods = METHODS
    how = {"own_set": "mean", "leave_one_out": "sum"}[options.truth]  # from examples to contributors
    config.options = {
        "ntk_utility": {"ridge": 0.01},
        "ntk_flow": {"time": 30.0},
        "rbf_utility": {"ridge": 0.01, "bandwidth": 0.5},
        "rbf_margin": {"ridge": 0.01, "bandwidth": 0.5, "smoothing": 0.2},
        "linear_utility": {"ridge": 0.01},
        "knn_utility": {"k": 5},
        "proxy_training": {"share": 0.1},
        "score_scale_free": {"output": "true_class", "joint": False, "ridge": 1e-3},
        "score_kappa": {"output": "true_class", "joint": False, "ridge": 1e-3},
        "score_calibrated": {"retrained": 6},
        "davinz": {"ridge": 1e-4},
        "deviation": {"ridge": 1e-2},
        "tracin": {"how": how},
        "logra": {"rank": 64, "damping": 0.1, "how": how},
        "trak": {"dimensions": 2048, "damping": 0.1, "how": how},
        "influence": {"damping": 0.1, "how": how},
    }
    config.choice = "rbf_margin"  # chosen on images; nothing is chosen on texts yet
    config.bootstrap = 2000

    if options.model == "frozen":  # every text goes through the language model: about half an hour on two cores
        config.pool, config.split = 1500, {"validation": 300, "test": 700}
        config.contributors.axes.size = (options.size, options.size) if options.size else (50, 500)
    if options.scale == "tiny":
        config.split = {"validation": 60, "test": 150}
        config.vocabulary, config.length, config.widths, config.kept_words = 100, 24, (8,), (10, 20)
        config.training.steps = 30
        if not options.size:
            config.contributors.axes.size = (20, 100)
        config.initialisations = config.checkpoints = 1
        config.options.logra.rank, config.options.trak.dimensions = 8, 64
        config.bootstrap = 200
    if options.scale == "paper":
        config.split = {"validation": 1000, "test": 0}  # IMDb has a test set of its own
        config.vocabulary, config.length, config.widths = 30_000, 512, (256,)
        config.training = {"steps": 5000, "batch": 128, "learning_rate": 1e-3}
        config.contributors.axes.mechanism = ("fingpt", "fingpt", "vocabulary")
        config.contributors.axes.size = (options.size, options.size) if options.size else (500, 8000)
    return config


def sweep(add) -> None:
    """Mixed sizes, then one size for all, then what is lost without each."""
    add("mixed", "small,draws=5")
    add("equal", "small,draws=5,size=500")
    add("leave-one-out", "small,draws=5,truth=leave_one_out")


def sweep_development(add) -> None:
    """What the choices inside the methods change, on development seeds."""
    base = "small,draws=4,seed=0"
    for bandwidth in (0.25, 1.0):
        both = {f"options.{name}.bandwidth": bandwidth for name in ("rbf_utility", "rbf_margin")}
        add(f"rbf-bandwidth-{bandwidth:g}", base, both)
    for ridge in (0.1, 1.0):
        names = ("ntk_utility", "rbf_utility", "rbf_margin", "linear_utility")
        add(f"ridge-{ridge:g}", base, {f"options.{name}.ridge": ridge for name in names})
    for size in (50, 200, 500):
        add(f"validation-{size}", base, {"split.validation": size})
