"""A problem's tangent kernel and residuals at initialisation, for classes and for sequences (theory/README.md, 3.8).

The scalar of a classifier's example is one of kernel.OUTPUTS and its kernel exact. That of a sequence is its mean
target-token log-probability, target 0, so that its residual is its nats per token; the kernel comes from gradients
sketched to SKETCH dimensions, since a validation set of whole gradients would not fit into memory.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from valuation.factors import shapes
from valuation.kernel import filled, gram, likelihoods, outputs
from valuation.outputs import log_likelihood
from valuation.problem import Examples, Problem
from valuation.projection import hashes, sketch
from valuation.stream import features

SKETCH = 4096  # inner products are off by about 1/64 of the product of the lengths
TANGENT = 6  # purpose of a key
product = jax.jit(jnp.matmul)  # NumPy's threads and XLA's would wait for each other


def tangent_rows(problem: Problem, params, own: Examples) -> Float[np.ndarray, "n r"]:
    """The sketched gradients of sequences: their inner products estimate the tangent kernel without bias."""
    state = hashes(shapes(params), jax.random.fold_in(problem.key, TANGENT), dimensions=SKETCH)
    model = problem.model._replace(params=params)
    return np.concatenate(list(features(model, log_likelihood, filled(own), sketch, state)))[: len(own.inputs)]


def tangent(problem: Problem, own: Examples, *, output: str, params) -> Float[np.ndarray, "n n"]:
    """Theta(own, own) at those params; `output` as in kernel.gram, without a meaning for sequences."""
    if problem.classes:
        return gram(problem.model._replace(params=params), own.inputs, own.targets, output=output)
    rows = tangent_rows(problem, params, own)
    return np.asarray(product(rows, rows.T))


def tangent_kernels(problem: Problem):
    """own -> (Theta(own, own), Theta(validation, own)), means over the initialisations: sum of logits, or sequences."""
    ahead = problem.validation
    models = [problem.model._replace(params=params) for params in problem.initial]
    if problem.classes:

        def exact(own: Examples):
            inner = sum(gram(m, own.inputs, None, output="sum") for m in models) / len(models)
            outer = sum(gram(m, ahead.inputs, None, output="sum", inputs_b=own.inputs) for m in models) / len(models)
            return inner, outer

        return exact
    theirs = [tangent_rows(problem, params, ahead) for params in problem.initial]

    def sketched(own: Examples):
        rows = [tangent_rows(problem, params, own) for params in problem.initial]
        inner = sum(np.asarray(product(a, a.T)) for a in rows) / len(rows)
        outer = sum(np.asarray(product(b, a.T)) for a, b in zip(rows, theirs, strict=True)) / len(rows)
        return inner, outer

    return sketched


def initial_residual(problem: Problem, params, own: Examples, output: str) -> Float[np.ndarray, "n c"]:
    """Targets minus outputs at those params: 1 - f_y (one column), onehot - f (C columns), or nats per token."""
    model = problem.model._replace(params=params)
    if not problem.classes:
        return -likelihoods(model, own).astype(np.float64)[:, None]
    start = outputs(model, own.inputs).astype(np.float64)
    if output == "true_class":
        return 1 - np.take_along_axis(start, np.asarray(own.targets)[:, None], 1)
    return np.eye(problem.classes)[own.targets] - start


def mean_residual(problem: Problem, own: Examples) -> Float[np.ndarray, "n 1"]:
    """Nats per token of sequences, the mean over the initialisations."""
    return np.mean([initial_residual(problem, params, own, "") for params in problem.initial], axis=0)
