"""Tasks: real data, ways to make synthetic data of it, and the model that learns it; contributors from a key.

One file a task, what several share beside them. What is done with a task is a study.
"""

import importlib

TASKS = {  # imported when it is asked for: a task loads its data library
    "images": "experiments.tasks.images",
    "sentiment": "experiments.tasks.sentiment",
    "instructions": "experiments.tasks.instructions",
    "reasoning": "experiments.tasks.reasoning",
}


def load(config, data_dir, mesh):
    """The Task (task.py) that config.task names."""
    return importlib.import_module(TASKS[config.task]).load(config, data_dir, mesh)
