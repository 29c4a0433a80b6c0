"""Word problems as encoded sequences, which several files test on."""

import numpy as np
import pytest

from configs import instructions as config_file
from experiments.synthetic import word_problems
from experiments.tasks import sequences
from experiments.tasks.token_rows import Pair


@pytest.fixture(scope="session")
def sequence_config():
    config = config_file.get_config("tiny")
    config.split.update({"validation": 10, "test": 20})
    return config


@pytest.fixture(scope="session")
def parts(sequence_config):
    made = word_problems.problems(150, 12, np.random.default_rng(0))
    pairs = [Pair("", problem, f"{steps} {answer}", str(kind)) for kind, problem, steps, answer in made]
    return sequences.split(pairs, [pair.prompt for pair in pairs], sequence_config)
