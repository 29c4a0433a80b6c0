"""Tokenizers from files: brute-force BPE, what ends a text, and texts that spell what is not theirs to say."""

import itertools
import json
import re
from pathlib import Path

import pytest

from models import tokenizer as texts
from tests.models.written_models import LETTERS, MERGES, SPECIAL, VOCABULARY, byte_level

SOURCE = Path("a.gguf")
PLAIN = r"'(?:s|t|re|ve|m|ll|d)| ?[a-zA-Z]+| ?[0-9]+| ?[^\sa-zA-Z0-9]+|\s+(?!\S)|\s+"
WORDS = (
    r"(?i:'(?:s|t|re|ve|m|ll|d))|[^\r\na-zA-Z0-9]?[a-zA-Z]+|[0-9]{1,DIGITS}| ?[^\sa-zA-Z0-9]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
CUTS = {
    "gpt-2": PLAIN,
    "smollm": PLAIN,
    "qwen2": WORDS.replace("DIGITS", "1"),
    "llama-bpe": WORDS.replace("DIGITS", "3"),
}


def read(tokens=VOCABULARY, **keys):
    """The tokenizer of the written models; keys of tokenizer.ggml set otherwise, None leaves one out."""
    table = {"model": "gpt2", "pre": "gpt-2", "tokens": tokens, "merges": [" ".join(pair) for pair in MERGES]}
    table |= {"token_type": [3 if token in SPECIAL else 1 for token in tokens]} | keys
    said = {f"tokenizer.ggml.{key}": value for key, value in table.items() if value is not None}
    said |= {"general.architecture": said.pop("tokenizer.ggml.architecture", "llama")}
    return texts.from_metadata(lambda key, *default: said.get(key, *default), said.keys(), SOURCE)


@pytest.mark.parametrize("pre", CUTS)
def test_text_is_cut_and_merged_as_by_hand(pre):
    """Brute force on ASCII: special tokens, then the pre-tokeniser as a regular expression, then merges by rank."""
    tokens, whole = [*VOCABULARY, "that", "121"], ("that", "121") if pre == "llama-bpe" else ()
    tokenizer = read(tokens, pre=pre)
    text = "the man\n\nthat's 1212 +an\n  the (the) then 3.12'LL the<|end|>the12 "
    expected = []
    for piece in re.split(r"(<\|end\|>)", text):
        if piece in SPECIAL:
            expected.append(piece)
            continue
        parts = re.split(r"([0-9])", piece) if pre == "smollm" else [piece]
        words = [w for part in parts for w in re.findall(CUTS[pre], part)]
        assert "".join(words) == piece
        for word in words:
            expected += [word] if word in whole else merged([LETTERS[b] for b in word.encode()])
    assert tokenizer.encode(text).tokens == expected
    strange = "naïve — 東京 🙂\t½ \x00"
    assert tokenizer.decode(tokenizer.encode(strange).ids) == strange
    assert tokenizer.decode(tokenizer.encode(text).ids) == text.replace("<|end|>", "")


def merged(letters):
    """The first pair of the lowest rank is joined until none is left."""
    while True:
        ranked = [(MERGES.index(pair), i) for i, pair in enumerate(itertools.pairwise(letters))
                  if pair in MERGES]  # fmt: skip
        if not ranked:
            return letters
        i = min(ranked)[1]
        letters = [*letters[:i], letters[i] + letters[i + 1], *letters[i + 2 :]]


def test_a_missing_pre_tokeniser_is_named_unless_the_architecture_has_one():
    text = "In 2123 the 1234"
    assert read(pre=None, architecture="qwen2").encode(text).tokens == read(pre="qwen2").encode(text).tokens
    with pytest.raises(ValueError, match=r"a\.gguf lacks tokenizer\.ggml\.pre, its pre-tokeniser"):
        read(pre=None)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"model": "llama"}, r"tokenizer\.ggml\.model is 'llama': expected 'gpt2'"),
        ({"pre": "tekken"}, "'tekken': expected one of the pre-tokenisers gpt-2, smollm"),
        ({"add_space_prefix": True}, r"add_space_prefix = True, which is not supported: expected False"),
        ({"precompiled_charsmap": [1, 2]}, r"precompiled_charsmap = \[1, 2\], a key that is not known"),
        ({"merges": ["the zebra"]}, "tokens and merges do not fit together"),
    ],
)
def test_a_tokenizer_that_is_not_supported_is_named(keys, message):
    with pytest.raises(ValueError, match=message):
        read(**keys)


@pytest.mark.parametrize(
    "text",
    ["<|end|>", "a<|start|>b <|end|>", "<|end|><|end|>", "x\x00y", "\x85a\u2028b\x0c", "\r\n\n", "{{ messages }}", "",
     "\ufeff"],
)  # fmt: skip
def test_text_is_data(text):
    """No special token comes from a text, it comes back as it is, and it does not matter what stands beside it."""
    tokenizer = byte_level(added=["<tool>"])
    (found,) = texts.ids_of(tokenizer, [text])
    assert not {0, 1} & set(found)
    assert tokenizer.decode(found) == text
    assert texts.ids_of(tokenizer, ["the", text, text]) == [texts.ids_of(tokenizer, ["the"])[0], found, found]
    assert tokenizer.encode("a<|end|>").tokens == ["a", "<|end|>"], "the tokenizer is left as it was"


def test_half_a_surrogate_pair_is_read_as_the_replacement_character():
    assert [*map(texts.readable, ("\ud800", "a\udc00b", "\ud83d\ude00", "é"))] == ["\ufffd", "a\ufffdb", "😀", "é"]
    tokenizer = byte_level()
    assert texts.ids_of(tokenizer, ["a\udc00"]) == texts.ids_of(tokenizer, ["a\ufffd"])


def test_a_file_s_cutting_and_padding_are_left_out(tmp_path):
    tokenizer = byte_level()
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(pad_id=0, pad_token="<|end|>", length=9)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    read_back = texts.from_file(tmp_path / "tokenizer.json")
    assert texts.ids_of(read_back, ["1 2 3 4", "a"]) == texts.ids_of(byte_level(), ["1 2 3 4", "a"])


def test_every_declared_end_ends(tmp_path):
    """eos, eot and eom of a GGUF file; of a folder the tokenizer's, and the lists of both configs."""
    numbers = {"eos": 4, "eot": 0, "eom": 7, "bos": 1, "padding": 2**32 - 1}
    said = {f"tokenizer.ggml.{key}_token_id": value for key, value in numbers.items()}
    assert texts.metadata_special(lambda key, default: said.get(key, default)) == ({"bos": 1, "eos": 4}, (0, 4, 7))

    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"eos_token": {"content": "<|end|>"}, "pad_token": None})
    )
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": 4, "pad_token_id": -1, "bos_token_id": 1}))
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, 9], "pad_token_id": 9}))
    found = texts.folder_special(tmp_path, byte_level())
    assert found == ({"bos": 1, "eos": 0, "pad": 9}, (0, 4, 9))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<|im_end|>"}')
    with pytest.raises(ValueError, match=r"lacks its eos token '<\|im_end\|>'"):
        texts.folder_special(tmp_path, byte_level())
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "{{ x }}"}')
    assert texts.folder_template(tmp_path) == "{{ x }}"
    (tmp_path / "chat_template.jinja").write_text("{{ y }}")
    assert texts.folder_template(tmp_path) == "{{ y }}"


def test_special_tokens_have_to_be_there():
    tokenizer = byte_level()
    with pytest.raises(ValueError, match=r"a\.gguf: the tokenizer names no end-of-sequence token"):
        texts.check(tokenizer, {"bos": 1}, (), 999, SOURCE)
    with pytest.raises(ValueError, match="lacks its bos token: expected number 999, found none"):
        texts.check(tokenizer, {"eos": 0, "bos": 999}, (0,), 999, SOURCE)
    with pytest.raises(ValueError, match="lacks its eos token: expected number 998, found none"):
        texts.check(tokenizer, {"eos": 0}, (0, 998), 999, SOURCE)
    with pytest.raises(ValueError, match=f"has token {len(VOCABULARY) - 1}, the model a vocabulary of 9"):
        texts.check(tokenizer, {"eos": 0}, (0,), 9, SOURCE)
