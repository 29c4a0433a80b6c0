"""Reviews as numbers of words, made of others: without their rare words, from another source, by a language model."""

import jax
import numpy as np

from experiments.data.vocabulary import frequent, packed
from experiments.runtime.rng import generator
from experiments.synthetic.mechanism import GENERATED, check_enough
from valuation.problem import Examples


def truncated(examples: Examples, kept: float, key: jax.Array) -> Examples:
    """The examples without all words but the `kept` most frequent ones: a tail cut off on purpose.

    Raises ValueError unless kept is at least 1. key: not used.
    """
    if kept < 1:
        raise ValueError(f"a truncated vocabulary keeps at least 1 word, got {kept}")
    return examples._replace(inputs=frequent(examples.inputs, int(kept)))


def borrowed(name: str, source: Examples, repeat: bool, examples: Examples, joined: float, key: jax.Array) -> Examples:
    """As many texts of another data set with the same labels, each of `joined` of its texts one after the other.

    name: of that data set, for messages. source: its texts as rows of words (m, t), and their labels. repeat: whether
    its texts may stand twice where there are too few of a label; otherwise ValueError is raised, as it is for a label
    that it has not, and unless joined is at least 1.
    """
    if joined < 1:
        raise ValueError(f"{name}: at least 1 text stands for a review, got {joined}")
    rows = _of_label(name, source, np.repeat(examples.targets, int(joined)), repeat, generator(key))
    length = source.inputs.shape[1]
    return examples._replace(inputs=packed(source.inputs[rows].reshape(len(examples.targets), -1), length))


def written(
    source: Examples, mass: np.ndarray, repeat: bool, examples: Examples, top_p: float, key: jax.Array
) -> Examples:
    """As many generated reviews with the same labels, sampled at that top-p.

    source: all generated reviews as rows of words (m, t), and their labels. mass: (m,), the top-p of each. repeat: as
    in `borrowed`. Raises ValueError for a top-p at which none was sampled, and as `borrowed` does.
    """
    chosen = np.isclose(mass, top_p)
    if not chosen.any():
        known = ", ".join(f"{p:g}" for p in np.unique(mass))
        raise ValueError(f"no generated review was sampled at top-p {top_p:g}, known: {known}")
    some = source.take(chosen)
    return examples._replace(inputs=some.inputs[_of_label(GENERATED, some, examples.targets, repeat, generator(key))])


def _of_label(name: str, source: Examples, labels: np.ndarray, repeat: bool, rng: np.random.Generator) -> np.ndarray:
    """Rows of the source with those labels; one is repeated only if there are too few."""
    rows = np.empty(len(labels), int)
    for label in np.unique(labels):
        places, candidates = labels == label, np.flatnonzero(source.targets == label)
        if not len(candidates):
            raise ValueError(f"{name} has no text with label {label}")
        check_enough(f"{name} (label {label})", len(candidates), int(places.sum()), repeat)
        rows[places] = np.resize(rng.permutation(candidates), places.sum())
    return rows
