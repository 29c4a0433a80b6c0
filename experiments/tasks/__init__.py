"""Tasks: real data, ways to make synthetic data of it, and the model that learns it; contributors from a key.

One file a task, what several share beside them. What is done with a task is a study.
"""

import importlib

from configs.common import one_of

TASKS = {  # imported when it is asked for: a task loads its data library
    "images": "experiments.tasks.images",
    "sentiment": "experiments.tasks.sentiment",
    "instructions": "experiments.tasks.instructions",
    "reasoning": "experiments.tasks.reasoning",
    "composition": "experiments.tasks.composition",
    "tables": "experiments.tasks.tables",
    "regression": "experiments.tasks.tables",
    "effects": "experiments.tasks.effects",
    "causal_tables": "experiments.tasks.causal_tables",
}

OBJECTIVES = {  # kind of the objective of each task (valuation/objective/), known before a task is loaded
    "images": "classification",
    "sentiment": "classification",
    "instructions": "sequences",
    "reasoning": "sequences",
    "composition": "classification",
    "tables": "classification",
    "regression": "regression",
    "effects": "regression",
    "causal_tables": "regression",
}


def load(config, data_dir, mesh):
    """The Task (task.py) that config.task names.

    data_dir: folder of archives and prepared data, None for the default (data/archives.py). mesh: the devices on which
    a generator is trained. Raises ValueError or OSError for data that cannot be had.
    """
    return importlib.import_module(TASKS[one_of("config.task", config.task, tuple(TASKS))]).load(config, data_dir, mesh)
