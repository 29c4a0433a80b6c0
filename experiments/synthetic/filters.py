"""Which generated texts are kept, and how many are dropped for what reason."""

import re
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

FREQUENT = """the a an and of to in is it that was for on with as this but be at are not have i you he they she his her
from or by one all so if about what there out up can which do how more will would no me my when who your has their then
number solve find let answer use step we equation total given"""
COMMON = frozenset(FREQUENT.split())
WORD = re.compile(r"[a-z']+")
VERDICT = re.compile(  # a label that is named, where it should be written about
    r"\b(positive|negative|favou?rable|mixed) (movie |film )?(review|rating|sentiment|opinion|feedback)"
    r"|\b(out of|/) ?(5|10|ten|five)\b|\b(one|two|three|four|five|[0-5](\.5)?)[- ]stars?\b"
    r"|\b(rating|score|label|sentiment) ?:"
    r"|\bas (an? )?(ai|language model)\b",
    re.IGNORECASE,
)
SHINGLE = 5  # words in a row, of near duplicates
QUOTE = 6  # words in a row that a text may not have from its source
HASHES, BANDS = 64, 16
PRIME = (1 << 31) - 1


def dropped(texts: list[str], rules: dict) -> dict[str, Bool[np.ndarray, "n"]]:
    """For each rule, in this order, the texts that it drops among those that the rules before it keep.

    rules: {"words": (fewest, most), "english": smallest share, "verdict": True, "near": largest Jaccard similarity};
    a rule that is not named is not applied. Raises ValueError for an unknown one.
    """
    unknown = rules.keys() - RULES.keys()
    if unknown:
        raise ValueError(f"unknown rule {sorted(unknown)[0]!r}, known: {', '.join(RULES)}")
    kept, drops = np.ones(len(texts), bool), {}
    for name, rule in RULES.items():
        if name in rules:
            drops[name] = np.zeros(len(texts), bool)
            rows = np.flatnonzero(kept)
            drops[name][rows] = rule([texts[row] for row in rows], rules[name])
            kept &= ~drops[name]
    return drops


def length(texts: list[str], limits: tuple[int, int]) -> Bool[np.ndarray, "n"]:
    """Fewer or more words than the limits."""
    counts = np.array([len(text.split()) for text in texts], int)
    return (counts < limits[0]) | (counts > limits[1])


def foreign(texts: list[str], smallest: float) -> Bool[np.ndarray, "n"]:
    """No English: under this share of words among the commonest ones, or over a tenth of characters beyond ASCII."""
    return np.array([common_share(text) < smallest or beyond_ascii(text) > 0.1 for text in texts], bool)


def verdicts(texts: list[str], wanted: bool) -> Bool[np.ndarray, "n"]:
    """Texts that name a label: stars, points, "a positive review", or what wrote them."""
    return np.array([bool(VERDICT.search(text)) for text in texts], bool) & wanted


def near_duplicates(texts: list[str], largest: float) -> Bool[np.ndarray, "n"]:
    """Texts that share more than this share of their 5-word sequences with an earlier text that is kept (Jaccard).

    Candidates come from MinHash in bands of 4: a pair with similarity .5 is found with probability .64, with .8 with
    .9998; every candidate is compared exactly.
    """
    sets = [shingles(text) for text in texts]
    bands: dict[tuple, list[int]] = {}
    drop = np.zeros(len(texts), bool)
    for row, (words, signature) in enumerate(zip(sets, minhash(sets), strict=True)):
        places = [(band, *part) for band, part in enumerate(signature.reshape(BANDS, -1).tolist())]
        near = {other for place in places for other in bands.get(place, ())}
        drop[row] = any(jaccard(words, sets[other]) > largest for other in near)
        if not drop[row]:
            for place in places:
                bands.setdefault(place, []).append(row)
    return drop


RULES: dict[str, Callable[[list[str], Any], np.ndarray]] = {
    "words": length,
    "english": foreign,
    "verdict": verdicts,
    "near": near_duplicates,
}


def unquoted(text: str, source: str) -> str:
    """The text without sentences and lines that repeat QUOTE words in a row of the source; "" if it still does."""
    known = runs(source)
    pieces = [piece for piece in re.split(r"(?<=[.!?])(?=\s)|(?<=\n)", text) if not runs(piece) & known]
    left = "".join(pieces).strip()
    return "" if runs(left) & known else left


def runs(text: str) -> set[tuple[str, ...]]:
    """Every QUOTE words in a row, numbers among them."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + QUOTE]) for i in range(len(words) - QUOTE + 1)}


def shingles(text: str) -> frozenset[int]:
    """Hashes of every 5 words in a row; of all words together if there are fewer."""
    words = WORD.findall(text.lower())
    pieces = (" ".join(words[i : i + SHINGLE]) for i in range(max(len(words) - SHINGLE + 1, 1)))
    return frozenset(zlib.crc32(piece.encode()) % PRIME for piece in pieces)


def minhash(sets: list[frozenset[int]]) -> Int[np.ndarray, "n h"]:
    """Least of (a x + b) mod p over each set, for HASHES fixed pairs (a, b): equal with probability Jaccard."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(1, PRIME, (HASHES, 1)), rng.integers(0, PRIME, (HASHES, 1))
    rows = [((a * np.fromiter(one, np.int64) + b) % PRIME).min(1) for one in sets]
    return np.stack(rows) if rows else np.zeros((0, HASHES), np.int64)


def jaccard(left: frozenset, right: frozenset) -> float:
    return len(left & right) / len(left | right)


def common_share(text: str) -> float:
    """Share of words that are among the commonest English ones."""
    words = WORD.findall(text.lower())
    return sum(word in COMMON for word in words) / len(words) if words else 0.0


def beyond_ascii(text: str) -> float:
    """Share of characters beyond ASCII."""
    return sum(ord(letter) > 127 for letter in text) / max(len(text), 1)


def whole_sentences(text: str) -> str:
    """The text up to its last full stop, question or exclamation mark; "" if there is none."""
    ends = [match.end() for match in re.finditer(r"[.!?][\"')\]]*(?=\s|$)", text)]
    return text[: ends[-1]] if ends else ""
