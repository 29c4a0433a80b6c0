"""Class-aware conditional mutual information: how close the examples of a class are (theory/README.md, 3.10)."""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import log_softmax, logsumexp


def class_concentration(logits: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]) -> float:
    """Mean KL divergence, in nats, of softmax(logits) of each example from the mean of its class; 0: all are the same.

    It is I(X; Z | Y) of a Z drawn from that softmax: low for a class that is concentrated.
    logits: any d numbers of an example, such as a network's features, without a unit. labels: of the n examples.
    """
    log_p = log_softmax(np.asarray(logits, np.float64), axis=1)
    total = 0.0
    for label in np.unique(labels):
        rows = log_p[labels == label]
        mean = logsumexp(rows, axis=0) - np.log(len(rows))
        total += float((np.exp(rows) * (rows - mean)).sum())
    return max(total / len(log_p), 0.0)
