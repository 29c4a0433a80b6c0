"""The measures of a problem: by hand on its arrays, what may not change them, what is refused."""

import gzip
from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import eigvalsh
from scipy.spatial.distance import pdist, squareform

from tests.problems import corners, numbers, sequences
from tests.reference import euclidean
from valuation.covariates import MEASURES, of_problem
from valuation.covariates.concentration import class_concentration
from valuation.covariates.measure import sampled
from valuation.problem import contributor_examples
from valuation.shared import Shared


def names(problem):
    kind, inputs = problem.objective.kind, problem.pool.inputs
    return [name for name, measure in MEASURES.items() if measure.takes(kind) and measure.reads(inputs)]


def test_support_is_that_of_balls_of_the_validation_set():
    problem = corners()
    v = problem.validation.inputs
    radii = np.sort(euclidean(v, v), axis=1)[:, of_problem.NEAREST]
    for i, one in enumerate(problem.contributors):
        inside = euclidean(v, problem.pool.inputs[one.index]) < radii[:, None]
        assert MEASURES["precision"](problem)[i] == pytest.approx(inside.any(0).mean())
        assert MEASURES["recall"](problem)[i] == pytest.approx(inside.any(1).mean())


def test_what_the_corners_are_is_seen():
    problem = corners()
    at = {one.name: i for i, one in enumerate(problem.contributors)}
    found = {name: MEASURES[name](problem) for name in names(problem)}
    assert found["recall"][at["large"]] > found["recall"][at["one class"]] > found["recall"][at["one example"]]
    assert found["disagreement"][at["wrong labels"]] > 0.9 > 0.1 > found["disagreement"][at["large"]]
    for name in ("vendi", "clusters"):
        assert found[name][at["large"]] > found[name][at["one class"]] > found[name][at["only repeats"]]
    assert found["vendi"][at["only repeats"]] == pytest.approx(1)
    assert found["concentration"][at["only repeats"]] == pytest.approx(0, abs=1e-12)
    v, one = problem.validation.inputs, problem.contributors[at["wrong labels"]]
    centre = np.median(v, 0)
    logits = (problem.pool.inputs[one.index] - centre) / np.sqrt(np.square(v - centre).mean())
    expected = class_concentration(logits, one.targets)
    np.testing.assert_allclose(found["concentration"][at["wrong labels"]], expected, rtol=1e-4)


def test_repetition_looks_at_tokens_without_padding():
    problem = sequences()
    assert "concentration" not in names(problem)
    assert not {"gzip", "distinct"} & {*names(corners())}
    for name in names(problem):
        assert np.isfinite(MEASURES[name](problem)).all(), name
    for i, one in enumerate(problem.contributors):
        rows = contributor_examples(problem, one).inputs
        pairs = [pair for row in rows for pair in pairwise(row) if 0 not in pair]
        assert MEASURES["distinct"](problem)[i] == pytest.approx(len(set(pairs)) / len(pairs))


def test_what_gzip_leaves_is_that_of_two_bytes_a_token_without_padding():
    """18 bytes of a gzip file are head and check sum, of what is counted 6."""
    problem = sequences()
    for i, one in enumerate(problem.contributors):
        rows = problem.pool.inputs[one.index]
        content = b"".join(int(token).to_bytes(2, "little") for row in rows for token in row if token != 0)
        assert len(content) < 2 * rows.size
        expected = (len(gzip.compress(content, 6)) - 12) / len(content)
        assert MEASURES["gzip"](problem)[i] == pytest.approx(expected)


@pytest.mark.parametrize("make", [corners, numbers])
def test_vendi_is_that_of_the_kernel_whose_width_is_the_median_of_validation(make):
    problem = make()
    s2 = np.median(pdist(problem.validation.inputs, "sqeuclidean"))
    for i, one in enumerate(problem.contributors):
        squared = squareform(pdist(problem.pool.inputs[one.index], "sqeuclidean"))
        shares = eigvalsh(np.exp(-squared / (2 * s2)) / len(squared))
        shares = shares[shares > 1e-12]
        assert MEASURES["vendi"](problem)[i] == pytest.approx(np.prod(shares**-shares), rel=1e-4), one.name


@pytest.mark.parametrize("make", [corners, numbers])
def test_unit_offset_and_order_of_features_change_nothing(make):
    problem = make()._replace(shared=Shared())
    other = problem._replace(features=lambda inputs: 1e3 * np.float64(inputs[:, ::-1]) + 1e4)
    for name in names(problem):
        np.testing.assert_allclose(MEASURES[name](other), MEASURES[name](problem), rtol=1e-3, atol=1e-6, err_msg=name)


def test_of_many_examples_some_are_drawn_alike_for_every_contributor():
    problem = corners()
    cut = sampled(problem, 10)
    for one, whole in zip(cut.contributors, problem.contributors, strict=True):
        assert len(one.index) == min(10, len(whole.index))
        assert (one is whole) == (len(whole.index) <= 10)
        assert set(one.index) <= set(whole.index)
    assert sampled(problem, None).contributors == problem.contributors
    large, wrong = cut.contributors[0], cut.contributors[3]  # of as many examples, and the same ones
    np.testing.assert_array_equal(large.index, wrong.index)
    np.testing.assert_array_equal((large.targets + 1) % 3, wrong.targets)


def test_what_a_measure_does_not_take_is_said():
    with pytest.raises(ValueError, match="concentration takes classification, this problem is one of regression"):
        MEASURES["concentration"](numbers())
    with pytest.raises(ValueError, match="gzip takes tokens, these inputs are float32 numbers"):
        MEASURES["gzip"](corners())
    broken = MEASURES["vendi"]._replace(of=lambda problem: np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="vendi gives nan for small: a number on the way"):
        broken(corners())
