import numpy as np
import pytest

from tests.problems import contributor, corners, data, sequences
from valuation.aggregate import by_contributor, trained, union_examples


def test_contributors_of_shared_and_repeated_examples():
    pool = data(10, 0)
    both = (contributor("a", [1, 2, 2], pool), contributor("b", [2, 3], pool, targets=[0, 1]))
    train, group_rows = union_examples(corners()._replace(pool=pool, contributors=both))
    for one, rows in zip(both, group_rows, strict=True):
        np.testing.assert_array_equal(train.inputs[rows], pool.inputs[one.index])
        np.testing.assert_array_equal(train.targets[rows], one.targets)
    scores = np.arange(len(train.inputs) * 2.0).reshape(-1, 2)
    alike, unlike = np.ones(2), np.array([3.0, 1.0])
    assert by_contributor(scores, group_rows, "sum", alike)[0] == pytest.approx(scores[group_rows[0]].mean(1).sum())
    assert by_contributor(scores, group_rows, "mean", alike)[1] == pytest.approx(scores[group_rows[1]].mean())
    by_hand = (0.75 * scores[:, 0] + 0.25 * scores[:, 1])[group_rows[0]].sum()
    assert by_contributor(scores, group_rows, "sum", unlike)[0] == pytest.approx(by_hand)
    with pytest.raises(ValueError, match="reduction 'max' is unknown"):
        by_contributor(scores, group_rows, "max", alike)
    with pytest.raises(ValueError, match="none of 2 sequences has a target token"):
        by_contributor(scores, group_rows, "sum", np.zeros(2))


def test_sequences_that_two_hold_stand_once():
    problem = sequences()
    train, group_rows = union_examples(problem)
    assert len(train.inputs) == len(np.unique(np.concatenate([c.index for c in problem.contributors])))
    for one, rows in zip(problem.contributors, group_rows, strict=True):
        np.testing.assert_array_equal(train.targets[rows], one.targets)


def test_models_of_checkpoints():
    (first, rate), _ = trained(corners())
    assert rate == corners().checkpoints[0][1]
    assert first.params is corners().checkpoints[0][0]
    with pytest.raises(ValueError, match=r"Problem\.checkpoints is empty"):
        trained(corners()._replace(checkpoints=()))
