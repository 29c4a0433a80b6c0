"""What a study is given of a task, and what several tasks share."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from scipy.special import log_softmax

from experiments.synthetic.mechanism import Mechanism
from experiments.tasks.text_metrics import Choices
from experiments.training.recipe import Recipe
from models.functional import Model
from valuation.kernel import outputs
from valuation.objective import Objective
from valuation.problem import Contributor, Examples, Learner

# (the pool of a draw, all that will be read of it and beside it) -> (a model that can read that, its training)
OnPool: TypeAlias = Callable[[Examples, Sequence[Examples]], tuple[Model, Recipe]]


class Task(NamedTuple):
    """What the pipeline needs of a task.

    train, validation, test: disjoint sets of real examples.
    groups: (n_train,) int, the class or source family of every training example: what a truncated part keeps few of.
    objective: what is learned, as in valuation/objective/.
    mechanisms: name -> what makes as many synthetic examples of real ones.
    strengths: name -> the strengths that a random contributor may take.
    corrupt_labels: (examples, wrong (n,) bool, rng) -> the examples with another label, or another's answer, where
        wrong.
    model: a Model; recipe: how it is trained; learner: what kind of model it is.
    features: inputs -> (n, d).
    measure: (Model, Examples) -> (utility, loss): the metric, higher = better, and the loss in nats.
    metric: what the utility is, in words that fit after "test".
    thumbnail: one input -> pixels (h, w) or (h, w, 3), uint8; None where an example is no image.
    sample: one input -> text; None where an example is no text. Only of synthetic examples it is ever shown.
    count_near_duplicates: (inputs, held-out inputs) -> how many have a near duplicate among the held-out ones;
        near_rule: in words.
    notes: facts about the data that belong into the report.
    choose: how often a model takes the right option of test questions; None without options.
    paper_worth: what a contributor is worth on paper, in the unit of the utility but for the noise of learning; None
        where that is not known.
    on_pool: what model and recipe become for the contributors of a draw; None where they are the same for all. The
        first argument is all that may be trained on, the others are examples that the model is to read.
    """

    train: Examples
    validation: Examples
    test: Examples
    groups: np.ndarray
    objective: Objective
    mechanisms: dict[str, Mechanism]
    strengths: dict[str, tuple[float, ...]]
    corrupt_labels: Callable[[Examples, np.ndarray, np.random.Generator], Examples]
    model: Model
    recipe: Recipe
    learner: Learner
    features: Callable[[np.ndarray], np.ndarray]
    measure: Callable[[Model, Examples], tuple[float, float]]
    metric: str
    count_near_duplicates: Callable[[np.ndarray, np.ndarray], int]
    near_rule: str
    notes: dict[str, Any]
    thumbnail: Callable[[np.ndarray], np.ndarray] | None = None
    sample: Callable[[np.ndarray], str] | None = None
    choose: Callable[[Model], Choices] | None = None
    paper_worth: Callable[[Contributor], float] | None = None
    on_pool: OnPool | None = None


def for_pool(task: Task, pool: Examples, read: Sequence[Examples]) -> Task:
    """The task with the model and recipe for the contributors of a draw; arguments as those of Task.on_pool.

    What has to be computed for that is computed here, or read from disk.
    """
    if task.on_pool is None:
        return task
    model, recipe = task.on_pool(pool, read)
    return task._replace(model=model, recipe=recipe)


def classified(model: Model, data: Examples) -> tuple[float, float]:
    """(accuracy, mean cross-entropy in nats) of a classifier: the `measure` of its task."""
    logits, labels = outputs(model, data.inputs), np.asarray(data.targets)
    surprise = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
    return float((logits.argmax(1) == labels).mean()), float(surprise.mean())


def other_labels(examples: Examples, wrong: np.ndarray, rng: np.random.Generator, classes: int) -> Examples:
    """The examples with one of the other classes as label where wrong: the `corrupt_labels` of a classifier's task."""
    shift = rng.integers(1, max(classes, 2), len(wrong))
    labels = np.asarray(examples.targets)
    return examples._replace(targets=np.where(wrong, (labels + shift) % classes, labels).astype(np.int32))
