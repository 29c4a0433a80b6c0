import base64
import gzip
import hashlib
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
import tensorflow_datasets as tfds

from configs import images as config_file
from experiments.data import archives, images
from experiments.data.builders.cifar10 import LABELS
from experiments.data.builders.cifar10 import MEMBER as COLOUR_MEMBER
from experiments.data.builders.mnist5k import MEMBER, png

CONFIG = config_file.get_config("small")


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A stand-in archive of twelve digits, where the cache expects the real one."""
    rng = np.random.default_rng(0)
    table = np.hstack([rng.integers(0, 256, (12, 784)), (np.arange(12) % 10)[:, None]])
    text = "\n".join(",".join(map(str, row)) for row in table)
    folder = tmp_path / "archives"
    folder.mkdir()
    path = folder / "digits.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(MEMBER, gzip.compress(text.encode()))
    entry = archives.Archive("digits", "1.0", hashlib.sha256(path.read_bytes()).hexdigest(), path.name, 0.1)
    monkeypatch.setitem(archives.ARCHIVES, "mnist", entry)
    return path, table


def test_prepared_digits_are_those_of_the_archive(archive, tmp_path):
    _, table = archive
    for _ in range(2):  # the second time from the prepared files
        pixels, labels = images.read(CONFIG, str(tmp_path))[:2]
        order = np.lexsort(pixels.reshape(12, -1).T), np.lexsort(table[:, :-1].T)
        np.testing.assert_array_equal(pixels.reshape(12, -1)[order[0]], table[order[1], :-1])
        np.testing.assert_array_equal(labels[order[0]], table[order[1], -1])


def test_a_damaged_archive_is_refused_at_every_open(archive, tmp_path):
    path, _ = archive
    images.read(CONFIG, str(tmp_path))
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match=r"digits\.whl has the wrong hash"):
        images.read(CONFIG, str(tmp_path))


def test_an_archive_without_the_member_says_so(archive, tmp_path, monkeypatch):
    path, _ = archive
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("other", "")
    entry = archives.ARCHIVES["mnist"]._replace(sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setitem(archives.ARCHIVES, "mnist", entry)
    with pytest.raises(ValueError, match="lacks the member"):
        images.read(CONFIG, str(tmp_path))


def test_corrupt_data_are_refused():
    pixels, labels = images.templates(20)
    corrupt = pixels.astype(float)
    corrupt[3, 0, 0] = np.nan
    with pytest.raises(ValueError, match="image 3 holds NaN"):
        images.check(corrupt, labels, 10, "digits")
    with pytest.raises(ValueError, match="example 5 has label 10, expected 0 to 9"):
        images.check(pixels, np.where(np.arange(20) == 5, 10, labels), 10, "digits")


def test_the_colour_archive_gives_its_pixels(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)
    labels = ["cat", "truck", "airplane", "cat"]
    examples = [
        {"input": base64.b64encode(png(p).getvalue()).decode(), "target_scores": {n: int(n == k) for n in LABELS}}
        for p, k in zip(pixels, labels, strict=True)
    ]
    path = tmp_path / "archives" / "pictures.tar.gz"
    path.parent.mkdir()
    text = json.dumps({"examples": examples}).encode()
    with tarfile.open(path, "w:gz") as file:
        member = tarfile.TarInfo(COLOUR_MEMBER)
        member.size = len(text)
        file.addfile(member, io.BytesIO(text))
    entry = archives.Archive("pictures", "1", hashlib.sha256(path.read_bytes()).hexdigest(), path.name, 0.1)
    monkeypatch.setitem(archives.ARCHIVES, "bigbench", entry)
    found, kinds = images.read(config_file.get_config("small,dataset=cifar10"), str(tmp_path))[:2]
    order = [int(np.flatnonzero((pixels == one).all((1, 2, 3)))[0]) for one in found]
    assert sorted(order) == [0, 1, 2, 3]
    assert [LABELS[k] for k in kinds] == [labels[i] for i in order]


def test_paper_scale_reads_cifar100_through_tfds(tmp_path, monkeypatch):
    config = config_file.get_config("paper")
    config.split.validation = 4
    with tfds.testing.mock_data(num_examples=12):
        data = images.read(config, str(tmp_path))
    assert (data.images.shape, data.classes) == ((24, 32, 32, 3), 100)
    parts = images.split(data, config.split)
    contents = [image.tobytes() for image in data.images]
    assert set(parts.test) <= set(range(12, 24))
    assert not {contents[i] for i in parts.test} & {contents[i] for i in (*parts.train, *parts.validation)}
    assert sorted(np.concatenate(parts)) == list(range(24))
