"""Labels of a source by an ensemble that saw real data (the step of SynFER, arXiv 2410.09865, by which generated images
are labelled anew); here its members are fits in closed form.
"""

from functools import partial

import jax
import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import pdist

from experiments.runtime.rng import generator
from valuation.blocks import source
from valuation.inducing import gaussian, kernel_ridge


def ensemble_scores(
    real: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    queries: Float[np.ndarray, "m d"],
    *,
    classes: int,
    key: jax.Array,
    members: int,
    share: float,
    ridge: float = 0.01,
) -> Float[np.ndarray, "m c"]:
    """The mean over members of what each predicts for every class and query; the largest is the ensemble's label.

    real, labels: the real examples. members: Gaussian ridge fits, each on a random `share` of the real examples, its
    bandwidth the median squared distance between them. ridge: as in inducing.kernel_ridge.
    Raises ValueError for no member, a share outside (0, 1] and fewer than two real examples.
    """
    if members < 1 or not 0 < share <= 1:
        raise ValueError(f"an ensemble of {members} members on a share of {share}: expected 1 or more, in (0, 1]")
    if len(real) < 2:
        raise ValueError(f"{len(real)} real examples: an ensemble needs two or more")
    rng, targets = generator(key), np.eye(classes)[np.asarray(labels)]
    kernel = gaussian(float(np.median(pdist(np.asarray(real, np.float64), "sqeuclidean"))))
    count, total = max(1, round(share * len(real))), np.zeros((len(queries), classes))
    for member in range(members):
        rows = rng.choice(len(real), count, replace=False)
        fit = partial(kernel_ridge, kernel=kernel, key=jax.random.fold_in(key, member), ridge=ridge)
        total += fit(source(real[rows], targets[rows]), queries)
    return total / members
