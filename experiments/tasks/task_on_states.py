"""A text task whose inputs are the states of a frozen language model instead of numbers of words."""

from collections.abc import Callable

import numpy as np

from experiments.synthetic.mechanism import Mechanism
from experiments.tasks.task import Task
from experiments.training.recipe import Recipe
from models.functional import Model
from valuation.problem import Examples


def on_states(task: Task, states: Callable[[np.ndarray], np.ndarray], model: Model, recipe: Recipe) -> Task:
    """The task with the states of its texts as inputs.

    Mechanisms, overlaps and samples still work on the words, which every state is remembered with.
    states: rows of words (n, t) -> (n, d). model, recipe: of inputs of d numbers.
    """
    words: dict[bytes, np.ndarray] = {}

    def with_states(examples: Examples) -> Examples:
        inputs = states(examples.inputs).astype(np.float32)
        words.update((state.tobytes(), row) for state, row in zip(inputs, examples.inputs, strict=True))
        return examples._replace(inputs=inputs)

    def words_of(inputs: np.ndarray) -> np.ndarray:
        return np.stack([words[state.tobytes()] for state in inputs])

    def on_words(mechanism: Mechanism) -> Mechanism:
        return lambda examples, strength, key: with_states(
            mechanism(examples._replace(inputs=words_of(examples.inputs)), strength, key)
        )

    sample = task.sample
    if sample is None:
        raise ValueError("states are taken of texts: expected a task whose examples can be shown as texts")
    return task._replace(
        train=with_states(task.train),
        validation=with_states(task.validation),
        test=with_states(task.test),
        mechanisms={name: on_words(mechanism) for name, mechanism in task.mechanisms.items()},
        model=model,
        recipe=recipe,
        features=np.asarray,
        count_near_duplicates=lambda inputs, held_out: task.count_near_duplicates(words_of(inputs), words_of(held_out)),
        sample=lambda state: sample(words_of(state[None])[0]),
    )
