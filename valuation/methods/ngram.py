"""Counts of tokens, for models of sequences that learn from scratch (theory/README.md, 3.4)."""

import numpy as np
from jaxtyping import Float

from valuation.ngram import fit_ngram, mean_log_probability
from valuation.problem import Problem, contributor_examples, output_width


def ngram_utility(problem: Problem, *, order: int = 3) -> Float[np.ndarray, " C"]:
    """Mean log-probability of a validation target token under the contributor's Witten-Bell n-gram model, nats.

    Pooled over all target tokens of the validation set. The vocabulary is the model's own output, the same for every
    contributor; one without any target token gets the uniform limit, -log V. Uses validation targets, trains nothing.
    order: words of an n-gram, the target included; 3 is a trigram.
    """
    vocabulary = output_width(problem)
    models = (fit_ngram(contributor_examples(problem, c), vocabulary, order=order) for c in problem.contributors)
    return np.array([mean_log_probability(model, problem.validation) for model in models])
