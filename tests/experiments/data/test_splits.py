import numpy as np
import pytest

from experiments.data import splits


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


def test_another_salt_is_another_split():
    plain, salted = (splits.by_content(contents(400), validation=100, test=100, salt=salt) for salt in ("", "b"))
    for one, other in ((plain.test, salted.test), (plain.validation, salted.validation)):
        assert 10 <= len(np.intersect1d(one, other)) <= 40  # 25 expected, standard deviation 3.8
    prefixed = splits.by_content([b"b" + content for content in contents(400)], validation=100, test=100)
    assert all((a == b).all() for a, b in zip(salted, prefixed, strict=True))


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


def test_an_own_test_set_stays_whole_less_what_it_shares():
    texts = [*contents(40), *contents(3), b"new", b"new too"]  # the test set holds three of the others
    split = splits.beside_test(texts, np.arange(40, 45), validation=10)
    assert split.test.tolist() == [43, 44]
    assert split.dropped.tolist() == [40, 41, 42]
    assert len(split.validation) == 10
    assert sorted(np.concatenate(split)) == list(range(45))


def runs(row, length):
    return {tuple(row[i : i + length]) for i in range(len(row) - length + 1) if row[i + length - 1]}


def test_common_runs_of_tokens_by_brute_force():
    rng = np.random.default_rng(0)
    left, right = rng.integers(1, 4, (60, 12)), rng.integers(1, 4, (40, 9))
    for rows in (left, right):  # texts of many lengths, padded on the right
        for row in rows:
            row[rng.integers(0, len(row) + 1) :] = 0
    for length in (1, 4, 6, 9):
        known = set().union(*(runs(row, length) for row in right))
        expected = sum(bool(runs(row, length) & known) for row in left)
        assert splits.ngram_overlap(left, right, length=length) == expected
    assert 0 < splits.ngram_overlap(left, right, length=6) < 60
    assert splits.ngram_overlap(left, right, length=10) == 0  # no text of the right side is as long


def test_a_copied_sentence_is_found_wherever_it_stands():
    rng = np.random.default_rng(1)
    left, right = rng.integers(1, 10_000, (2, 50, 60))
    assert splits.ngram_overlap(left, right, length=13) == 0
    left[7, 20:33], left[9, 20:32] = right[3, 47:], right[3, 47:59]  # thirteen tokens, and only twelve
    assert splits.ngram_overlap(left, right, length=13) == 1
    left[7, 20:33] = left[7, 20:33][::-1]
    assert splits.ngram_overlap(left, right, length=13) == 0


def test_runs_of_words_against_brute_force():
    rng = np.random.default_rng(0)
    texts = [(" ".join(rng.choice(list("abc"), 9)), "d, E") for _ in range(40)]
    left, right = texts[:20], texts[20:]

    def runs(item):
        every = [text.lower().replace(",", "").split() for text in item]
        return {" ".join(w[i : i + 6]) for w in every for i in range(len(w) - 5)}

    known = set().union(*map(runs, right))
    expected = [bool(runs(item) & known) for item in left]
    assert 0 < sum(expected) < 20
    np.testing.assert_array_equal(splits.word_overlap(left, right, length=6), expected)
