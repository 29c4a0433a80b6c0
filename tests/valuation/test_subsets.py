"""Unions of parts: the methods' own values where weights are 1, brute force where they are not."""

from functools import cache

import jax
import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from tests.problems import contributor, corners, numbers, sequences
from tests.valuation.test_ngram import slow_events
from valuation import union_surrogates
from valuation.methods import METHODS
from valuation.problem import contributor_examples
from valuation.subsets import evaluator
from valuation.union_fits import shared_rows
from valuation.unions import layout, taken

PROBLEMS = {"classes": corners, "numbers": numbers, "sequences": sequences}


@cache
def parts(name):
    """(problem, its blocks: each contributor in two halves)."""
    problem = PROBLEMS[name]()
    sizes = [len(one.index) for one in problem.contributors]
    return problem, layout(sizes, [[max(size // 2, 1)] for size in sizes], key=jax.random.key(0))


def joined(problem, blocks, union):
    """The contributor of the blocks that a union holds."""
    rows, targets = [], []
    for weight, owner, places in zip(union, blocks.owner, blocks.rows, strict=True):
        if weight:
            one = problem.contributors[owner]
            rows.append(one.index[places])
            targets.append(one.targets[places])
    return contributor("union", np.concatenate(rows), problem.pool, targets=np.concatenate(targets))


@pytest.mark.parametrize("name", PROBLEMS)
def test_unions_have_the_values_of_the_method(name):
    problem, blocks = parts(name)
    evaluate = evaluator(problem, blocks)
    for amounts in (
        {0: len(problem.contributors[0].index)},
        {1: int(blocks.ends[2]), 2: len(problem.contributors[2].index)},
    ):
        union = taken(blocks, amounts)
        whole = problem._replace(contributors=(joined(problem, blocks, union),), shared=None)
        scores = evaluate(union)
        np.testing.assert_allclose(scores.utility("own"), METHODS["surrogate"](whole)[0], rtol=1e-5)
        if name == "classes":  # the tie-break of the method is worth less than half of one validation example
            exact = METHODS["rbf_utility"](whole, bandwidth=1.0)[0]
            assert 0 <= scores.utility("metric") - exact < 0.5 / len(scores.weights)
        else:
            assert scores.own is scores.metric


@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_inducing_rows_that_are_all_rows_change_nothing(name):
    problem, blocks = parts(name)
    exact, few = evaluator(problem, blocks), evaluator(problem, blocks, exact=0, points=400)
    union = taken(blocks, {0: len(problem.contributors[0].index), 2: int(blocks.ends[4])}, {2: 0.1})
    for unit in ("own", "metric"):
        np.testing.assert_allclose(getattr(few(union), unit), getattr(exact(union), unit), atol=2e-3)


def test_few_inducing_rows_are_shared_alike():
    """Thirty rows of a contributor of sixty and of one of six: the small one has all of its own among them."""
    problem, blocks = parts("classes")
    evaluate = evaluator(problem, blocks, exact=0, points=40)
    exact = evaluator(problem, blocks)
    union = taken(blocks, {1: 12})
    np.testing.assert_allclose(evaluate(union).own, exact(union).own, atol=0.1)


def test_fits_by_shared_inducing_rows_can_be_compared():
    """Alone, and beside another contributor that is not taken, the same examples have the same fit, to rounding."""
    problem, _ = parts("classes")
    rows = shared_rows(problem, points=40)
    assert 20 < len(rows) <= 40  # some examples are in several contributors
    found = []
    for some in (problem.contributors[:1], problem.contributors[:2]):
        some = problem._replace(contributors=some)
        sizes = [len(one.index) for one in some.contributors]
        blocks = layout(sizes, [[size] for size in sizes], key=None)
        found.append(evaluator(some, blocks, exact=0, inducing=rows)(taken(blocks, {0: sizes[0]})).own)
    np.testing.assert_allclose(*found, atol=1e-5)


def test_few_examples_leave_their_inducing_rows_to_the_base():
    problem, _ = parts("classes")
    sizes = [len(one.index) for one in problem.contributors]
    small = problem._replace(contributors=(problem.contributors[0], problem.contributors[1]))
    points = sizes[0] + 4
    assert sizes[1] <= points // 2
    assert len(shared_rows(small, points=points)) > points // 2 + sizes[1]


def test_a_weight_is_the_inverse_of_a_noise():
    """f = K(v, X) (K + lambda diag(1/w))^-1 (Y - centre) + centre, centre the weighted mean of the targets."""
    problem, blocks = parts("numbers")
    union = taken(blocks, {0: 50, 2: 25}, {2: 0.2})
    whole = joined(problem, blocks, union)
    x, v = contributor_examples(problem, whole).inputs.astype(float), problem.validation.inputs.astype(float)
    y, w = whole.targets.astype(float), np.repeat(union, blocks.counts)[np.repeat(union > 0, blocks.counts)]
    s2 = 4 * np.median(pdist(v, "sqeuclidean"))
    inner, outer = (np.exp(-cdist(side, x, "sqeuclidean") / (2 * s2)) for side in (x, v))
    centre = np.average(y, weights=w)
    predicted = centre + outer @ np.linalg.solve(inner + 0.01 * np.diag(1 / w), y - centre)
    expected = -((problem.validation.targets - predicted) ** 2)
    np.testing.assert_allclose(evaluator(problem, blocks)(union).metric, expected, rtol=1e-3, atol=1e-4)


def test_a_weight_of_counts_is_brute_force():
    """c(h, w) sums weights, T(h) = sum of min(1, sqrt c(h, w)); a row that two hold has the larger weight."""
    problem, blocks = parts("sequences")
    union = taken(blocks, {0: 20, 2: 30}, {2: 0.25})
    weight = {}
    for one, owner, places in zip(union, blocks.owner, blocks.rows, strict=True):
        for row in problem.contributors[owner].index[places]:
            same = tuple(leaf[row].tobytes() for leaf in problem.pool)
            weight[same] = (max(weight.get(same, (0, 0))[0], one), row)
    counts = {}
    for one, row in weight.values():
        for context, word in slow_events(problem.pool.take([row]), 3):
            for k in range(3):
                key = context[len(context) - k :]
                counts.setdefault((k, tuple(key)), {}).setdefault(word, 0.0)
                counts[k, tuple(key)][word] += one

    def probability(word, context):
        p = 1 / 12
        for k in range(3):
            after = counts.get((k, tuple(context[len(context) - k :])), {})
            total, kinds = sum(after.values()), sum(min(1, np.sqrt(c)) for c in after.values())
            if total:
                p = (after.get(word, 0) + kinds * p) / (total + kinds)
        return p

    events = slow_events(problem.validation, 3)
    expected = np.mean([np.log(probability(word, context)) for context, word in events])
    np.testing.assert_allclose(evaluator(problem, blocks)(union).utility(), expected, rtol=1e-12)


def test_a_weight_that_vanishes_leaves_the_rest():
    for name in ("numbers", "sequences"):
        problem, blocks = parts(name)
        evaluate, half = evaluator(problem, blocks), int(blocks.ends[0])
        alone = evaluate(taken(blocks, {0: half})).own
        faint = evaluate(taken(blocks, {0: half, 2: int(blocks.ends[4])}, {2: 1e-10})).own
        np.testing.assert_allclose(faint, alone, atol=1e-3 * np.abs(alone).max(), err_msg=name)


def test_a_union_is_fitted_once_and_must_hold_something():
    problem, blocks = parts("numbers")
    evaluate = evaluator(problem, blocks)
    union = taken(blocks, {0: 50})
    assert evaluate(union) is evaluate(union.copy())
    for wrong in (0 * union, union[1:], -union, 2 * union):
        with pytest.raises(ValueError, match="a union needs a weight from 0 to 1 for each of 11 blocks"):
            evaluate(wrong)


def test_what_has_no_unions_says_what_to_do(monkeypatch):
    problem, blocks = parts("classes")
    monkeypatch.setattr(union_surrogates, "TANGENT", 10)
    with pytest.raises(ValueError, match=r"for classification .* take rbf_relative: .* Problem.learner = 'dense'"):
        evaluator(problem._replace(learner="pretrained"), blocks)
    evaluator(problem, blocks)
