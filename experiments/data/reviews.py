"""Reviews and other texts with a verdict, and reviews as one stream of word numbers."""

import re
from typing import NamedTuple

import numpy as np

from experiments.data import hub
from experiments.data.archives import data_folder
from experiments.data.builders import archived
from experiments.data.builders.movie_reviews import SOURCES, MovieReviews

FOLDER = "fingpt-sentiment-train"  # below data_dir: a copy from the Hugging Face hub
WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


class Words(NamedTuple):
    """All reviews as one stream. Numbers go by frequency: 0 is the most frequent word.

    stream: (t,) int32; -1 between two reviews. types: number of different words.
    """

    stream: np.ndarray
    types: int


class Reviews(NamedTuple):
    """Texts and their labels (n,), 0 negative, 1 positive. tested: rows of the data's test set; None without one."""

    texts: list[str]
    labels: np.ndarray
    tested: np.ndarray | None = None

    def take(self, rows) -> "Reviews":
        """The texts at those rows, with their labels."""
        return Reviews([self.texts[row] for row in rows], self.labels[rows])


def read_archive(config, data_dir: str | None) -> tuple[Reviews, np.ndarray]:
    """Every review of the archive, its repeats too, and where each is from: "imdb" (training half), "rotten_tomatoes".

    Fetched and prepared at the first call. config: not looked at, as there is but one. data_dir: as in
    archives.data_folder. Raises ValueError or OSError if the archive is damaged or cannot be had.
    """
    rows = archived.texts(archived.source(MovieReviews, "reviews", "train", data_dir))
    return _reviews(rows), np.array(SOURCES)[[row["source"] for row in rows]]


def read_imdb(config, data_dir: str | None) -> Reviews:
    """All 50,000 labelled reviews of IMDb through TFDS, which downloads them; its test half is `tested`.

    Arguments as in read_archive.
    """
    parts = [archived.texts(archived.public("imdb_reviews", part, data_dir)) for part in ("train", "test")]
    return _reviews(parts[0] + parts[1])._replace(tested=np.arange(len(parts[0]), sum(map(len, parts))))


def read_sentences(config, data_dir: str | None) -> Reviews:
    """The records of a Hugging Face data set with an "input" text and an "output" word, as FinGPT's sentiment set has.

    config: `folders.synthetic`, as in hub.records; "" for data_dir/fingpt-sentiment-train. Outputs that say neither
    negative nor positive, as neutral, are left out.
    Raises ValueError if nothing is left, naming what there is instead.
    """
    folder = config.folders.synthetic or data_folder(data_dir) / FOLDER
    rows = hub.records(folder, ("input", "output"), None, data_dir)
    verdicts = [row["output"].lower().split() for row in rows]
    chosen = [i for i, words in enumerate(verdicts) if ("negative" in words) != ("positive" in words)]
    if not chosen:
        raise ValueError(
            f"{folder} holds {len(rows)} records, none of them negative or positive: expected "
            "FinGPT/fingpt-sentiment-train of the Hugging Face hub, or a copy of it"
        )
    return Reviews([rows[i]["input"] for i in chosen], np.array(["positive" in verdicts[i] for i in chosen], np.int32))


def read_texts(config, data_dir: str | None) -> list[str]:
    """Every review of the archive once, in the order in which they are prepared. Arguments as in read_archive."""
    return list(dict.fromkeys(read_archive(config, data_dir)[0].texts))


def _reviews(rows: list[dict]) -> Reviews:
    return Reviews([row["text"] for row in rows], np.array([row["label"] for row in rows], np.int32))


def words(reviews: list[str]) -> Words:
    """The reviews as numbers of lower-case words of letters and digits; markup and punctuation are left out."""
    number: dict[str, int] = {}
    stream = []
    for review in reviews:
        spoken = WORD.findall(review.lower().replace("<br />", " "))
        stream += [number.setdefault(word, len(number)) for word in spoken]
        stream.append(-1)
    numbers = np.array(stream, np.int32)
    counts = np.bincount(numbers[numbers >= 0], minlength=len(number))
    rank = np.empty(len(number) + 1, np.int32)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(number))
    rank[-1] = -1  # the separator stays what it is
    return Words(rank[numbers], len(number))
