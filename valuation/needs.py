"""What a method takes of a machine, told from sizes alone and before it begins: bytes and floating point operations.

Bytes are the most that is alive at once beside the inputs and beside chunks of gradients, which have a budget of their
own (workers.py). Operations are those of matrix products, factorisations and passes through the model of the largest
contributor, or of all contributors together where a method looks at their union; a training is not counted.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from valuation import inducing, linear_ridge, one_pass_mmd
from valuation.disagreement import BLOCK
from valuation.problem import Problem
from valuation.tangent import SKETCH

BLOCK_OF_TOKENS = 2**22  # distances or outputs of tokens that methods.knn_lm and methods.token_ridge look at together
NEIGHBOURS = 2**25  # bytes of the distances that methods.knn looks at together


class Sizes(NamedTuple):
    """Of a problem.

    examples: n, of the largest contributor. union: of all contributors together. validation: m. features: d.
    outputs: c, columns of what a closed-form fit learns. tokens: of an example, 1 where it is no sequence.
    parameters: of the model, trained and frozen. shapes: of the trained arrays of two axes or more, (inputs, outputs)
    of each. width: numbers of an example in a product of its tangent kernel. initialisations, checkpoints,
    contributors: how many. learner, kind: what kind of model learns, and of what kind of objective. vocabulary, state:
    outputs for a token, and how many numbers the last layer reads for them; 0 where it does not say.
    """

    examples: int
    union: int
    validation: int
    features: int
    outputs: int
    tokens: int = 1
    parameters: int = 0
    shapes: tuple[tuple[int, int], ...] = ()
    width: int = 0
    initialisations: int = 1
    checkpoints: int = 1
    contributors: int = 1
    learner: str = "dense"
    kind: str = "classification"
    vocabulary: int = 0
    state: int = 0


class Needs(NamedTuple):
    """bytes: at once. flops: multiplications and additions."""

    bytes: int = 0
    flops: float = 0.0


Estimate = Callable[[Sizes], Needs]


def sizes(problem: Problem) -> Sizes:
    """The sizes of a problem; the features of one validation example are computed, and nothing else."""
    model, first = problem.model, np.asarray(problem.validation.inputs[:1])
    outputs = jax.eval_shape(model.apply, model.params, model.frozen, first).shape
    counts = [len(c.index) for c in problem.contributors]
    arrays = [leaf for leaf in jax.tree.leaves(model.params) if np.ndim(leaf) > 1]
    trained, frozen = (sum(leaf.size for leaf in jax.tree.leaves(tree)) for tree in (model.params, model.frozen))
    exact = sum(sum(leaf.shape[-2:]) for leaf in arrays) if problem.learner == "dense" else trained
    return Sizes(
        examples=max(counts, default=0),
        union=sum(counts),
        validation=len(problem.validation.inputs),
        features=int(np.size(problem.features(problem.validation.inputs[:1]))),
        outputs=outputs[-1] if problem.objective.has_classes else 1,
        tokens=int(first.shape[1]) if problem.validation.mask is not None else 1,
        parameters=trained + frozen,
        shapes=tuple((leaf.size // leaf.shape[-1], leaf.shape[-1]) for leaf in arrays),
        width=SKETCH if problem.objective.sketched else exact,
        initialisations=len(problem.initial),
        checkpoints=max(len(problem.checkpoints), 1),
        contributors=len(counts),
        learner=problem.learner,
        kind=problem.objective.kind,
        vocabulary=outputs[-1],
        state=_state(model, first),
    )


def _state(model, inputs: np.ndarray) -> int:
    if model.readout is None:
        return 0
    return jax.eval_shape(model.readout.states, model.params, model.frozen, inputs)[0].shape[-1]


def trained(s: Sizes) -> int:
    """Length of a vector of gradients: numbers of the trained arrays of two axes or more, which are nearly all."""
    return sum(a * b for a, b in s.shapes)


def nothing(s: Sizes) -> Needs:
    """Of a method that computes next to nothing, or that only trains."""
    return Needs()


def tangent_solve(s: Sizes) -> Needs:
    """Cholesky with the tangent kernel, 24 n^2 bytes beside 4 n^2 of the kernel itself."""
    kernels = _tangent(s, s.examples, s.validation)
    return Needs(max(28 * s.examples**2, kernels.bytes) + _fit(s), kernels.flops + s.examples**3 / 3)


def tangent_flow(s: Sizes) -> Needs:
    """The same with an eigendecomposition."""
    kernels = _tangent(s, s.examples, s.validation)
    return Needs(max(32 * s.examples**2, kernels.bytes) + _fit(s), kernels.flops + 9.0 * s.examples**3)


def two_kernels(s: Sizes) -> Needs:
    """Both kernels and their sum in float64, then Cholesky."""
    tangent, other, n = tangent_solve(s), gaussian(s), s.examples
    return Needs(max(tangent.bytes, other.bytes) + 20 * n * n + 16 * n * s.validation, tangent.flops + other.flops)


def terms_of_kernel(s: Sizes) -> Needs:
    """One Cholesky with the kernel of each initialisation."""
    kernels, solves = _tangent(s, s.examples, 0), s.initialisations * s.examples**3 / 3
    return Needs(28 * s.examples**2 + 16 * s.examples * s.outputs, kernels.flops + solves)


def score(s: Sizes) -> Needs:
    """The terms of the kernel, then the discrepancy."""
    kernel, distance = terms_of_kernel(s), discrepancy(s)
    return Needs(max(kernel.bytes, distance.bytes), kernel.flops + distance.flops)


def davinz(s: Sizes) -> Needs:
    """The terms of the kernel, then all distances within the contributor at once."""
    kernel, n, m = terms_of_kernel(s), s.examples, s.validation
    return Needs(max(kernel.bytes, 12 * n * max(n, m)), kernel.flops + 2.0 * n * (n + m) * s.features)


def gaussian(s: Sizes) -> Needs:
    """A dense solve up to inducing.EXACT examples; above it inducing points, where n enters by the targets alone."""
    n, m, d = s.examples, s.validation, s.features
    width = 24 * m * m  # all distances within the validation set, of which the kernel's width is the median
    if n <= inducing.EXACT:
        needed = max(28 * n * n + _fit(s), width) + 12 * (n + m) * d
        return Needs(needed, n**3 / 3 + 2.0 * n * (n + m) * d)
    points = inducing.points_of(n)
    needed = inducing.memory_bytes(n, d, s.outputs, m) + 24 * n * s.outputs + width
    return Needs(needed, float(n) * points * (2 * d + points + 2 * s.outputs) + 4.0 * points**3)


def linear(s: Sizes) -> Needs:
    """Sums of products of features, or of examples where there are fewer; n enters by the targets alone."""
    n, m, d, c = s.examples, s.validation, s.features, s.outputs
    least = min(n, d)
    return Needs(linear_ridge.memory_bytes(n, d, c, m) + 24 * n * c, float(n) * d * (least + 2 * c) + least**3 / 3)


def nearest(s: Sizes) -> Needs:
    """Features of the contributor in float64, and distances to some validation examples at a time."""
    n, m, d = s.examples, s.validation, s.features
    return Needs(min(56 * n * m, 7 * NEIGHBOURS) + 16 * (n + m) * d + 24 * n * s.outputs, 2.0 * n * m * d)


def counts(s: Sizes) -> Needs:
    """Tokens of the rows, of the distinct ones, and 70 bytes for each n-gram that differs, at most one a token."""
    return Needs(s.examples * s.tokens * 100)


def neighbours(s: Sizes) -> Needs:
    """States of all tokens, thrice, distances to some of them at a time, and what each setting gives of each token."""
    n, m, d = s.examples * s.tokens, s.validation * s.tokens, s.state
    block = min(n * m, max(BLOCK_OF_TOKENS, 256 * n))
    return Needs(12 * (n + m) * d + 24 * block + 4000 * m, 2.0 * (n + m) * s.parameters + 2.0 * n * m * d)


def token_ridge(s: Sizes) -> Needs:
    """Sums and corrections of each fold, d times the tokens corrected, and outputs of some tokens at a time."""
    n, m, d = s.examples * s.tokens, s.validation * s.tokens, s.state
    k = min(s.vocabulary, n + m)
    passes = 2.0 * (n + m) * s.parameters + 8.0 * n * d * k + 12.0 * d * d * (d + k)
    return Needs(4 * (n + m) * d + 80 * d * (d + k) + 40 * min(BLOCK_OF_TOKENS, max(n, m) * k), passes)


def discrepancy(s: Sizes) -> Needs:
    """All pairs in blocks up to inducing.EXACT examples, above it one pass."""
    n, m, d = s.examples, s.validation, s.features
    if n <= inducing.EXACT:
        return Needs(24 * (n + m) * d + 2**24, float(n * n + m * m + 2 * n * m) * d)
    return Needs(one_pass_mmd.memory_bytes(n, d, m), 2.0 * n * (m + one_pass_mmd.REFERENCES) * d)


def disagreement(s: Sizes) -> Needs:
    """A solve with the kernel of the validation set and one pass over the examples, beside the discrepancy."""
    n, m, d, c, distance = s.examples, s.validation, s.features, s.outputs, discrepancy(s)
    block = min(n, BLOCK)
    fit = 28 * m * m + block * (20 * d + 8 * m + 24 * c) + 24 * n * c + 44 * m * d
    kept = 4 * n * d if n <= inducing.EXACT else 0
    return Needs(max(fit + kept, distance.bytes), distance.flops + m**3 / 3 + 2.0 * n * m * d)


def deviation(s: Sizes) -> Needs:
    """One inverse with the kernel of the union."""
    return Needs(50 * s.union**2, _tangent(s._replace(initialisations=1), s.union, 0).flops + 1.0 * s.union**3)


def influences(passes: int) -> Estimate:
    """Scores of all examples for all validation examples: (n, m) numbers beside what is kept of each example.

    passes: over the union, each with its gradients.
    """

    def needs(s: Sizes) -> Needs:
        n, m = s.union, s.validation
        return Needs(12 * n * m, passes * (6.0 * n * s.tokens * s.parameters + 2.0 * n * m * s.width))

    return needs


def solved(passes: int) -> Estimate:
    """A solve by that many passes over the union, each with its gradients: some vectors of parameters are kept."""

    def needs(s: Sizes) -> Needs:
        return Needs(80 * trained(s) + 12 * s.union, passes * 6.0 * s.union * s.tokens * s.parameters)

    return needs


def projected(s: Sizes, numbers: int) -> Needs:
    """Scores of all examples for all validation examples from so many numbers kept of the gradient of each."""
    n, m, least = s.union, s.validation, min(s.union, numbers)
    products = 2.0 * n * numbers * (numbers + m) + 6.0 * n * s.tokens * s.parameters
    return Needs(12 * n * m + 12 * (n + m) * numbers + 16 * least**2, s.checkpoints * products)


def projected_by_layer(s: Sizes, rank: int) -> Needs:
    """The same from a projection of either side of every layer to that rank at most, at one checkpoint."""
    n, m, widths = s.union, s.validation, [min(rank, a) * min(rank, b) for a, b in s.shapes]
    products = 2.0 * n * sum(w * w + w * m for w in widths) + 6.0 * n * s.tokens * s.parameters
    kept = 4 * (n + 3 * m) * sum(widths) + 16 * sum(w * w for w in widths) + 24 * max(widths, default=0) ** 2
    return Needs(12 * n * m + kept, products)


def checkpoint_products(s: Sizes) -> Needs:
    """Products of all gradients at every checkpoint."""
    return influences(s.checkpoints)(s)


def _tangent(s: Sizes, n: int, m: int) -> Needs:
    """Kernels of n examples among themselves and with m others, of every initialisation; means hold two more."""
    passes = 6.0 * (n + m) * s.tokens * s.parameters
    return Needs(4 * (s.initialisations + 3) * n * (n + m), s.initialisations * (passes + 2.0 * n * (n + m) * s.width))


def _fit(s: Sizes) -> int:
    """Targets of a contributor, and its kernel with the validation set."""
    return s.examples * (24 * s.outputs + 12 * s.validation)


# kind of objective -> what values contributors of any size, and what it needs
OF_ANY_SIZE: dict[str, tuple[str, Estimate]] = {
    "classification": ("rbf_relative", gaussian),
    "regression": ("rbf_wide", gaussian),
    "sequences": ("ngram_utility", counts),
}


def refusal_of_size(name: str, needed: int, s: Sizes, kind: str, available: int) -> str:
    """Why a method that needs so many bytes cannot run, and the way out; "" if it can.

    kind: of the objective. available: bytes.
    """
    if needed <= available:
        return ""
    other, estimate = OF_ANY_SIZE[kind]
    least = estimate(s).bytes
    way = f"take {other}, which needs {gigabytes(least)}" if least <= available else "make contributors smaller"
    return (
        f"{name} of a contributor of {s.examples:,} examples, {s.union:,} in all, needs {gigabytes(needed)}, "
        f"{gigabytes(available)} are free: leave it out, or {way}"
    )


def gigabytes(count: int) -> str:
    """Bytes in words: 28.8 GB, 0.02 GB."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e9:.2g} GB"
