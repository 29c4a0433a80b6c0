"""What sampling keeps of the ranks of real words: tail mass, Zipf laws, laws of retention, all with intervals."""

from collections import Counter
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from experiments.data.reviews import WORD
from theory import tail
from theory.rank_counts import NORMAL, Fit
from theory.zipf import zipf

GRID = 40  # ranks of a curve
OUTSIDE = -1  # a word that the real text does not have
LARGE = 20  # times as many words
ZIPF_LAWS = ("none", "exponential", "sharp")  # of a source's own frequencies: how they end


class Source(NamedTuple):
    """Texts of one origin as arrays of word ranks from 0 (OUTSIDE: none).

    name: "real", "continuation" or "review"; temperature and top_p: of its sampling, None for real text.
    """

    name: str
    temperature: float | None
    top_p: float | None
    texts: list[Int[np.ndarray, " t"]]

    def label(self) -> dict:
        """The fields of a line by which its source is told."""
        return {"source": self.name, "temperature": self.temperature, "top_p": self.top_p}


def words(text: str) -> list[str]:
    """Lower-case words of letters and digits, without markup."""
    return WORD.findall(text.lower().replace("<br />", " "))


def ranking(texts: list[str]) -> dict[str, int]:
    """Rank from 0 of every word of these texts, the most frequent first; ties by the alphabet."""
    counts = Counter(word for text in texts for word in words(text))
    return {word: rank for rank, word in enumerate(sorted(counts, key=lambda word: (-counts[word], word)))}


def numbered(texts: list[str], ranks: dict[str, int]) -> list[Int[np.ndarray, " t"]]:
    """Each text as the ranks of its words; texts without words are left out."""
    ranked = (np.array([ranks.get(word, OUTSIDE) for word in words(text)], np.int32) for text in texts)
    return [text for text in ranked if len(text)]


def shortened(texts: list[Int[np.ndarray, " t"]], size: int) -> list[Int[np.ndarray, " t"]]:
    """The first texts, `size` words together, the last one cut. Raises ValueError if there are fewer words."""
    before = np.cumsum([0, *map(len, texts)])
    if before[-1] < size:
        raise ValueError(f"{size} words are wanted of texts that have {before[-1]}")
    return [text[: size - start] for text, start in zip(texts, before, strict=False) if start < size]


def counted(texts: list[Int[np.ndarray, " t"]], types: int) -> Float[np.ndarray, " i"]:
    """How often each rank occurs."""
    every = np.concatenate(texts)
    return np.bincount(every[every >= 0], minlength=types).astype(float)


def describe(source: Source, types: int, repeats: int, rng: np.random.Generator) -> list[dict]:
    """A "tail" line (shares beyond ranks of the real order) and a "zipf" line for each law (its own order)."""
    edges = np.unique(np.geomspace(1, types, GRID).astype(int))
    counts = counted(source.texts, types)
    drawn = np.array([tail.beyond(counted(resampled(source.texts, rng), types), edges) for _ in range(repeats)])
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    every = np.concatenate(source.texts)
    descending = np.sort(counts[counts > 0])[::-1]
    places = np.unique(np.geomspace(1, len(descending), GRID).astype(int))
    line = {
        "kind": "tail",
        **source.label(),
        "texts": len(source.texts),
        "words": len(every),
        "types": int((counts > 0).sum()),
        "outside": float((every == OUTSIDE).mean()),
        "ranks": edges,
        "beyond": tail.beyond(counts, edges),
        "low": low,
        "high": high,
        "own_ranks": places,
        "frequencies": descending[places - 1] / descending.sum(),
    }
    order, held = own_order(source.texts, types)
    fits = [zipf(held[order], law) for law in ZIPF_LAWS]
    return [line, *({"kind": "zipf", **source.label(), **told(fit)} for fit in fits)]


def own_order(texts: list[Int[np.ndarray, " t"]], types: int) -> tuple[np.ndarray, np.ndarray]:
    """(ranks that every second text has, most frequent first; counts of all ranks in the other texts).

    An order taken from the very words that are counted makes each rank look more frequent, and the last ones rarer,
    than it is; another half has no part in such luck.
    """
    first = counted(texts[::2], types)
    order = np.argsort(-first, kind="stable")[: int((first > 0).sum())]
    return order, counted(texts[1::2] or texts[::2], types)


def retained(source: Source, reference: Source, types: int, repeats: int, rng: np.random.Generator) -> list[dict]:
    """A "retention" line for each law against a reference text, and a "verdict": which law, and is it a sharp cut?

    Words come in texts, and those of one text are alike: intervals are of a bootstrap over the texts of both, and
    `dispersion` is how much wider than for independent words the tilt's is, as a ratio of variances. BIC with the
    log-likelihood divided by it is `corrected`.
    """
    counts, compared = counted(source.texts, types), counted(reference.texts, types)
    fits = tail.compare(counts, compared)
    pairs = [
        (again(source, counts, counts, rng), again(reference, compared, counts, rng)) for _ in range(repeats)
    ]  # fmt: skip
    drawn = [{law: tail.retention(*pair, law).parameters for law in ("tilt", "exponential", "step")} for pair in pairs]
    low, high = fits["tilt"].intervals["tilt"]
    alone = (high - low) / (2 * NORMAL)
    dispersion = max(float(np.var([one["tilt"]["tilt"] for one in drawn], ddof=1) / alone**2), 1.0)
    size = len(np.concatenate(source.texts))
    penalty = {law: fit.bic + 2 * fit.log_likelihood for law, fit in fits.items()}
    corrected = {law: penalty[law] - 2 * fit.log_likelihood / dispersion for law, fit in fits.items()}
    label = {**source.label(), "reference": reference.name}
    lines = []
    for law, fit in fits.items():
        spans = {}
        if law in drawn[0]:
            spans = {
                name: tuple(np.quantile([one[law][name] for one in drawn], (0.025, 0.975), method="nearest"))
                for name in fit.parameters
            }
        lines.append({"kind": "retention", **label, **told(fit), "bootstrap": finite(spans)})
    best = min(corrected, key=corrected.__getitem__)
    return [
        *lines,
        {
            "kind": "verdict",
            **label,
            "words": size,
            "dispersion": dispersion,
            "best": best,
            "corrected": corrected,
            "sharp_excess": corrected["sharp"] - corrected[best],
        },
        ratio(label, counts, compared, pairs),
    ]


def again(source: Source, counts: np.ndarray, beside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Counts of texts drawn with replacement; a reference so large that its own luck is nothing stays as it is."""
    return counts if counts.sum() > LARGE * beside.sum() else counted(resampled(source.texts, rng), len(counts))


def ratio(label: dict, counts: np.ndarray, compared: np.ndarray, pairs: list[tuple]) -> dict:
    """The "ratio" line: p'/p in bins of real ranks, with bootstrap intervals; shares are of words with a rank."""
    edges = np.unique(np.concatenate([[0], np.geomspace(3, len(counts), 14).astype(int)]))

    def binned(counts):
        return np.diff(np.concatenate([[0.0], np.cumsum(counts)])[edges]) / counts.sum()

    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.array([binned(n) / binned(m) for n, m in pairs])
        quotient = binned(counts) / binned(compared)
        low, high = np.quantile(np.nan_to_num(drawn, nan=1.0, posinf=1e9), (0.025, 0.975), axis=0)
    filled = np.isfinite(quotient)
    spans = {"low": low[filled], "high": high[filled], "ratio": quotient[filled]}
    middle = np.sqrt(np.maximum(edges[:-1], 1) * edges[1:])[filled]
    return {"kind": "ratio", **label, "ranks": middle, **spans}


def resampled(texts: list[Int[np.ndarray, " t"]], rng: np.random.Generator) -> list[Int[np.ndarray, " t"]]:
    """As many texts, drawn with replacement."""
    return [texts[i] for i in rng.integers(0, len(texts), len(texts))]


def told(fit: Fit) -> dict:
    """A fit as the fields of a line."""
    return {
        "law": fit.law,
        "parameters": finite(fit.parameters),
        "intervals": finite(fit.intervals),
        "log_likelihood": fit.log_likelihood,
        "bic": fit.bic,
    }


def finite(values: dict) -> dict:
    """The values with infinite numbers, which JSON does not know, as None."""

    def one(value):
        if isinstance(value, tuple):
            return [one(part) for part in value]
        return float(value) if np.isfinite(value) else None

    return {name: one(value) for name, value in values.items()}
