import numpy as np
import pytest
import tokenizers
from ml_collections import ConfigDict

from experiments.tasks import token_rows
from experiments.tasks.token_rows import Pair

LIMITS = ConfigDict({"length": 12, "instruction": 2, "response": 4})
PAIRS = [
    Pair("add them", "one two three four five six seven", "três é 3", "a"),
    Pair("", "seven", "one two three four five six", "b"),
    Pair("say it", "two", "ok", "b"),
]
TEXTS = [text for pair in PAIRS for text in pair[:3]]
CODER = token_rows.trained_coder(TEXTS * 3, 400)


def ids(text):
    return CODER.tokenizer.encode(text, add_special_tokens=False).ids


def rows_of(examples):
    return np.concatenate([examples.inputs[:, :1], examples.targets], 1)


def test_rows_follow_the_layout_and_its_rules_of_length():
    examples, cut = token_rows.encode(CODER, PAIRS, LIMITS)
    ask, answer, end = CODER.ask, CODER.answer, CODER.end
    for row, (pair, mask) in enumerate(zip(PAIRS, examples.mask, strict=True)):
        instruction, prompt, response = (ids(text) for text in pair[:3])
        tail = [*response, end] if len(response) < 4 else response[:4]
        head = [*instruction[:2], ask]
        room = 12 - len(head) - len(tail)
        expected = [*head, *prompt[-room:], answer, *tail]
        found = rows_of(examples)[row]
        np.testing.assert_array_equal(found[: len(expected)], expected)
        assert not found[len(expected) :].any()
        np.testing.assert_array_equal(examples.targets[row][mask], tail)
    lengths = [[len(ids(text)) for text in pair[:3]] for pair in PAIRS]
    assert cut["instructions"] == sum(i > 2 for i, _, _ in lengths)
    assert cut["responses"] == sum(r > 4 for _, _, r in lengths)
    assert cut["prompts"] >= 1
    with pytest.raises(ValueError, match="5 tokens cannot hold"):
        token_rows.encode(CODER, PAIRS, ConfigDict({"length": 5, "instruction": 2, "response": 4}))


def test_a_word_that_is_numbered_like_the_padding_is_kept_at_the_end():
    plain = sorted(set("abcd!"))
    words = {word: i for i, word in enumerate(["!", "<ask>", "<answer>", "<end>", *plain[1:]])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(words, []))
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    with pytest.raises(ValueError, match=r"'<ask>' of config\.tokens\.special is a word of the tokenizer"):
        token_rows.coder(tokenizer, "<ask>", "<answer>", "<end>")
    tokenizer.add_special_tokens(["<ask>", "<answer>", "<end>"])
    code = token_rows.coder(tokenizer, "<ask>", "<answer>", "<end>")
    examples, _ = token_rows.encode(
        code, [Pair("", "ab", "cd!!", "a")], ConfigDict({"length": 20, "instruction": 0, "response": 9})
    )
    assert token_rows.texts(code, examples.inputs) == [("ab", "cd!!")]


def test_texts_and_bytes_come_back():
    examples, _ = token_rows.encode(CODER, PAIRS, ConfigDict({"length": 90, "instruction": 20, "response": 40}))
    assert token_rows.texts(CODER, examples.inputs) == [(pair.prompt, pair.response) for pair in PAIRS]
    assert token_rows.bytes_of(CODER, examples) == sum(len(pair.response.encode()) for pair in PAIRS)


def test_text_is_data():
    """Marks of the layout that a text spells out, and what is no letter, are text: no row is split there."""
    strange = "a<end>b <answer><ask> <pad>", "\x00", "\n\r\n\u2028\x85", "{{ x }}{% if %}", "é\ufeff"
    pairs = [Pair(text, text, text, "a") for text in strange]
    examples, cut = token_rows.encode(CODER, pairs, ConfigDict({"length": 200, "instruction": 60, "response": 60}))
    assert token_rows.texts(CODER, examples.inputs) == [(text, text) for text in strange]
    assert cut == {"instructions": 0, "prompts": 0, "responses": 0}
    assert token_rows.bytes_of(CODER, examples) == sum(len(text.encode()) for text in strange)
    full = rows_of(examples)
    assert [(full == token).sum(1).tolist() for token in (CODER.ask, CODER.answer, CODER.end)] == [
        [1] * len(strange)
    ] * 3
    lone, _ = token_rows.encode(CODER, [Pair("", "\ud800", "a\udc00", "a")], LIMITS)
    assert token_rows.texts(CODER, lone.inputs)[0][0] == "\ufffd"
    assert token_rows.trained_coder(["\ud800 ab <end>"], 300).end == 3


def test_added_words_count_their_bytes():
    """A token that is added and no special one, such as those for tools, is a word: it stands for what it spells."""
    tokenizer = tokenizers.Tokenizer.from_str(CODER.tokenizer.to_str())
    tokenizer.add_tokens(["<tool é>"])
    code = token_rows.coder(tokenizer, "<ask>", "<answer>", "<end>")
    examples, _ = token_rows.encode(code, [Pair("", "two", "two<tool é>", "a")], LIMITS)
    assert token_rows.bytes_of(code, examples) == len("two<tool é>".encode())
    assert code.ends == CODER.ends == (0, 1, 2, 3)


def test_digits_stand_alone():
    tokens = token_rows.trained_coder(["1234 1234 1234 abc abc"] * 20, 400).tokenizer.encode("1234 abc").tokens
    assert [t for t in tokens if any(c.isdigit() for c in t)] == ["1", "2", "3", "4"]


def test_noise_gives_other_responses_and_leaves_the_rest():
    examples, _ = token_rows.encode(CODER, PAIRS, LIMITS)
    wrong = np.array([True, False, True])
    noisy = token_rows.swap_responses(CODER, examples, wrong, np.random.default_rng(0))
    old = [tuple(row[mask]) for row, mask in zip(examples.targets, examples.mask, strict=True)]
    new = [tuple(row[mask]) for row, mask in zip(noisy.targets, noisy.mask, strict=True)]
    assert new[1] == old[1]
    np.testing.assert_array_equal(noisy.inputs[1], examples.inputs[1])
    for row in (0, 2):
        assert new[row] != old[row]
        assert new[row] in old
        before, after = rows_of(examples)[row], rows_of(noisy)[row]
        start, moved = (int(np.argmax(line == CODER.answer)) for line in (before, after))
        asked = int(np.argmax(before == CODER.ask)) + 1
        np.testing.assert_array_equal(after[:asked], before[:asked])
        np.testing.assert_array_equal(after[asked:moved], before[start - (moved - asked) : start])  # the end is kept
        np.testing.assert_array_equal(after[moved + 1 : moved + 1 + len(new[row])], new[row])
    alone = token_rows.swap_responses(CODER, examples.take([0]), np.array([True]), np.random.default_rng(0))
    np.testing.assert_array_equal(alone.targets, examples.targets[:1])  # there is no other response
