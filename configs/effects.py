"""Effects of a treatment: which contributor of real and synthetic patients teaches them?

    python -m experiments.run --config=configs/effects.py:small --workdir=out/effects

data=nhefs (task effects): NHEFS, whether people stopped smoking and how much weight they gained; synthetic patients are
made in three parts (covariates, treatment, outcome), or by one copula that knows no causes, or by noise. data=known
(task causal_tables): rows whose effect is chosen, covariates that go together as in NHEFS; contributors with hidden
causes, or another effect, are worth what is known on paper. An archive of 3 MB; tiny makes its rows in memory.

Options: a scale (tiny, small), data=nhefs|known, draws=1, seed=1000, contributors=24, truth_seeds=3, size=100 to give
all contributors that size, and truth=own_set|leave_one_out|none, or truth=added with beside=100; salt=b splits anew.
"""

import ml_collections

from configs.common import contributors, one_of, shrink_rows, valuation, valuation_arg

AXES: dict[str, dict[str, tuple]] = {
    "nhefs": {"mechanism": ("truncation", "patients", "copula", "noise"), "kept": (0, 0, 3, 4)},
    # nothing else, so that the bias of a contributor is its synthetic share of the one on paper
    "known": {"mechanism": ("hidden", "effect"), "kept": (0,), "label_noise": (0.0,), "duplicates": (0.0,)},
}


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    options = valuation_arg(arg, contributors=24, data="nhefs")
    one_of("scale", options.scale, ("tiny", "small"))
    data = one_of("data", options.data, tuple(AXES))
    config = valuation("effects" if data == "nhefs" else "causal_tables", options)

    config.dataset = "made" if options.scale == "tiny" else "nhefs"
    config.examples = 1000  # of the train pool of rows with a known effect, or rows made in memory
    config.split = {"validation": 200, "test": 800, "salt": options.salt}
    config.validation_sizes = (50, 100, 200)
    config.model = {"name": "mlp", "widths": (32,)}
    config.training = {"steps": 400, "batch": 32, "learning_rate": 3e-3}
    config.initialisations = 3
    # of rows with a known effect: the effect and lengths of what decides treatment and outcome, in spreads of its noise
    config.causes = {"effect": 2.0, "treatment": 0.7, "outcome": 1.0, "spread": 1.0, "seed": 0}
    config.contributors = contributors(options, size=(60, 400), **AXES[data])

    if options.scale == "tiny":
        shrink_rows(config, options, numbers=True)
    return config
