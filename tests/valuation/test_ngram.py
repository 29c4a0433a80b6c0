"""The n-gram model against dictionaries of counts, a hand calculation, an entropy rate and what must not matter."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from valuation import ngram
from valuation.ngram import fit_ngram, mean_log_probability, token_log_probabilities
from valuation.problem import Examples


def slow_events(examples, order):
    """(context as a tuple, the oldest token first; word) of every target token, by loops."""
    for inputs, targets, mask in zip(*(leaf.tolist() for leaf in examples), strict=True):
        for i, word in enumerate(targets):
            if mask[i]:
                yield tuple(inputs[j] if j >= 0 else 0 for j in range(i - order + 2, i + 1)), word


def slow_log_probabilities(train, validation, vocabulary, order):
    """Witten-Bell by recursion over dictionaries; the rows of `train` must be distinct."""
    words = defaultdict(Counter)
    for context, word in slow_events(train, order):
        for k in range(order):
            words[context[len(context) - k :]][word] += 1

    def probability(word, context):
        shorter = probability(word, context[1:]) if context else 1 / vocabulary
        if context not in words:
            return shorter
        after = words[context]
        return (after[word] + len(after) * shorter) / (sum(after.values()) + len(after))

    return [np.log(probability(word, context)) for context, word in slow_events(validation, order)]


def draw(seed, n, t, tokens) -> Examples:
    """Rows of tokens with a prompt of 0 to 2 tokens, targets, and padding with 0; all rows distinct."""
    rng, tokens = np.random.default_rng(seed), np.asarray(tokens, np.int64)
    text = np.unique(tokens[rng.integers(0, len(tokens), (n, t + 1))], axis=0)
    rng.shuffle(text)
    position = np.arange(t + 1)
    start, stop = rng.integers(0, 3, (len(text), 1)), rng.integers(2, t + 1, (len(text), 1))
    text = np.where(position <= stop, text, 0)
    return Examples(text[:, :-1], text[:, 1:], ((position >= start) & (position < stop))[:, :-1])


def joined(*sets) -> Examples:
    return Examples(*(np.concatenate(leaves) for leaves in zip(*sets, strict=True)))


TRAIN, VALIDATION = draw(0, 40, 7, range(1, 6)), draw(1, 15, 7, range(1, 7))


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("tokens", [range(6), [0, 2**31 - 1, 2**31 - 2, 1, 2**30]], ids=["few", "codes beyond 64 bits"])
def test_probabilities_are_those_of_dictionaries(order, tokens):
    vocabulary = max(tokens) + 1
    train, validation = draw(2, 40, 7, tokens), draw(3, 15, 7, tokens)
    received = token_log_probabilities(fit_ngram(train, vocabulary, order=order), validation)
    expected = slow_log_probabilities(train, validation, vocabulary, order)
    np.testing.assert_allclose(received, expected, rtol=1e-12)
    model = fit_ngram(train, vocabulary, order=order)
    assert mean_log_probability(model, validation) == pytest.approx(np.sum(expected) / validation.mask.sum(), rel=1e-12)


def test_a_hand_calculation():
    # Words after 1: 2, 2; after 2: 1. So P_0 = (.1, .3, .5, .1): c = 3, T = 2, V = 4.
    train = Examples(np.array([[1, 2, 1]]), np.array([[2, 1, 2]]), np.ones((1, 3), bool))
    asked = Examples(np.array([[1, 1, 2, 2, 3, 3]]), np.array([[2, 1, 2, 1, 1, 0]]), None)
    received = np.exp(token_log_probabilities(fit_ngram(train, 4, order=2), asked))
    np.testing.assert_allclose(received, [2.5 / 3, 0.3 / 3, 0.5 / 2, 1.3 / 2, 0.3, 0.1], rtol=1e-14)


def test_probabilities_sum_to_one_after_any_context():
    model = fit_ngram(TRAIN, 9)
    for context in ([1, 2], [5, 4], [3, 8], [8, 3], [7, 8], [0, 0]):
        inputs, targets = np.tile(context, (9, 1)), np.stack([np.zeros(9, int), np.arange(9)], axis=1)
        asked = Examples(inputs, targets, np.tile([False, True], (9, 1)))
        assert np.exp(token_log_probabilities(model, asked)).sum() == pytest.approx(1, abs=1e-12)


def test_many_rows_of_a_chain_reach_its_entropy():
    rng, law = np.random.default_rng(4), np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]])
    text = np.zeros((4000, 21), int)
    for i in range(20):
        text[:, i + 1] = (rng.random(4000)[:, None] > law.cumsum(1)[text[:, i]]).sum(1)
    after = np.linalg.matrix_power(law, 50)[0]
    rows = Examples(text[:, 5:-1], text[:, 6:], None)
    value = mean_log_probability(fit_ngram(rows.take(slice(2000)), 3, order=2), rows.take(slice(2000, None)))
    assert value == pytest.approx(after @ (law * np.log(law)).sum(1), abs=0.01)


def wider(examples, fill):
    """Three columns more, which hold `fill`, as all columns after the last target token do."""
    inputs, targets, mask = (np.pad(leaf, ((0, 0), (0, 3))) for leaf in examples)
    later = np.arange(mask.shape[1]) > mask.shape[1] - 1 - mask[:, ::-1].argmax(1)[:, None]
    return Examples(np.where(later, fill, inputs), np.where(later, fill, targets), mask)


def renamed(examples):
    return examples._replace(inputs=RENAME[examples.inputs], targets=RENAME[examples.targets])


RENAME = np.array([0, 4, 6, 1, 3, 5, 2])  # 0 stands before the row as well
EMPTY = Examples(*(leaf[:5] for leaf in TRAIN[:2]), np.zeros((5, 7), bool))
UNCHANGED = {
    "order of rows": lambda rows: rows.take(np.random.default_rng(5).permutation(len(rows.inputs))),
    "repeated rows": lambda rows: joined(rows, rows.take(slice(9)), rows),
    "rows without a target token": lambda rows: joined(EMPTY, rows),
    "more padding": lambda rows: wider(rows, 0),
    "padding that holds anything": lambda rows: joined(wider(rows, -100), wider(rows, 10**12)),
    "targets of the prompt": lambda rows: rows._replace(targets=np.where(rows.mask, rows.targets, -1)),
    "type of the tokens": lambda rows: Examples(*(leaf.astype(np.uint8) for leaf in rows)),
}


@pytest.mark.parametrize("change", UNCHANGED.values(), ids=UNCHANGED)
def test_what_must_not_change_a_model(change):
    expected, received = fit_ngram(TRAIN, 7), fit_ngram(change(TRAIN), 7)
    for one, other in zip(expected.levels, received.levels, strict=True):
        for name, array, same in zip(one._fields, one, other, strict=True):
            np.testing.assert_array_equal(array, same, err_msg=name)


def test_names_of_tokens_and_padding_do_not_change_a_value():
    value = mean_log_probability(fit_ngram(TRAIN, 7), VALIDATION)
    assert mean_log_probability(fit_ngram(renamed(TRAIN), 7), renamed(VALIDATION)) == pytest.approx(value, rel=1e-12)
    assert mean_log_probability(fit_ngram(TRAIN, 7), wider(VALIDATION, -1)) == value


def test_repeated_validation_rows_weigh_as_often_as_they_stand_there():
    model, (first, rest) = fit_ngram(TRAIN, 7), (VALIDATION.take(slice(1)), VALIDATION.take(slice(1, None)))
    three = token_log_probabilities(model, joined(first, first, first, rest))
    each = token_log_probabilities(model, VALIDATION)
    np.testing.assert_array_equal(three, np.concatenate([np.tile(each[: first.mask.sum()], 2), each]))


def test_rows_that_differ_in_their_targets_or_mask_alone_are_distinct():
    inputs, targets = np.array([[1, 2]] * 3), np.array([[2, 3], [2, 4], [2, 3]])
    model = fit_ngram(Examples(inputs, targets, np.array([[1, 1], [1, 1], [0, 1]], bool)), 5)
    assert model.levels[0].counts == [5]
    np.testing.assert_array_equal(model.levels[0].pair_counts, [2, 2, 1])


def test_a_set_without_target_tokens_is_uniform():
    for nothing in (EMPTY, EMPTY.take(slice(0)), Examples(*(leaf[:, :0] for leaf in EMPTY))):
        received = token_log_probabilities(fit_ngram(nothing, 7), VALIDATION)
        np.testing.assert_array_equal(received, np.full(VALIDATION.mask.sum(), np.log(1 / 7)))


def test_rows_are_read_in_blocks_and_from_disk(monkeypatch, tmp_path):
    expected = token_log_probabilities(fit_ngram(TRAIN, 7), VALIDATION)
    np.save(tmp_path / "inputs.npy", TRAIN.inputs)
    monkeypatch.setattr(ngram, "BLOCK", 20)  # two rows of seven tokens
    mapped = TRAIN._replace(inputs=np.load(tmp_path / "inputs.npy", mmap_mode="r"))
    np.testing.assert_array_equal(token_log_probabilities(fit_ngram(mapped, 7), VALIDATION), expected)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fit_ngram(TRAIN, 5), "has token 5, outside the vocabulary of 5 tokens"),
        (lambda: fit_ngram(TRAIN._replace(targets=TRAIN.targets - 9), 7), "row 0 of targets has token -"),
        (lambda: token_log_probabilities(fit_ngram(TRAIN, 6), VALIDATION), "has token 6, outside the vocabulary of 6"),
        (lambda: fit_ngram(TRAIN._replace(inputs=TRAIN.inputs * 1.0), 7), "inputs are float64, expected integer"),
        (lambda: fit_ngram(TRAIN._replace(mask=TRAIN.mask[:, 1:]), 7), "need one shape"),
        (lambda: fit_ngram(Examples(np.zeros((3, 4, 4, 1)), np.zeros(3, int)), 7), "need one shape"),
        (lambda: fit_ngram(TRAIN, 0), "1 to 2\\^31, got 0"),
        (lambda: fit_ngram(TRAIN, 7, order=0), "order must be at least 1"),
        (lambda: mean_log_probability(fit_ngram(TRAIN, 7), EMPTY), "no row has a target token"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_blocks_of_events_count_the_same(monkeypatch):
    """Also where blocks hold different n-grams, and more of them than two."""
    tokens = np.random.default_rng(0).zipf(1.5, (60, 9)).clip(max=30) - 1
    examples = Examples(tokens[:, :-1], tokens[:, 1:])
    whole = fit_ngram(examples, 30, order=4)
    monkeypatch.setattr(ngram, "EVENTS", 56)
    for found, expected in zip(fit_ngram(examples, 30, order=4).levels, whole.levels, strict=True):
        for counted, table in zip(found, expected, strict=True):
            np.testing.assert_array_equal(counted, table)
