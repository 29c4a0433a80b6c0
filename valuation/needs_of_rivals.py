"""What the methods take that others propose for data sets, as needs.py says it: bytes at once, and operations."""

from collections.abc import Callable

from valuation import inducing
from valuation.kronecker import WIDEST
from valuation.needs import Estimate, Needs, Sizes, counts, trained
from valuation.union_surrogates import TANGENT


def transport(s: Sizes) -> Needs:
    """Squared distances, costs and a kernel of all pairs of a contributor, or of it with the validation set."""
    n, most = s.examples, max(s.examples, s.validation)
    iterations = 200.0  # as many as 1,000 points take at an entropy of 0.1
    return Needs(48 * n * most + 24 * (n + most) * s.features, 2.0 * n * most * (s.features + 2 * iterations))


def largest_cosines(s: Sizes) -> Needs:
    """Features, and cosines of a block of examples with all validation examples."""
    n, m, d = s.examples, s.validation, s.features
    block = min(n, 2048)
    return Needs(8 * block * m + 12 * (n + m + block) * d + 8 * n, 2.0 * n * m * d)


def shares_of_neighbours(s: Sizes) -> Needs:
    """Features of all contributors in float64, twice, and distances to some validation examples at a time."""
    n, m, d = s.union, s.validation, s.features
    return Needs(28 * (n + m) * d + 200 * n + min(16 * n * m, 2**26), 2.0 * n * m * d)


def mean_gradients(s: Sizes) -> Needs:
    """One gradient a set, from one pass over all examples, in chunks of a budget of their own (mean_gradients.py)."""
    rows = 8 * trained(s) * (s.contributors + 2)
    return Needs(rows, 6.0 * (s.union + s.validation) * s.tokens * s.parameters)


def kronecker(s: Sizes) -> Needs:
    """Covariances of both sides of every layer in float64 and their eigenvectors, and some vectors of parameters."""
    narrow = [width for shape in s.shapes for width in shape if width <= WIDEST]
    sides, cubes = sum(width**2 for width in narrow), sum(float(width) ** 3 for width in narrow)
    passes = 3 * 6.0 * s.union * s.tokens * s.parameters
    return Needs(36 * sides + 40 * trained(s) + 12 * s.union, passes + 10 * cubes)


def coalitions(fits: Callable[[int], float], points: int) -> Estimate:
    """A fit of the surrogate for every coalition: by shared inducing rows, by counts, or exact with a tangent kernel.

    fits: number of contributors -> how many coalitions are fitted.
    """

    def needs(s: Sizes) -> Needs:
        count = fits(s.contributors)
        if s.kind == "sequences":
            return Needs(counts(s._replace(examples=s.union)).bytes, count * 100 * s.union * s.tokens)
        if s.learner != "dense" and s.union <= TANGENT:  # a larger one is fitted by inducing rows or not at all
            return Needs(28 * s.union**2, 2.0 * s.union**2 * s.width + count * s.union**3 / 3)
        m = min(points, s.union)
        one = inducing.memory_bytes(s.examples, s.features, s.outputs, s.validation, points=m, exact=0)
        statistics = 4 * m * m * s.contributors + 24 * s.union * s.outputs
        passes = float(s.union) * m * (2 * s.features + m)
        return Needs(one + statistics + 24 * s.validation**2, passes + count * (m**3 / 3 + m * m * s.contributors))

    return needs
