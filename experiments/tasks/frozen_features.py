"""A text task whose inputs are the states of a frozen language model instead of word numbers."""

from collections.abc import Callable
from functools import partial

import numpy as np

from experiments.data.archives import SMOLLM2, data_folder, member, sha256
from experiments.tasks.hidden_states import hidden_states
from experiments.tasks.task import Task
from models.pretrained import from_gguf
from valuation.problem import Examples


def smollm2_states(config, decode: Callable, validation: np.ndarray, data_dir: str | None) -> Callable:
    """Rows of word numbers -> (n, d) float32: SmolLM2's mean states of the texts, standardised on the validation set.

    The language model reads the words that the encoder sees, without capitals, punctuation and unknown words: what
    differs between sources in these alone tells them apart nowhere. The weights are read when they are first needed.
    """
    path = member("smollm2", SMOLLM2, data_dir)
    found = hidden_states(
        partial(from_gguf, path),
        layer=config.layer,
        length=config.tokens,
        folder=data_folder(data_dir) / "features",
        name=sha256(path),
    )

    def raw(rows: np.ndarray) -> np.ndarray:
        return found([decode(row) for row in rows])

    held_out = raw(validation)
    centre, spread = held_out.mean(0), np.maximum(held_out.std(0), 1e-6)
    return lambda rows: (raw(rows) - centre) / spread


def on_states(task: Task, states: Callable, model, recipe) -> Task:
    """The task with the states of its texts as inputs, for a model and a recipe of that input.

    Mechanisms, overlaps and samples still work on the words, which every state is remembered with.
    """
    words: dict[bytes, np.ndarray] = {}

    def inside(examples: Examples) -> Examples:
        found = states(examples.inputs).astype(np.float32)
        words.update((state.tobytes(), row) for state, row in zip(found, examples.inputs, strict=True))
        return examples._replace(inputs=found)

    def outside(inputs: np.ndarray) -> np.ndarray:
        return np.stack([words[state.tobytes()] for state in inputs])

    def changed(mechanism: Callable) -> Callable:
        return lambda examples, strength, key: inside(
            mechanism(examples._replace(inputs=outside(examples.inputs)), strength, key)
        )

    return task._replace(
        train=inside(task.train),
        validation=inside(task.validation),
        test=inside(task.test),
        mechanisms={name: changed(mechanism) for name, mechanism in task.mechanisms.items()},
        model=model,
        recipe=recipe,
        features=np.asarray,
        count_near_duplicates=lambda inputs, held_out: task.count_near_duplicates(outside(inputs), outside(held_out)),
        sample=lambda state: task.sample(outside(state[None])[0]),
    )
