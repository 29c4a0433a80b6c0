"""Transport against linear programmes and assignments; LAVA's costs by hand, its gradients by finite differences."""

from functools import cache

import numpy as np
import pytest
import scipy.optimize
from scipy.spatial.distance import cdist, pdist

from tests.problems import CLASSES, contributor, corners
from valuation.aggregate import union_examples
from valuation.methods import METHODS, lava
from valuation.transport import own_potential, potentials


def programme(costs, a, b):
    """The least cost of a transport of the weights a to b: a linear programme."""
    n, m = costs.shape
    rows = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    solution = scipy.optimize.linprog(costs.ravel(), A_eq=np.vstack(rows), b_eq=np.concatenate([a, b]))
    return solution.fun


def uniform(n):
    return np.full(n, 1 / n)


@cache
def clouds():
    rng = np.random.default_rng(0)
    return rng.normal(size=(14, 3)), rng.normal(size=(10, 3)) + 0.5


def debiased(costs, left, right, entropy):
    f, g = potentials(costs, entropy=entropy)
    return (
        f.mean() + g.mean() - own_potential(left, entropy=entropy).mean() - own_potential(right, entropy=entropy).mean()
    )


def test_little_entropy_is_the_linear_programme():
    x, y = clouds()
    costs, inner, other = (cdist(a, b, "sqeuclidean") for a, b in ((x, y), (x, x), (y, y)))
    exact = programme(costs, uniform(14), uniform(10))
    f, g = potentials(costs, entropy=0.01)
    assert f.mean() + g.mean() == pytest.approx(exact, rel=0.02)
    assert (f[:, None] + g <= costs + 0.05).all()  # what is dual to it
    assert debiased(costs, inner, other, 0.01) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("entropy", [3.0, 0.3])
def test_potentials_solve_their_problem(entropy):
    """Both marginals of exp((f + g - C) / e), and the plan that they make is better than others by its objective."""
    x, y = clouds()
    costs = cdist(x, y, "sqeuclidean")
    f, g = potentials(costs, entropy=entropy)
    plan = np.exp((f[:, None] + g - costs) / entropy) / costs.size
    np.testing.assert_allclose(plan.sum(1), 1 / 14, rtol=1e-4)
    np.testing.assert_allclose(plan.sum(0), 1 / 10, rtol=1e-4)
    primal = (plan * costs).sum() + entropy * (plan * np.log(plan * costs.size)).sum()
    assert f.mean() + g.mean() == pytest.approx(primal, rel=1e-4)
    inner = cdist(x, x, "sqeuclidean")
    both = sum(side.mean() for side in potentials(inner, entropy=entropy))
    assert 2 * own_potential(inner, entropy=entropy).mean() == pytest.approx(both, rel=1e-4)


def test_a_transport_that_has_not_settled_is_refused():
    left, right = clouds()
    with pytest.raises(ValueError, match=r"not settled after 10 iterations.*larger entropy than 0.001"):
        potentials(cdist(left, right, "sqeuclidean"), entropy=0.001, iterations=10)
    with pytest.raises(ValueError, match="not settled after 1 iterations"):
        own_potential(cdist(left, left, "sqeuclidean"), entropy=1.0, iterations=1)


def test_equal_sets_are_not_apart_whatever_the_unit_and_the_offset_of_costs():
    x, y = clouds()
    inner, costs, other = (cdist(a, b, "sqeuclidean") for a, b in ((x, x), (x, y), (y, y)))
    assert debiased(inner, inner, inner, 0.1) == pytest.approx(0, abs=1e-5)
    once, scaled = debiased(costs, inner, other, 0.1), debiased(1e6 * costs, 1e6 * inner, 1e6 * other, 1e5)
    assert scaled == pytest.approx(1e6 * once)
    f, g = potentials(costs + 1e4, entropy=0.1)
    assert f.mean() + g.mean() - 1e4 == pytest.approx(sum(map(np.mean, potentials(costs, entropy=0.1))), rel=1e-4)


def labelled_costs(x, x_labels, y, y_labels):
    """|x - y|^2 + the least cost between the classes, in mean squared distances of the validation set."""
    width = np.mean(pdist(np.float64(corners().validation.inputs), "sqeuclidean"))
    costs = cdist(np.float64(x), np.float64(y), "sqeuclidean") / width
    apart = {
        (c, d): programme(block := costs[np.ix_(x_labels == c, y_labels == d)], *map(uniform, block.shape))
        for c in range(CLASSES) for d in range(CLASSES) if (x_labels == c).any() and (y_labels == d).any()
    }  # fmt: skip
    return costs + np.array([[apart[c, d] for d in y_labels] for c in x_labels])


def test_with_little_entropy_lava_is_the_linear_programme_with_labels():
    problem = corners()
    problem = problem._replace(contributors=problem.contributors[1:2], validation=problem.validation.take(slice(0, 20)))
    one, v = problem.contributors[0], problem.validation
    costs = labelled_costs(problem.pool.inputs[one.index], one.targets, v.inputs, v.targets)
    width = np.mean(pdist(np.float64(corners().validation.inputs), "sqeuclidean"))
    costs *= width / np.mean(pdist(np.float64(v.inputs), "sqeuclidean"))
    expected = -programme(costs, *map(uniform, costs.shape))
    np.testing.assert_allclose(lava.lava(problem, entropy=0.003), [expected], rtol=0.02)


def test_random_labels_are_seen_and_swapped_classes_are_not():
    """A class is where its points are: the transport knows no names."""
    pool, order, rng = corners().pool, np.arange(60), np.random.default_rng(9)
    labels = pool.targets[order]
    wrong = {"right": labels, "random": rng.integers(0, CLASSES, 60), "swapped": (labels + 1) % CLASSES}
    made = tuple(contributor(name, order, pool, targets=labels) for name, labels in wrong.items())
    right, random, swapped = lava.lava(corners()._replace(contributors=made))
    assert right > random + 0.1
    assert swapped == pytest.approx(right)


def test_potentials_are_what_more_weight_on_a_point_costs():
    """Finite differences of the debiased cost, with one more copy of a point among twenty of each."""
    x, y = clouds()
    left, right = cdist(x, x, "sqeuclidean"), cdist(y, y, "sqeuclidean")
    slopes = potentials(cdist(x, y, "sqeuclidean"), entropy=0.5)[0] - own_potential(left, entropy=0.5)
    every = np.tile(np.arange(14), 20)

    def cost(rows):
        return debiased(cdist(x[rows], y, "sqeuclidean"), left[np.ix_(rows, rows)], right, 0.5)

    change = np.array([cost(np.append(every, i)) - cost(every) for i in range(3)])
    np.testing.assert_allclose(change * (len(every) + 1), slopes[:3] - slopes.mean(), rtol=0.05, atol=0.01)


def alike(labels, count):
    """The first rows of every class, as many of each: otherwise potentials say which class there is too much of."""
    return np.sort(np.concatenate([np.flatnonzero(labels == c)[:count] for c in range(CLASSES)]))


def test_examples_with_wrong_labels_have_the_lowest_scores():
    pool, validation = corners().pool, corners().validation
    rows = alike(pool.targets, 20)
    wrong = np.isin(rows, [np.flatnonzero(pool.targets == c)[3] for c in range(CLASSES)])
    labels = (pool.targets[rows] + wrong) % CLASSES
    problem = corners()._replace(
        contributors=(contributor("some wrong", rows, pool, targets=labels),),
        validation=validation.take(alike(validation.targets, 10)),
    )
    scores = lava.scores(problem)
    assert np.array_equal(union_examples(problem)[0].targets, labels)
    assert scores.sum() == pytest.approx(0, abs=1e-9)
    assert np.mean(scores[wrong][:, None] < scores[~wrong]) > 0.95  # the share of pairs in order


def test_a_class_that_validation_lacks_is_named():
    problem = corners()
    cut = problem._replace(validation=problem.validation.take(problem.validation.targets != 2))
    with pytest.raises(ValueError, match=r"^large has examples of class 2, .* has none, .*: take mmd_only, which"):
        METHODS["lava"](cut)
    with pytest.raises(ValueError, match="the entropy must be positive, got 0"):
        lava.lava(problem, entropy=0.0)
