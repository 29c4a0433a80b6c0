"""What generation does to the tail of language: text sampled at several top-p and temperatures against real reviews.

    python -m experiments.generate --config=configs/language.py:small --workdir=out/language   # hours; its result is kept
    python -m experiments.run --config=configs/language.py:small --workdir=out/language

tiny: a random decoder and invented words, in memory, seconds. small: SmolLM2-135M-Instruct (a 93 MB archive), IMDb's
training half (13 MB) and the generated texts of experiments/tasks/generated.

Options: a scale (tiny, small), seed=0, repeats=3.
"""

import ml_collections

from configs.common import parse_arg

TOP_P = (0.7, 0.9, 0.95, 1.0)  # at temperature 1
TEMPERATURE = (0.5, 0.7, 1.3)  # at top-p 1


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    options = parse_arg(arg, scales=("tiny", "small"), seed=0, repeats=3)
    config = ml_collections.ConfigDict()
    config.name = "language"
    config.experiment = "language"
    config.scale = options.scale
    config.seed = options.seed
    config.repeats = options.repeats

    every = (*((1.0, mass, 128) for mass in TOP_P), *((value, 1.0, 128) for value in TEMPERATURE))
    config.generation = {
        "model": "smollm2",
        "real": True,  # problems of MathQA; else two made up
        "held_out": 1500,  # problems with the smallest hashes, left to validation and test
        "batch": 128,
        # settings: (temperature, top-p, texts)
        "review": {
            "length": 80,
            "settings": ((0.7, 0.9, 512), (1.0, 0.8, 512), (1.0, 0.95, 512)),
            "filters": {"whole": True, "words": (12, 150), "english": 0.2, "verdict": True, "near": 0.5},
        },
        "instruction": {
            "length": 80,
            "settings": ((0.7, 0.95, 384), (1.0, 0.9, 384)),
            "filters": {"whole": True, "words": (8, 250), "english": 0.1, "near": 0.5},
        },
        "solution": {
            "length": 128,
            "settings": ((0.7, 0.95, 384), (1.0, 0.9, 384)),
            "filters": {"whole": True, "words": (8, 200), "near": 0.8},
        },
        "continuation": {  # for the tail: nothing is left out but empty texts
            "length": 128,
            "settings": every,
            "filters": {"whole": False},
        },
    }

    if options.scale == "tiny":
        config.generation.model, config.generation.real, config.generation.batch = "random", False, 4
        for kind in ("review", "instruction", "solution"):
            config.generation[kind].length, config.generation[kind].settings = 6, ((1.0, 0.95, 6),)
            config.generation[kind].filters = {"whole": False, "words": (1, 150), "near": 0.5}
        config.generation.continuation.length = 20
        config.generation.continuation.settings = tuple((t, p, 4) for t, p, _ in every)
    return config
