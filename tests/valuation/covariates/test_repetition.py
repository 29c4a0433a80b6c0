import gzip

import numpy as np
import pytest

from valuation.covariates.repetition import compressed_share, distinct_share


def test_it_is_gzip_without_its_frame():
    """18 bytes of a gzip file are head and check sum, of zlib's 6."""
    for content in (b"real and synthetic " * 40, np.random.default_rng(0).bytes(3000)):
        size = len(gzip.compress(content, 6)) - 12
        assert compressed_share(content) == pytest.approx(size / len(content))
    assert compressed_share(b"") == 1


@pytest.mark.parametrize("length", [1, 2, 3])
def test_different_ngrams_are_those_of_a_set(length):
    rng = np.random.default_rng(0)
    rows = [rng.integers(1, 4, rng.integers(0, 9)).astype(np.int32) for _ in range(10)]
    every = [tuple(row[i : i + length]) for row in rows for i in range(len(row) - length + 1)]
    assert distinct_share(rows, length) == pytest.approx(len(set(every)) / len(every))
    assert distinct_share([np.array([7])], 2) == 1
