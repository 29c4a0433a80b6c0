"""Real movie reviews as texts or as streams of word numbers."""

import re
from typing import NamedTuple

import numpy as np
from absl import logging

from experiments.tasks.archives import data_folder, fetch

WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


class Words(NamedTuple):
    """All reviews as one stream. Numbers go by frequency: 0 is the most frequent word.

    stream: (t,) int32; -1 between two reviews. types: number of different words.
    """

    stream: np.ndarray
    types: int


def texts(data_dir: str | None) -> list[str]:
    """Every review once, in the order of the archive; prepared once by TFDS."""
    import tensorflow_datasets as tfds

    from experiments.tasks.builders.movie_reviews import MovieReviews

    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    builder = MovieReviews(
        archive=fetch("reviews", data_dir), data_dir=str(data_folder(data_dir) / "prepared"), file_format="array_record"
    )
    builder.download_and_prepare()
    source = builder.as_data_source(split="train")
    found = (row["text"] for row in source.__getitems__(range(len(source))))
    return list(dict.fromkeys(text.decode() if isinstance(text, bytes) else text for text in found))


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
