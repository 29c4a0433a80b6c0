"""Three phases of scaling: does a plateau appear when most training data are synthetic, where, and which law wins?

    python -m experiments.run --config=configs/phases.py:small --workdir=out/phases

Five studies, 3 seeds each, the networks trained about 470 times: 12 minutes on two busy cores. Three phases in 4 of 7
curves of fact recall, T1 and T2 within 15 % of what the generator foretells; none where it is sampled by temperature.

Options: a scale (tiny, small), seed=0, repeats=3, and study=simulation|facts|numbers|nextword|counts for one alone.
"""

import ml_collections

from configs.common import one_of, parse_arg, repeated

STUDIES = ("simulation", "facts", "numbers", "nextword", "counts")


def spaced(low: float, high: float, count: int) -> tuple[int, ...]:
    """Whole numbers from low to high with equal ratios."""
    return tuple(round(low * (high / low) ** (i / (count - 1))) for i in range(count))


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    options = parse_arg(arg, scales=("tiny", "small"), seed=0, repeats=3, study="all")
    one_of("study", options.study, ("all", *STUDIES))
    config = repeated("phases", options)
    config.studies = STUDIES if options.study == "all" else (options.study,)

    config.simulation = {  # the learner knows what it has seen; both truncation and learner are exact
        "exponent": 1.5,
        "shares": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.9),
        "mechanisms": {"truncation": (10.0, 50.0)},
        "sizes": spaced(10, 4e6, 22),
    }
    config.facts = {  # a network recalls facts; the generator is trained on a finite sample of real ones
        "exponent": 1.4,
        "entities": 4000,
        "attributes": 32,
        "model": {"embedding": 32, "width": 64},
        "training": {"steps": 800, "batch": 512, "learning_rate": 1e-2},
        "generator_sample": 20_000,
        "shares": (0.02, 0.2),
        "mechanisms": {"top_p": (0.8, 0.7), "temperature": (0.5, 0.4), "finite": (200.0, 60.0)},
        "across": ("top_p",),  # measured at every share
        "all_real": True,
        "sizes": spaced(10, 2e5, 12),
    }

    config.numbers = {  # a network reads two-digit numbers, some more frequent than others
        "dataset": "mnist5k",
        "examples": 1000,  # of a data set made in memory
        "split": {"test": 1000},
        "test_images": 30,  # of every class
        "exponent": 1.5,
        "model": {"widths": (128,)},
        "training": {"steps": 1000, "batch": 256, "learning_rate": 3e-3},
        "generator_sample": 2000,
        "generator": {
            "width": 128,
            "latent": 4,
            "steps": 1000,
            "batch": 64,
            "learning_rate": 1e-3,
            "pictures": 300,  # of every digit
            "temperature": 0.75,
        },
        "shares": (0.03,),
        "mechanisms": {"truncation": (8.0,), "top_p": (0.8,)},
        "across": (),
        "all_real": True,
        "sizes": spaced(30, 6e4, 12),
    }
    config.nextword = {  # a network learns which word follows which
        "name": "nextword",
        "learner": "network",
        "dataset": "reviews",
        "entities": 4000,  # words that are contexts
        "attributes": 256,  # words that are answers, the last class is every other word
        "model": {"embedding": 32, "width": 64},
        "training": {"steps": 800, "batch": 512, "learning_rate": 3e-3},
        "part": 100_000,  # words of real text that the language model has counted
        "text": 200_000,  # words sampled from it
        "shares": (0.05,),
        "mechanisms": {"finite": (1000.0,)},
        "across": (),
        "all_real": True,
        "sizes": spaced(100, 4e5, 12),
    }
    config.counts = config.nextword.to_dict() | {  # what cannot be trained often enough is counted
        "name": "counts",
        "learner": "counts",
        "shares": (0.02, 0.3),
        "mechanisms": {"finite": (1000.0, 10_000.0), "top_p": (0.3, 0.6), "temperature": (0.3,)},
        "across": ("finite",),
        "sizes": spaced(100, 4e6, 15),
    }

    if options.scale == "tiny":
        config.numbers.dataset, config.numbers.split.test, config.numbers.test_images = "templates", 300, 3
        config.numbers.training = {"steps": 40, "batch": 32, "learning_rate": 1e-3}
        config.numbers.generator_sample, config.numbers.generator.steps = 300, 20
        config.numbers.generator.pictures = 10
        config.numbers.mechanisms = {"truncation": (8.0,), "top_p": (0.8,)}
        config.numbers.sizes = spaced(20, 1000, 8)
        for words in (config.nextword, config.counts):
            words.dataset, words.entities, words.attributes = "invented", 100, 20
            words.training = {"steps": 40, "batch": 32, "learning_rate": 1e-2}
            words.part, words.text, words.shares = 5000, 5000, (0.05,)
            words.mechanisms, words.across = {"finite": (30.0,)}, ()
            words.sizes = spaced(20, 2000, 8)
        config.simulation.shares, config.simulation.sizes = (0.01, 0.3), spaced(10, 1e4, 8)
        config.simulation.mechanisms = {"truncation": (5.0,)}
        config.facts.entities, config.facts.attributes, config.facts.generator_sample = 60, 4, 300
        config.facts.training = {"steps": 60, "batch": 32, "learning_rate": 1e-2}
        config.facts.mechanisms, config.facts.across = {"top_p": (0.7,)}, ()
        config.facts.sizes = spaced(20, 2000, 8)
        config.repeats = min(config.repeats, 2)
    return config


def sweep(add) -> None:
    """One study a run, and other seeds."""
    for study in STUDIES:
        add(study, f"small,study={study}")
    add("seed", "small,seed=1")
