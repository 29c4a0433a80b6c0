"""What generation does to the tail of language: text sampled at several top-p and temperatures against real reviews.

    python -m experiments.synthetic.generate --config=configs/language.py:small --workdir=out/language
    python -m experiments.run --config=configs/language.py:small --workdir=out/language

tiny: a random decoder and invented words, in memory, seconds. small: SmolLM2-135M-Instruct (a 93 MB archive), IMDb's
training half (13 MB) and the generated texts of experiments/synthetic/texts.

The first makes 151,000 tokens of text at 30 to 160 tokens a second on two busy cores; the second takes 2 to 9 minutes.

Options: a scale (tiny, small), seed=0, repeats=3.
"""

import ml_collections

from configs.common import parse_arg, repeated

TOP_P = (0.7, 0.9, 0.95, 1.0)  # at temperature 1
TEMPERATURE = (0.5, 0.7, 1.3)  # at top-p 1


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    options = parse_arg(arg, scales=("tiny", "small"), seed=0, repeats=3)
    config = repeated("language", options)

    every = (*((1.0, mass, 48) for mass in TOP_P), *((value, 1.0, 48) for value in TEMPERATURE))
    config.generation = {
        "model": {"name": "smollm2"},
        "real": True,  # problems of MathQA; else two made up
        "held_out": 1500,  # problems with the smallest hashes, left to validation and test
        "batch": 128,
        # settings: (temperature, top-p, texts)
        "review": {
            "length": 80,
            "settings": ((0.7, 0.9, 256), (1.0, 0.8, 256), (1.0, 0.95, 256)),
            "filters": {"whole": True, "words": (12, 150), "english": 0.2, "verdict": True, "near": 0.5},
        },
        "instruction": {
            "length": 80,
            "settings": ((0.7, 0.95, 192), (1.0, 0.9, 192)),
            "filters": {"whole": True, "words": (8, 250), "english": 0.1, "near": 0.5},
        },
        "solution": {
            "length": 128,
            "settings": ((0.7, 0.95, 128), (1.0, 0.9, 128)),
            "filters": {"whole": True, "words": (8, 200), "near": 0.8},
        },
        "continuation": {  # for the tail: nothing is left out but empty texts
            "length": 128,
            "settings": every,
            "filters": {"whole": False},
        },
    }

    config.dataset = "imdb_half"  # its training half; "invented": Zipf words, truncated in the ways that samplers do
    config.split = {"validation": 2000, "test": 3000}
    config.words = 0  # of every source that is compared; 0: as many as the smallest one has
    config.bootstrap = 100
    config.pretrained = {
        "model": {"name": "smollm2"},
        "tokens": {"length": 96},
        "texts": 128,  # held-out reviews
        "batch": 16,
        "known": 3000,  # real reviews whose tokens are counted for the ranks
        "edges": (10, 100, 1000, 10_000),
    }
    config.decoder = {  # 0.4 million parameters, its words numbered by rank; about 10 passes over its few words
        "tokens": {"vocabulary": 2048, "length": 64},
        "model": {"width": 96, "layers": 2, "heads": 4, "hidden": 384},
        "training": {"steps": 40, "batch": 16, "learning_rate": 1e-3},
        "held_out": 200,  # rows of real text
        "edges": (10, 100, 1000),
    }

    if options.scale == "tiny":
        config.dataset, config.words, config.bootstrap = "invented", 1500, 10
        config.pretrained.model.name, config.pretrained.texts, config.pretrained.known = "random", 6, 20
        config.pretrained.tokens.length, config.pretrained.batch, config.pretrained.edges = 12, 4, (5, 20)
        config.decoder.tokens = {"vocabulary": 64, "length": 16}
        config.decoder.model = {"width": 16, "layers": 1, "heads": 2, "hidden": 64}
        config.decoder.training.steps = 20
        config.decoder.held_out, config.decoder.edges = 20, (5, 20)
        config.repeats = min(config.repeats, 2)
        config.generation.model.name, config.generation.real, config.generation.batch = "random", False, 4
        for kind in ("review", "instruction", "solution"):
            config.generation[kind].length, config.generation[kind].settings = 6, ((1.0, 0.95, 6),)
            config.generation[kind].filters = {"whole": False, "words": (1, 150), "near": 0.5}
        config.generation.continuation.length = 20
        config.generation.continuation.settings = tuple((t, p, 4) for t, p, _ in every)
    return config
