"""Texts as rows of word numbers, with a vocabulary that is counted on the texts that one may learn from."""

from collections.abc import Sequence

import numpy as np
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase, Replace
from tokenizers.normalizers import Sequence as Steps
from tokenizers.pre_tokenizers import Split
from tokenizers.trainers import WordLevelTrainer

PADDING, UNKNOWN = range(2)  # numbers that are no word; words follow, the most frequent first
WORD = r"[a-z0-9]+(?:'[a-z]+)?"
ANY_WORD = r"[\p{Han}\p{Hiragana}\p{Katakana}]|[\p{L}\p{M}\p{N}]+(?:'\p{L}+)?"  # of any script; some write no blanks


def vocabulary(texts: Sequence[str], size: int, word: str = WORD) -> Tokenizer:
    """The `size` - 2 most frequent lower-case words of these texts, those that stand there once left out.

    Markup and punctuation are no words. Number 2 is the most frequent word; ties go by the alphabet.
    word: regular expression of a word in lower case.
    """
    words = Tokenizer(WordLevel(unk_token="[unknown]"))
    words.normalizer = Steps([Lowercase(), Replace("<br />", " ")])
    words.pre_tokenizer = Split(Regex(word), "removed", invert=True)
    trainer = WordLevelTrainer(
        vocab_size=size, min_frequency=2, special_tokens=["[padding]", "[unknown]"], show_progress=False
    )
    words.train_from_iterator(texts, trainer)
    return words


def encode(words: Tokenizer, texts: Sequence[str], length: int) -> tuple[np.ndarray, int]:
    """(the first `length` words of every text, (n, length) int32, padded with 0 on the right; how many were longer)."""
    rows = np.zeros((len(texts), length), np.int32)
    cut = 0
    for row, encoding in zip(rows, words.encode_batch(list(texts)), strict=True):
        row[: len(encoding.ids)] = encoding.ids[:length]
        cut += len(encoding.ids) > length
    return rows, cut


def decode(words: Tokenizer, row: np.ndarray) -> str:
    """The words of a row with spaces between them; an unknown one is left out."""
    return " ".join(words.id_to_token(int(number)) or "" for number in row if number > UNKNOWN)


def packed(rows: np.ndarray, length: int) -> np.ndarray:
    """(n, t) -> (n, length): the numbers that are no padding moved to the left, in their order, the first `length`."""
    order = np.argsort(rows == PADDING, axis=1, kind="stable")[:, :length]
    return np.take_along_axis(rows, order, 1)


def frequent(rows: np.ndarray, kept: int) -> np.ndarray:
    """The rows without all words but the `kept` most frequent ones of the vocabulary."""
    return packed(np.where((rows > UNKNOWN) & (rows <= UNKNOWN + kept), rows, PADDING), rows.shape[1])


def rarity(rows: np.ndarray, size: int) -> np.ndarray:
    """Inverse document frequency log((1 + n) / (1 + texts with the word)) + 1 of every word, (size,) float32.

    0 for padding and for the unknown word.
    """
    ordered = np.sort(rows, axis=1)
    first = np.concatenate([np.ones((len(rows), 1), bool), ordered[:, 1:] != ordered[:, :-1]], 1)
    weights = np.log((1 + len(rows)) / (1 + np.bincount(ordered[first], minlength=size))) + 1
    weights[[PADDING, UNKNOWN]] = 0
    return weights.astype(np.float32)
