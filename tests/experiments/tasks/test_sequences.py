import json
import shutil
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
import tokenizers
from ml_collections import ConfigDict
from scipy.special import log_softmax

from configs import instructions as config_file
from experiments.data import hub, splits
from experiments.synthetic import word_problems
from experiments.tasks import sequences, text_metrics, token_rows
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
    code = token_rows.coder(tokenizer, "<ask>", "<answer>", "<end>")
    examples, _ = token_rows.encode(
        code, [Pair("", "ab", "cd!!", "a")], ConfigDict({"length": 20, "instruction": 0, "response": 9})
    )
    assert token_rows.texts(code, examples.inputs) == [("ab", "cd!!")]


def test_texts_and_bytes_come_back():
    examples, _ = token_rows.encode(CODER, PAIRS, ConfigDict({"length": 90, "instruction": 20, "response": 40}))
    assert token_rows.texts(CODER, examples.inputs) == [(pair.prompt, pair.response) for pair in PAIRS]
    assert token_rows.bytes_of(CODER, examples) == sum(len(pair.response.encode()) for pair in PAIRS)


def test_digits_stand_alone():
    tokens = token_rows.trained_coder(["1234 1234 1234 abc abc"] * 20, 400).tokenizer.encode("1234 abc").tokens
    assert [t for t in tokens if any(c.isdigit() for c in t)] == ["1", "2", "3", "4"]


def test_noise_gives_other_responses_and_leaves_the_rest():
    examples, _ = token_rows.encode(CODER, PAIRS, LIMITS)
    wrong = np.array([True, False, True])
    noisy = token_rows.swap_responses(CODER, examples, wrong, np.random.default_rng(0))
    own = [tuple(row[mask]) for row, mask in zip(examples.targets, examples.mask, strict=True)]
    new = [tuple(row[mask]) for row, mask in zip(noisy.targets, noisy.mask, strict=True)]
    assert new[1] == own[1]
    np.testing.assert_array_equal(noisy.inputs[1], examples.inputs[1])
    for row in (0, 2):
        assert new[row] != own[row]
        assert new[row] in own
        before, after = rows_of(examples)[row], rows_of(noisy)[row]
        start, moved = (int(np.argmax(line == CODER.answer)) for line in (before, after))
        asked = int(np.argmax(before == CODER.ask)) + 1
        np.testing.assert_array_equal(after[:asked], before[:asked])
        np.testing.assert_array_equal(after[asked:moved], before[start - (moved - asked) : start])  # the end is kept
        np.testing.assert_array_equal(after[moved + 1 : moved + 1 + len(new[row])], new[row])
    alone = token_rows.swap_responses(CODER, examples.take([0]), np.array([True]), np.random.default_rng(0))
    np.testing.assert_array_equal(alone.targets, examples.targets[:1])  # there is no other response


@pytest.fixture(scope="module")
def config():
    config = config_file.get_config("tiny")
    config.split = {"validation": 10, "test": 20}
    return config


@pytest.fixture(scope="module")
def parts(config):
    made = word_problems.problems(150, 12, np.random.default_rng(0))
    pairs = [Pair("", problem, f"{steps} {answer}", str(kind)) for kind, problem, steps, answer in made]
    return sequences.split(pairs, [pair.prompt for pair in pairs], config)


def test_the_tokenizer_sees_the_train_pool_alone_and_nothing_leaks(parts, config):
    texts = [text for pair in parts.pairs for text in pair[:3]]
    assert parts.coder.tokenizer.get_vocab() == token_rows.trained_coder(texts, 400).tokenizer.get_vocab()
    held = token_rows.texts(parts.coder, np.concatenate([parts.validation.inputs, parts.test.inputs]))
    for left, right in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert sequences.near(parts.coder, getattr(parts, left).inputs, getattr(parts, right).inputs) == 0
    assert not {pair.prompt for pair in parts.pairs} & {prompt for prompt, _ in held}
    assert len(parts.groups) == len(parts.pairs) == len(parts.train.inputs)


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


def test_nats_per_byte_against_numpy(parts, config):
    model, _ = sequences.learner(config, parts.coder)
    some = parts.test.take(np.arange(7))
    logp = log_softmax(np.asarray(model.apply(model.params, model.frozen, some.inputs), np.float64), axis=-1)
    own = np.take_along_axis(logp, some.targets[..., None], -1)[..., 0]
    expected = [-own[row][some.mask[row]].sum() for row in range(7)]
    np.testing.assert_allclose(sequences.nats(model, some), expected, rtol=1e-5)
    utility, loss = sequences.measure(parts.coder, model, some)
    size = sum(len(response.encode()) for _, response in token_rows.texts(parts.coder, rows_of(some)))
    np.testing.assert_allclose([utility, loss], [-sum(expected) / size, sum(expected) / some.mask.sum()], rtol=1e-5)
    counts = np.ones(len(parts.coder.lengths))
    for token in parts.train.targets[parts.train.mask]:
        counts[token] += 1
    by_hand = -sum(np.log(counts[t] / counts.sum()) for t in some.targets[some.mask]) / size
    np.testing.assert_allclose(sequences.unigram(parts.coder, parts.train, some), by_hand, rtol=1e-9)


def test_features_are_projected_tf_idf():
    learn = np.array([[1, 2, 2, 0], [1, 3, 0, 0], [1, 1, 1, 1]])
    key = jax.random.key(0)
    found = sequences.tf_idf(learn, 5, 3, key)(learn)
    idf = np.log([1, 4 / 4, 4 / 2, 4 / 2, 4 / 1])  # token 0 is padding
    weighted = np.array([np.bincount(row, minlength=5) for row in learn]) * idf
    length = np.linalg.norm(weighted, axis=1, keepdims=True)
    expected = (
        weighted / np.maximum(length, 1e-12) @ (np.asarray(jax.random.normal(jax.random.key(0), (5, 3))) / 3**0.5)
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.fixture
def folder(tmp_path):
    """A pretrained decoder of 64 tokens with a tokenizer for a few letters."""
    source = Path(__file__).parents[2] / "models" / "data" / "qwen3"
    for path in source.glob("*.safetensors*"):
        shutil.copy(path, tmp_path)
    sizes = json.loads((source / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(sizes | {"max_position_embeddings": 40}))
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    special = ["<pad>", "<end>", "<ask>", "<answer>"]
    tokenizer.train_from_iterator(
        ["abc abd"] * 9, tokenizers.trainers.BpeTrainer(vocab_size=60, special_tokens=special)
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_pretrained_decoder_is_read_adapted_and_asked_to_write(folder, config):
    code = token_rows.folder_coder(folder, ("<ask>", "<answer>", "<end>"))
    pairs = [Pair("", "abc ab", "abd", "a"), Pair("", "abd abc abc", "abc abc", "a")]
    examples, _ = token_rows.encode(code, pairs, ConfigDict({"length": 16, "instruction": 0, "response": 6}))
    assert token_rows.bytes_of(code, examples) == len("abd") + len("abc abc")
    shape = {"name": "folder", "folder": str(folder), "dtype": "float32", "rank": 2, "adapted": ("q", "v"), "last": 1}
    chosen = ConfigDict({**config.to_dict(), "model": shape})
    model, recipe = sequences.pretrained(chosen, None)
    assert list(model.params["blocks"]) == [1]
    plain = sequences.from_folder(folder).model
    np.testing.assert_allclose(sequences.nats(model, examples), sequences.nats(plain, examples), rtol=1e-5)
    gradient = jax.grad(lambda params: recipe.loss(params, model.frozen, examples, None).mean())(model.params)
    assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient))
    score, loss = sequences.measure_text(code, "rouge_l", model, examples)
    assert 0 <= score <= 1
    assert loss == pytest.approx(sequences.measure(code, model, examples)[1])
    with pytest.raises(ValueError, match="lacks '<none>'"):
        token_rows.folder_coder(folder, ("<ask>", "<none>", "<end>"))


def test_metrics_of_texts_by_hand():
    assert text_metrics.rouge_l("The cat sat.", "the cat ate") == pytest.approx(2 * 2 / 6)
    assert text_metrics.rouge_l("a b c d", "d c b a") == pytest.approx(2 * 1 / 8)
    assert text_metrics.rouge_l("b a c a", "a b c a d") == pytest.approx(2 * 3 / 9)
    assert text_metrics.rouge_l("", "a") == 0
    assert text_metrics.exact_match("Yes.", "yes") == 1
    assert text_metrics.exact_match("yes yes", "yes") == 0


def test_choices_by_likelihood():
    nats = [np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.array([1.0, 1.0]), np.array([0.0, 1.0, 2.0, 3.0])]
    found = text_metrics.choices(nats, np.array([0, 0, 0, 0]))  # right, wrong, a tie, right
    assert (found.accuracy, found.questions, found.chance) == (0.5, 4, (3 * 0.5 + 0.25) / 4)
    assert found.interval == pytest.approx((0.0676, 0.9324), abs=1e-4)  # Clopper-Pearson, 2 of 4
    assert not found.above_chance


def test_word_problems_are_right():
    made = word_problems.problems(300, 12, np.random.default_rng(1))
    assert {kind for kind, *_ in made} == set(range(12))
    verbs = {"add": lambda x, y: x + y, "multiply": lambda x, y: x * y}
    for _, problem, steps, answer in made:
        result = None
        for step in steps.rstrip(".").split(", "):  # the steps are carried out, word by word
            verb, first, _, second = step.replace("the result", "R").split(" ")
            first, second = (result if word == "R" else int(word) for word in (first, second))
            ways = verbs | {"subtract": lambda x, y: y - x, "divide": lambda x, y: x / y}
            result = ways[verb](first, second)
        assert result == int(answer) >= 0
        assert "{" not in problem
    with pytest.raises(ValueError, match="1 to 12"):
        word_problems.problems(1, 13, np.random.default_rng(0))


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_folders_of_a_hub(tmp_path, ending):
    lines = [{"a": str(i), "b": i} for i in range(5)]
    write = partial((tmp_path / "part").with_suffix, "." + ending)
    if ending == "jsonl":
        write().write_text("\n".join(map(json.dumps, lines)))
    else:
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(lines), write())
    assert hub.records(tmp_path, ("a",), 3) == [{"a": "0"}, {"a": "1"}, {"a": "2"}]
    with pytest.raises(ValueError, match=r"(row 0|line 1): no field 'c', found a, b"):
        hub.records(tmp_path, ("c",), 3)
    with pytest.raises(ValueError, match="no data set in the folder"):
        hub.records(tmp_path / "nowhere", ("a",), 3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": "1"}\n{"a": "\xff"}', r"part\.jsonl, line 2: expected JSON in UTF-8 .*0xff"),
        (b'{"a": "1"}\n\n{"a": ', r"part\.jsonl, line 3: expected JSON in UTF-8"),
        (b"[1]", r"part\.jsonl, line 1: expected an object with fields"),
        (b'{"a": "1"}\n{"a": " "}', r"part\.jsonl, line 2: the field 'a' is empty, expected a text"),
        (b'{"a": null}', "line 1: the field 'a' is empty"),
        (b'{"a": [""]}', "line 1: the field 'a' is empty"),
    ],
)
def test_records_that_cannot_be_read_are_named(tmp_path, content, words):
    (tmp_path / "part.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        hub.records(tmp_path, ("a",), 9)


def test_too_little_is_refused(config):
    pairs = [Pair("", f"what is {i} ?", str(i), "a") for i in range(9)]
    with pytest.raises(
        ValueError, match=r"9 training pairs of \d+ characters give a tokenizer of \d+ tokens, expected 400"
    ):
        sequences.learned(pairs, 400)
    some, _ = token_rows.encode(CODER, PAIRS, LIMITS)
    groups = {0.5: PAIRS[:2]}
    assert len(sequences.sampled(CODER, LIMITS, True, groups, some, 0.5, jax.random.key(0)).inputs) == 3
    with pytest.raises(ValueError, match=r"a \(strength 0\.5\) has 2 examples, a contributor asks for 3"):
        sequences.sampled(CODER, LIMITS, False, groups, some, 0.5, jax.random.key(0))
