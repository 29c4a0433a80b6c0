"""Complex reasoning: which contributor of problems with solutions, real or generated, is worth training on?

    python -m experiments.run --config=configs/reasoning.py:small --workdir=out/reasoning

tiny: problems made in memory, seconds. small: MathQA with steps and StrategyQA (a 358 MB archive), problems from
templates, solutions that a language model wrote, SmolLM2 (93 MB) whose last two blocks are adapted. paper:
NuminaMath-CoT of the Hugging Face hub (pip install datasets huggingface_hub; or a folder: config.folders.real) and a
pretrained decoder in a folder (config.model.folder), on as many accelerators as share its weights; not run by us.

Options: those of configs/instructions.py.
"""

import ml_collections

from configs import instructions

sweep, sweep_training = instructions.sweep, instructions.sweep_training

SYNTHETIC = ("synthetic_", "orca_math")  # beginnings of the names of NuminaMath's sources that a model wrote


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    config = instructions.get_config(arg)
    config.name = config.task = "reasoning"
    config.dataset = {"tiny": "templates", "small": "math_steps", "paper": "hub"}[config.scale]
    config.synthetic_sources = ()
    config.contributors.axes.mechanism = ("truncation", "generated", "generated", "template", "strategyqa")
    config.contributors.axes.kept = (0, 0, 1, 3, 6)
    config.tokens.instruction = 0
    config.questions = 200  # of MathQA's test problems whose options are compared by likelihood; 0: none
    if config.scale == "tiny":
        config.contributors.axes.mechanism = ("truncation", "generated", "template")
    if config.scale == "paper":
        config.folders = {"real": "huggingface:AI-MO/NuminaMath-CoT", "synthetic": ""}  # source, problem, solution
        config.synthetic_sources = SYNTHETIC
        config.temperatures = ()
        config.tokens.update({"length": 1536, "response": 1024})
        if config.contributors.axes.size == (1_000, 10_000):
            config.contributors.axes.size = (1_000, 5_000)  # not every source has more among config.most rows
        config.contributors.axes.mechanism = ("truncation", "template", "synthetic_math", "synthetic_amc", "orca_math")
    return config
