"""Tables as packages ship them, with a few rows each in their place."""

import gzip
import io
import tarfile
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.data import archives, patients, stata, tables

MROZ = b"""lfp,k5,k618,age,wc,hc,lwg,inc
yes,1,0,32,no,no,1.21,10.9
no,0,2,30,yes,no,.3,19.5
"""


def config(dataset, examples=30):
    return SimpleNamespace(dataset=dataset, examples=examples)


@pytest.fixture
def shipped(monkeypatch):
    """Members by name, and what the Stata file holds."""
    members = {
        tables.MROZ: MROZ,
        tables.CANCER: b"2,2,malignant,benign\n17.9,10.3,0\n13.1,2.5,1\n",
        tables.DIABETES.format("data_raw"): gzip.compress(b"59 2 32.1 101 157 93.2 38 4 4.8 87\n" * 3),
        tables.DIABETES.format("target"): gzip.compress(b"1.51e+02\n75\n141\n"),
        tables.NHEFS: b"",
    }
    monkeypatch.setattr(tables, "member", lambda archive, name, data_dir: members[name])
    monkeypatch.setattr(stata, "numbers", lambda content, names, where: {n: np.arange(4.0) for n in names})


def test_every_table_has_its_target_numbers_and_words(shipped):
    kinds = {}
    for name in tables.READERS:
        table = tables.read(config(name), None)
        columns = {column: str(values.type) for column, values in table.frame.columns.items()}
        assert table.target in columns
        assert (columns[table.target] == "double") == (table.kind == "number")
        kinds[name] = {column for column, kind in columns.items() if kind != "double"} - {table.target}
    assert kinds["nhefs"] == {*tables.WORDS}
    assert kinds["diabetes"] == {"sex"}
    assert kinds["made_classes"] == kinds["made_numbers"] == {"word"}
    assert tables.read(config("breast_cancer"), None).frame.columns["diagnosis"].to_pylist() == ["malignant", "benign"]
    assert tables.read(config("mroz"), None).frame.rows == 2
    with pytest.raises(ValueError, match="unknown dataset 'mrozz': did you mean 'mroz'"):
        tables.read(config("mrozz"), None)


def test_patients_have_a_treatment_apart(shipped):
    for name in ("nhefs", "made"):
        found = patients.read(config(name), None)
        assert patients.OUTCOME in found.frame.columns
        assert len(found.treatment) == found.frame.rows
        assert "qsmk" not in found.frame.columns


@pytest.mark.parametrize("ending", [".whl", ".tar.gz"])
def test_members_of_both_kinds_of_archives(monkeypatch, tmp_path, ending):
    path = tmp_path / f"package{ending}"
    if ending == ".whl":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/b.csv", b"1,2")
    else:
        with tarfile.open(path, "w:gz") as archive:
            info = tarfile.TarInfo("a/b.csv")
            info.size = 3
            archive.addfile(info, io.BytesIO(b"1,2"))
    monkeypatch.setattr(archives, "fetch", lambda name, data_dir: path)
    assert tables.member("package", "a/b.csv", None) == b"1,2"
    with pytest.raises(ValueError, match=r"lacks the member a/c\.csv"):
        tables.member("package", "a/c.csv", None)
