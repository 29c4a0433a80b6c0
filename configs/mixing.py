"""How much synthetic data to mix in: is the amount that the surrogate's curve predicts the one that training prefers?

    python -m experiments.run --config=configs/mixing.py:small --workdir=out/mixing

Images and film reviews; of each task kinds of synthetic data, two numbers of real examples, eight amounts of synthetic
ones, all of them trained, and a learning curve of real ones. small: five draws, some 3,700 trainings, about an hour on
two cores. tiny: arrays made in memory, seconds.

Options: a scale (tiny, small), task=all|images|sentiment, draws=5, seed=0 (of the first draw; 0 to 9 are for
development, tables use 3000 and on), salt= (a word; another one splits the data anew, salt=b for those tables),
repeats=3, the seeds of every training.
"""

import ml_collections

from configs import images, sentiment
from configs.common import one_of, parse_arg, repeated

TASKS = ("images", "sentiment")
NEEDED = {  # what the tasks read of their own configs
    "images": ("task", "dataset", "examples", "split", "model", "training", "generator"),
    "sentiment": (
        *("task", "dataset", "examples", "split", "model", "training", "folders", "tokens", "pool", "features"),
        *("kept_words", "joined", "contributors"),
    ),
}
NONE = {"mechanism": "truncation", "strength": 0.0, "kept": 0, "label_noise": 0.0}  # real examples as they are
SOURCES = {  # fields of experiments/tasks/mixture.py's Spec
    "images": {
        "generated": {**NONE, "mechanism": "generated", "strength": 0.75},
        "blur": {**NONE, "mechanism": "blur", "strength": 3.0},
        "noise": {**NONE, "mechanism": "noise", "strength": 3.0},
        "three classes": {**NONE, "kept": 3},
        "wrong labels 20 %": {**NONE, "label_noise": 0.2},
        "wrong labels 50 %": {**NONE, "label_noise": 0.5},
    },
    "sentiment": {
        "Rotten Tomatoes": {**NONE, "mechanism": "rotten_tomatoes", "strength": 1.0},
        "generated": {**NONE, "mechanism": "generated", "strength": 0.95},
        "without rare words": {**NONE, "mechanism": "vocabulary", "strength": 300.0},
        "wrong labels 20 %": {**NONE, "label_noise": 0.2},
        "wrong labels 50 %": {**NONE, "label_noise": 0.5},
    },
}


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    tiny = (arg or "").startswith("tiny")
    options = parse_arg(
        arg, scales=("tiny", "small"), seed=0, repeats=2 if tiny else 3, draws=1 if tiny else 5, salt="", task="all"
    )
    one_of("task", options.task, ("all", *TASKS))
    config = repeated("mixing", options)
    config.draws = options.draws
    config.tasks = TASKS if options.task == "all" else (options.task,)
    for name, file in (("images", images), ("sentiment", sentiment)):
        whole = file.get_config(f"{options.scale},salt={options.salt}")
        config[name] = {key: whole[key] for key in NEEDED[name]}
        config[name].sources = SOURCES[name]
        config[name].real = {"images": (100, 400), "sentiment": (200, 800)}[name]
        config[name].added = (0, 50, 100, 200, 400, 800, 1600, 3000)
        config[name].real_curve = (12, 25, 50, 100, 200, 400, 800, 1600, 3200)
    config.small = 4  # how many times smaller the trainings are that the mixing law is fitted to

    if options.scale == "tiny":
        config.images.sources = {name: SOURCES["images"][name] for name in ("blur", "wrong labels 50 %")}
        config.sentiment.sources = {
            "Rotten Tomatoes": SOURCES["sentiment"]["Rotten Tomatoes"],
            "without rare words": {**NONE, "mechanism": "vocabulary", "strength": 10.0},
        }
        for name in TASKS:
            config[name].real, config[name].added = (20, 40), (0, 8, 16, 40, 80)
            config[name].real_curve = (5, 10, 20, 40, 80, 160)
    return config


def sweep(add) -> None:
    """The tables: fresh draws on another split of the data."""
    add("tables", "small,seed=3000,salt=b")
