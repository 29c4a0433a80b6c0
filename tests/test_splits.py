import numpy as np
import pytest

from experiments import splits


def contents(count):
    return [f"example {i}".encode() for i in range(count)]


def test_parts_are_disjoint_and_of_the_asked_size():
    split = splits.by_content(contents(100), validation=10, test=20)
    assert [len(part) for part in split] == [70, 10, 20, 0]
    assert sorted(np.concatenate(split[:3])) == list(range(100))


def test_where_an_example_goes_does_not_depend_on_the_order():
    order = np.random.default_rng(0).permutation(100)
    mixed = [contents(100)[i] for i in order]
    first, second = (splits.by_content(c, validation=10, test=20) for c in (contents(100), mixed))
    assert set(first.test) == set(order[second.test])
    assert set(first.validation) == set(order[second.validation])


def test_repeats_are_dropped_wherever_they_stand():
    split = splits.by_content([*contents(50), *contents(5)], validation=10, test=10)
    assert split.dropped.tolist() == [50, 51, 52, 53, 54]
    assert len(split.train) == 30


def test_nothing_left_to_train_on_is_an_error():
    with pytest.raises(ValueError, match="30 distinct examples cannot give 10 for validation and 20"):
        splits.by_content(contents(30), validation=10, test=20)


def test_overlaps_by_brute_force():
    rng = np.random.default_rng(0)
    left, right = rng.random((30, 4)).astype(np.float32), rng.random((20, 4)).astype(np.float32)
    left[3], left[7] = right[2], right[2] * 2 + 1e-3
    assert splits.exact_overlap(left, right) == 1
    similar = [
        any(a @ b / np.linalg.norm(a) / np.linalg.norm(b) >= 0.999 for b in right.astype(float))
        for a in left.astype(float)
    ]
    assert splits.near_overlap(left, right, similarity=0.999) == sum(similar) >= 2
