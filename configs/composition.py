"""Strings of digits: which contributor of real and synthetic strings is worth training on?

    python -m experiments.run --config=configs/composition.py:small --workdir=out/composition

One example is one character of a string of four, seen with the others. Synthetic strings have a bitmap font, the
characters of real ones in another order, or the digits of a generator. tiny: patterns made in memory, seconds. small:
strings of MNIST-5k's digits, minutes on two cores.

Options: a scale (tiny, small), draws=1, seed=1000, contributors=24, truth_seeds=3, size=500 to give all contributors
that size, and truth=own_set|leave_one_out|none, or truth=added with beside=100; salt=b splits the digits anew.
"""

import ml_collections

from configs.common import contributors, one_of, shrink, valuation, valuation_arg


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    options = valuation_arg(arg, contributors=24)
    one_of("scale", options.scale, ("tiny", "small"))
    config = valuation("composition", options)

    config.dataset = "templates" if options.scale == "tiny" else "mnist5k"
    config.split = {"validation": 500, "test": 1000, "salt": options.salt}  # digits
    config.strings = {"train": 1000, "validation": 250, "test": 500}  # four examples each
    config.validation_sizes = (50, 100, 200, 500)
    config.model = {"name": "mlp", "widths": (128, 128)}
    config.training = {"steps": 600, "batch": 64, "learning_rate": 1e-3}
    config.generator = {"width": 256, "latent": 4, "steps": 1500, "batch": 64, "learning_rate": 1e-3, "seed": 0}
    config.initialisations = 3

    mechanisms = ("truncation", "template", "permuted", "generated")
    config.contributors = contributors(options, size=(100, 1000), mechanism=mechanisms, kept=(0, 0, 3, 5, 7))

    if options.scale == "tiny":
        config.examples = 400
        config.split.update({"validation": 60, "test": 100})
        config.strings = {"train": 60, "validation": 15, "test": 25}
        config.validation_sizes = (20, 60)
        config.model.widths = (16,)
        config.training.steps, config.generator.steps, config.generator.width = 30, 30, 16
        shrink(config, given=options.size, size=(20, 100), rank=8, dimensions=64)
    return config
