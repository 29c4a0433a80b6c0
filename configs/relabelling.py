"""When does it pay to give a source the labels of an ensemble that saw real data?

    python -m experiments.run --config=configs/relabelling.py:small --workdir=out/relabelling

Digits. Beside two numbers of real examples, sources with wrong labels, of another look, and generated ones, as they are
and with the labels of an ensemble of closed-form fits on the real examples: what the surrogate says of the change, and
what trainings say. small: 5 draws x 2 x 10 sources x 3 seeds, some 650 trainings, minutes on two cores. tiny: arrays
made in memory, seconds.

Options: a scale (tiny, small), draws=5, seed=0 (0 to 9 are for development, tables use 3000 and on), salt= (a word;
another one splits the data anew, salt=b for those tables), repeats=3, the seeds of every training.
"""

import ml_collections

from configs import images
from configs.common import parse_arg, repeated

NEEDED = ("task", "dataset", "examples", "split", "model", "training", "generator")
NONE = {"real_share": 0.0, "mechanism": "truncation", "strength": 0.0, "label_noise": 0.0}
SOURCES = {  # fields of experiments/tasks/mixture.py's Spec
    **{f"wrong labels {share:.0%}": {**NONE, "label_noise": share} for share in (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)},
    "generated": {**NONE, "mechanism": "generated", "strength": 0.75},
    "generated, wrong labels 30%": {**NONE, "mechanism": "generated", "strength": 0.75, "label_noise": 0.3},
    "noise": {**NONE, "mechanism": "noise", "strength": 3.0},
    "blur, wrong labels 30%": {**NONE, "mechanism": "blur", "strength": 3.0, "label_noise": 0.3},
}


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    tiny = (arg or "").startswith("tiny")
    options = parse_arg(
        arg, scales=("tiny", "small"), seed=0, repeats=2 if tiny else 3, draws=1 if tiny else 5, salt=""
    )
    config = repeated("relabelling", options)
    config.draws = options.draws
    whole = images.get_config(f"{options.scale},salt={options.salt}")
    config.images = {key: whole[key] for key in NEEDED}
    config.real_counts = (100, 400)
    config.size = 800  # of every source
    config.sources = SOURCES
    config.ensemble = {"members": 7, "share": 0.8}  # how many fits, and the share of the real examples each sees
    config.bootstrap = 2000
    if options.scale == "tiny":
        config.real_counts, config.size, config.bootstrap = (20, 40), 60, 50
        config.sources = {name: SOURCES[name] for name in ("wrong labels 0%", "wrong labels 50%", "noise")}
    return config
