"""Sentiment of film reviews: which contributor of real and synthetic texts is worth training on?

    python -m experiments.run --config=configs/sentiment.py:small --workdir=out/sentiment

tiny: sentences made in memory, seconds. small: IMDb's training half and Rotten Tomatoes (a 13 MB archive) and reviews
that a language model wrote, minutes on two cores. paper: all of IMDb through TFDS and FinGPT's sentiment set from the
Hugging Face hub (pip install datasets huggingface_hub), or a copy of it in the folder config.folders.synthetic, which
if empty is data_dir/fingpt-sentiment-train; not run by us.

Options: a scale (tiny, small, paper), draws=1, seed=1000, contributors=24, truth_seeds=3, size=500 to give all
contributors that size, truth=own_set|leave_one_out|none, or truth=added with beside=100, the real examples that each is
added to, salt=b to split the data anew, features=words|smollm2 (what Gaussian kernels and MMD see), and
model=encoder|frozen (frozen: a linear layer on SmolLM2's states, for fewer and smaller contributors).
"""

import ml_collections

from configs.common import along, contributors, one_of, shrink, tables, valuation, valuation_arg

sweep = tables

SHARES = (0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
# of contributors that are 500 real reviews with right labels and no repeats but for one thing
AXES: dict[str, tuple[str, tuple, dict]] = {
    "size": ("size", (50, 100, 200, 300, 400, 600, 800, 1000), {}),
    "share beside generated": ("real_share", SHARES, {"mechanism": "generated", "strength": 0.95}),
    "share beside another source": ("real_share", SHARES, {"mechanism": "rotten_tomatoes", "strength": 4}),
    "words kept": ("strength", (30, 100, 300, 1000, 3000), {"real_share": 0.0, "mechanism": "vocabulary"}),
    "wrong labels": ("label_noise", (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5), {}),
    "repeats": ("duplicates", (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), {}),
}


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    options = valuation_arg(arg, contributors=24, model="encoder", features="words", axes=False)
    config = valuation("sentiment", options)

    config.dataset = {"tiny": "templates", "small": "imdb_half", "paper": "imdb"}[options.scale]
    config.folders = {"synthetic": ""}  # FinGPT's sentiment set
    # 19,904 are left to train on; the tables of seeds 1000 and on have 500 for validation
    config.split = {"validation": 2000, "test": 3000, "salt": options.salt}
    sizes = {"tiny": (20, 60), "small": (50, 100, 200, 500, 1000, 2000), "paper": ()}
    config.validation_sizes = sizes[options.scale]
    config.tokens = {"vocabulary": 4000, "length": 256}  # words; twice as many gain .005 and double the price
    config.pool = 0  # real examples to draw from; 0: all of the train pool
    config.model = {"name": one_of("model", options.model, ("encoder", "frozen")), "widths": (64,)}  # first: of a word
    features = one_of("features", options.features, ("words", "smollm2"))
    config.features = {"name": features, "layer": "blocks.14", "tokens": 96}
    config.training = {"steps": 300, "batch": 64, "learning_rate": 3e-3}
    config.kept_words = (100, 300, 1000, 3000)  # strengths of "vocabulary"
    config.joined = (1, 4)  # texts of another data set that stand for one review: those of Rotten Tomatoes are short
    config.initialisations = 3

    mechanisms = ("generated", "generated", "rotten_tomatoes", "vocabulary")
    kept = (0, 0, 0, 0, 2, 1)  # classes of the synthetic part: 2 is two to one, 1 leaves one class
    config.contributors = contributors(options, size=(100, 1000), mechanism=mechanisms, kept=kept)
    if options.axes:
        config.contributors.explicit = along(options, AXES)
    config.contributors.repeat = options.scale != "paper"  # a source that is too small; else that is an error

    if options.model == "frozen":  # every text goes through the language model: about half an hour on two cores
        config.pool = 1500
        config.split.update({"validation": 300, "test": 700})
        config.contributors.axes.size = (options.size, options.size) if options.size else (50, 500)
    if options.scale == "tiny":
        config.split.update({"validation": 60, "test": 150})
        config.tokens = {"vocabulary": 100, "length": 24}
        config.model.widths, config.kept_words = (8,), (10, 20)
        config.training.steps = 30
        shrink(config, given=options.size, size=(20, 100), rank=8, dimensions=64)
    if options.scale == "paper":
        config.folders.synthetic = "huggingface:FinGPT/fingpt-sentiment-train"  # input, output
        config.split.update({"validation": 1000, "test": 0})  # IMDb has a test set of its own
        config.tokens, config.model.widths = {"vocabulary": 30_000, "length": 512}, (256,)
        config.training = {"steps": 5000, "batch": 128, "learning_rate": 1e-3}
        config.joined = (1,)
        config.contributors.axes.mechanism = ("fingpt", "fingpt", "vocabulary")
        config.contributors.axes.size = (options.size, options.size) if options.size else (500, 8000)
    return config


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
