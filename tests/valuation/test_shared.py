"""What methods share is computed once, never stale, and bounded."""

from functools import cache

import numpy as np
import pytest

from tests.problems import corners, data, sequences
from valuation.methods import METHODS, score_terms
from valuation.objective import Classification
from valuation.shared import Shared

SCORES = [name for name in METHODS if name.startswith("score_")]


@pytest.fixture
def counted(monkeypatch):
    """Calls of the parts that cost: tangent kernels, discrepancies, features."""
    calls = {"kernel": 0, "mmd": 0, "features": 0}

    def counting(name, function):
        def call(*args, **options):
            calls[name] += 1
            return function(*args, **options)

        return call

    monkeypatch.setattr(Classification, "kernel", counting("kernel", Classification.kernel))
    monkeypatch.setattr(score_terms, "mk_mmd", counting("mmd", score_terms.mk_mmd))
    problem = corners()
    return calls, problem._replace(shared=Shared(), features=counting("features", problem.features))


def test_all_scores_cost_one(counted):
    calls, problem = counted
    METHODS["score_scale_free"](problem)
    once, parts = dict(calls), sum(part.any() for c in problem.contributors for part in (c.real, ~c.real))
    assert once["kernel"] == len(problem.contributors) * len(problem.initial)
    assert (once["mmd"], once["features"]) == (parts, len(problem.contributors) + 1)
    for name in (*SCORES, "davinz", "mmd_only", "mmd_size", "loss_only"):
        METHODS[name](problem)
    score_terms.terms(problem)
    assert calls == once
    METHODS["score_scale_free"](problem, ridge=0.1)  # another solve of the same kernels
    METHODS["score_scale_free"](problem, output="sum")
    assert calls["kernel"] == 2 * once["kernel"]


def test_fits_share_kernels_and_features(counted):
    calls, problem = counted
    METHODS["ntk_utility"](problem)
    once = dict(calls)
    assert once["kernel"] == 2 * len(problem.contributors) * len(problem.initial)
    METHODS["ntk_flow"](problem)
    for name in ("rbf_utility", "rbf_margin", "linear_utility", "knn_utility"):
        METHODS[name](problem)
    assert calls == once | {"features": len(problem.contributors) + 1}


@cache
def valued(make, first, end, names):
    """(some contributors of a problem with what it shares, their values), once for all parts that are then replaced."""
    problem = make()._replace(contributors=make().contributors[first:end], shared=Shared())
    return problem, {name: METHODS[name](problem) for name in names}


def check_never_stale(problem, before, **other):
    """With a part replaced values are those of the new problem without sharing, and those of the old one stay."""
    changed = problem._replace(**other)
    after = {name: METHODS[name](changed) for name in before}
    for name in before:
        np.testing.assert_array_equal(after[name], METHODS[name](changed._replace(shared=None)), err_msg=name)
        np.testing.assert_array_equal(METHODS[name](problem), before[name], err_msg=name)
    return after


FIELDS = ("validation", "pool", "initial", "model", "features", "key", "contributors", "objective", "learner")


@pytest.mark.parametrize("field", FIELDS)
def test_a_replaced_part_is_never_stale(field):
    names = ("ntk_utility", "rbf_utility", "linear_utility", "knn_utility", "score_kappa", "score_disagreement",
             "davinz", "surrogate")  # fmt: skip
    problem, before = valued(corners, 1, 5, names)
    other = {
        "validation": data(30, 7),
        "pool": problem.pool._replace(inputs=problem.pool.inputs[::-1].copy()),
        "initial": problem.initial[::-1][:1],
        "model": problem.model._replace(apply=lambda p, f, x: 2 * problem.model.apply(p, f, x)),
        "features": lambda inputs: inputs[:, :2],
        "key": sequences().key,
        "contributors": problem.contributors[3:1:-1],
        "objective": Classification(4),
        "learner": "convolutional",
    }
    after = check_never_stale(problem, before, **{field: other[field]})
    assert field == "key" or not all(np.array_equal(before[name], after[name]) for name in names)


@pytest.mark.parametrize("field", ["validation", "pool", "initial", "model", "features", "contributors"])
def test_a_replaced_part_of_sequences_is_never_stale(field):
    names = ("knn_lm", "token_ridge", "score_disagreement")
    problem, before = valued(sequences, 0, 2, names)
    pool, readout = problem.pool, problem.model.readout

    def doubled(params, frozen, inputs, *places):
        states, outputs = readout.states(params, frozen, inputs, *places)
        return 2 * states, 2 * outputs

    other = {
        "validation": pool.take(np.arange(10, 20)),
        "pool": pool.take(np.arange(70)[::-1]),
        "initial": problem.initial[::-1][:1],
        "model": problem.model._replace(readout=readout._replace(states=doubled)),
        "features": lambda inputs: problem.features(inputs)[:, :4],
        "contributors": sequences().contributors[2:],
    }
    after = check_never_stale(problem, before, **{field: other[field]})
    assert not all(np.array_equal(before[name], after[name]) for name in names)


def test_what_does_not_fit_is_computed_again():
    shared, made = Shared(capacity=100), []

    def make(size):
        made.append(size)
        return np.zeros(size)

    depends = (object(),)
    for _ in range(2):
        shared.get("small", depends, lambda: make(10))
        shared.get("large", depends, lambda: make(11))
    assert made == [10, 11, 11]
    assert shared.bytes == 80
    np.testing.assert_array_equal(
        METHODS["ntk_flow"](corners()._replace(shared=shared)), METHODS["ntk_flow"](corners())
    )


def test_results_are_kept_by_identity_and_cannot_be_written_to():
    shared, pair = Shared(), ([1], [1])
    first = shared.get("name", pair[:1], lambda: np.ones(2))
    assert shared.get("name", pair[:1], lambda: np.zeros(2)) is first
    assert shared.get("name", pair[1:], lambda: np.zeros(2))[0] == 0  # equal, but another object
    assert shared.get("name", pair[:1], lambda: np.zeros(2), options=(1,))[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 3
    source = np.ones(3)
    shared.get("view", pair, lambda: source)
    source[0] = 2  # what the caller holds stays the caller's


def test_what_is_shared_counts_for_everyone_who_uses_it():
    """A clock that only `work` moves: features 1, distances 10 (which use features), a kernel 100 (which uses both)."""
    now = 0.0

    def work(seconds):
        nonlocal now
        now += seconds
        return np.zeros(1)

    shared, depends = Shared(clock=lambda: now), (object(),)

    def features():
        return shared.get("features", depends, lambda: work(1))

    def distances():
        return shared.get("distances", depends, lambda: features() + work(10))

    def kernel():
        return shared.get("kernel", depends, lambda: distances() + features() + work(100))

    for make, seconds in ((distances, 11), (features, 1), (kernel, 111), (kernel, 111), (distances, 11)):
        assert shared.timed(lambda make=make: make() + make() + work(1000))[1] == 1000 + seconds
    assert now == 5 * 1000 + 111  # each was made once


def test_the_time_of_what_is_not_kept_is_that_of_its_users():
    now = 0.0

    def work(seconds, size=1):
        nonlocal now
        now += seconds
        return np.zeros(size)

    shared, depends = Shared(capacity=24, clock=lambda: now), (object(),)

    def large():
        return shared.get("large", depends, lambda: shared.get("inner", depends, lambda: work(1)) + work(10, 100))

    def outer():
        return shared.get("outer", depends, lambda: large()[:1] + work(100))

    assert shared.timed(outer)[1] == 111
    assert shared.timed(outer)[1] == 111
    assert shared.timed(large)[1] == 11
    assert now == 111 + 10
