"""Tables: which contributor of real and synthetic rows is worth training on?

    python -m experiments.run --config=configs/tables.py:small --workdir=out/tables

tiny: rows made in memory, seconds. small: a real table that a package ships (archives of 3 and 9 MB), a minute on two
cores. The target is a class (task tables) or a number (task regression).

Options: a scale (tiny, small), dataset=mroz|breast_cancer (classes) or nhefs|diabetes (numbers), draws=1, seed=1000,
contributors=24, truth_seeds=3, size=100 to give all contributors that size, and truth=own_set|leave_one_out|none, or
truth=added with beside=100; salt=b splits the data anew.
"""

import ml_collections

from configs.common import contributors, one_of, shrink_rows, valuation, valuation_arg

CLASSES, NUMBERS = ("mroz", "breast_cancer", "made_classes"), ("nhefs", "diabetes", "made_numbers")


def sweep_numbers(add) -> None:
    """Widths of the Gaussian kernel for numbers, on development seeds."""
    alone = {"methods": ("rbf_utility", "linear_utility"), "choice": "rbf_utility", "validation_sizes": ()}
    for dataset in ("nhefs", "diabetes"):
        for width in (0.5, 1.0, 4.0):
            changes = {"options.rbf_utility.bandwidth": width, **alone}
            add(f"{dataset}-{width:g}", f"small,draws=4,seed=0,dataset={dataset}", changes)


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    options = valuation_arg(arg, contributors=24, dataset="")
    one_of("scale", options.scale, ("tiny", "small"))
    default = "made_classes" if options.scale == "tiny" else "mroz"
    dataset = one_of("dataset", options.dataset or default, (*CLASSES, *NUMBERS))
    config = valuation("tables" if dataset in CLASSES else "regression", options)

    config.dataset = dataset
    config.split = {"validation": 120, "test": 200, "salt": options.salt}
    config.validation_sizes = (30, 60, 120)
    config.model = {"name": "mlp", "widths": (32,)}
    config.training = {"steps": 400, "batch": 32, "learning_rate": 3e-3}
    config.initialisations = 3

    mechanisms = ("truncation", "copula", "copula", "conditional", "noise")
    kept = (0, 0, 0, 1) if dataset in CLASSES else (0, 0, 3, 4)
    sizes = {"nhefs": (40, 600), "mroz": (40, 400)}
    config.contributors = contributors(options, size=sizes.get(dataset, (20, 120)), mechanism=mechanisms, kept=kept)

    if options.scale == "tiny":
        shrink_rows(config, options, numbers=dataset in NUMBERS)
    return config
