import numpy as np

from experiments.data import vocabulary

TEXTS = ["A film, a FILM!<br />It wasn't bad.", "the film was a bore", "bad bad bad: once"]
WORDS = vocabulary.vocabulary(TEXTS, 5)


def test_words_are_numbered_by_frequency_and_case_and_markup_are_left_out():
    rows, cut = vocabulary.encode(WORDS, TEXTS, 9)
    assert [WORDS.id_to_token(i) for i in range(2, 5)] == ["bad", "a", "film"]  # 4, then 3 each by the alphabet
    assert rows.tolist() == [[3, 4, 3, 4, 1, 1, 2, 0, 0], [1, 4, 1, 3, 1, 0, 0, 0, 0], [2, 2, 2, 1, 0, 0, 0, 0, 0]]
    assert cut == 0
    assert vocabulary.decode(WORDS, rows[0]) == "a film a film bad"


def test_a_word_that_stands_there_once_is_no_word():
    assert "once" not in vocabulary.vocabulary(TEXTS, 100).get_vocab()


def test_long_texts_are_cut_and_counted():
    rows, cut = vocabulary.encode(WORDS, TEXTS, 5)
    assert rows.tolist() == [[3, 4, 3, 4, 1], [1, 4, 1, 3, 1], [2, 2, 2, 1, 0]]
    assert cut == 1


def test_a_truncated_vocabulary_keeps_order_and_pads_on_the_right():
    rows, _ = vocabulary.encode(WORDS, TEXTS, 9)
    assert vocabulary.frequent(rows, 2).tolist()[0] == [3, 3, 2, 0, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(vocabulary.frequent(rows, 3), vocabulary.packed(np.where(rows > 1, rows, 0), 9))
    assert vocabulary.frequent(rows, 1).tolist()[1] == [0] * 9


def test_rarity_by_counting_texts():
    rows = np.random.default_rng(0).integers(0, 12, (30, 7))
    texts = [sum(word in row for row in rows) for word in range(12)]
    expected = [np.log(31 / (1 + count)) + 1 if word > 1 else 0 for word, count in enumerate(texts)]
    np.testing.assert_allclose(vocabulary.rarity(rows, 12), expected, rtol=1e-6)
