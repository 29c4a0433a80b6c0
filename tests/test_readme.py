"""The pages keep what they promise: their blocks run, their paths exist, their commands are those of the code."""

import ast
import importlib.util
import re
import shlex
import sys
import tomllib
import types
from pathlib import Path

import numpy as np
import pytest

from experiments import tasks
from experiments.data import archives
from experiments.run import complete
from experiments.runtime import launch, results
from experiments.runtime.overrides import separated
from experiments.studies.valuation import study
from tests.models.written_models import written
from valuation.covariates import MEASURES
from valuation.methods import METHODS

ROOT = Path(__file__).parent.parent
FOLDERS = sorted(path.name for path in ROOT.iterdir() if list(path.glob("*.py")))
TEXTS = {
    str(page.relative_to(ROOT)): page.read_text()
    for page in (*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in sorted((ROOT / folder).rglob("*.md"))))
}
STARTS_FROM = {"valuation/README.md": "README.md"}  # the page whose block that makes a problem a page goes on from
OF_A_RUN = ("results.jsonl", "config.json", "report.md")  # files of a workdir


def blocks(page: str) -> list[tuple[str | None, str]]:
    """(the file that the text before it names, its lines) of every Python block: "In `configs/points.py`, ..."."""
    pairs = re.findall(r"((?:[^\n]+\n)*)\n?```python\n(.*?)```", TEXTS[page], re.DOTALL)
    return [(next(iter(re.findall(r"In `([\w/]+\.py)`", before)), None), code) for before, code in pairs]


EXAMPLES = {file for page in TEXTS for file, _ in blocks(page) if file}  # files that a reader is shown how to write


@pytest.fixture
def reader(monkeypatch, tmp_path):
    """What a reader of a block has: arrays; a tiny random language model stands for the one that is fetched."""

    def tiny(*_) -> Path:
        written(tmp_path / "tiny.gguf", keys={"llama.context_length": 512})
        return tmp_path / "tiny.gguf"

    monkeypatch.setattr(archives, "member", tiny)
    rng = np.random.default_rng(0)
    labels = np.resize(np.arange(10), 60)
    return {
        "x_real": rng.random((30, 784)), "y_real": labels[:30],
        "x_made": rng.random((20, 784)), "y_made": labels[30:50],
        "x_held_out": rng.random((10, 784)), "y_held_out": labels[50:],
        "price_real": rng.random(30), "price_made": rng.random(20), "price_held_out": rng.random(10),
    }  # fmt: skip


@pytest.mark.parametrize("page", [page for page in TEXTS if any(not file for file, _ in blocks(page))])
def test_python_blocks_run(page, reader, capsys):
    if page in STARTS_FROM:
        exec(next(code for _, code in blocks(STARTS_FROM[page]) if "problem = " in code), reader)
    for file, code in blocks(page):
        if not file:
            capsys.readouterr()
            exec(code, reader)
            assert capsys.readouterr().out.strip()


@pytest.fixture
def examples(monkeypatch):
    """The files of CONTRIBUTING.md as modules, which the registries know while a test runs."""
    monkeypatch.setitem(tasks.TASKS, "points", "experiments.tasks.points")
    monkeypatch.setitem(tasks.OBJECTIVES, "points", "classification")
    monkeypatch.setitem(METHODS, "centroid", METHODS["random"])  # what a block puts there goes when the test ends
    modules = {}
    for file, code in blocks("CONTRIBUTING.md"):
        assert code.count("\n") < 40, file
        name = file.removesuffix(".py").replace("/", ".")
        modules[file] = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, modules[file])
        exec(code, modules[file].__dict__)
    return modules


def test_the_example_of_a_method_passes_its_own_test(examples):
    examples["valuation/methods/centroid.py"].test_centroid_is_the_mmd_of_a_linear_kernel()
    assert METHODS["centroid"].title == "centroid"


def test_the_example_of_a_task_runs_with_the_example_of_a_method(examples, tmp_path, unrendered):
    config = examples["configs/points.py"].get_config("tiny,contributors=3,truth=none")
    config.methods, config.choice = ("centroid", "rbf_margin", "size"), "centroid"
    study.run(config, str(tmp_path), None)
    lines = results.read(tmp_path / "results.jsonl")
    (sizes,) = results.select(lines, kind="values", method="size")
    assert sizes["values"] == [line["examples"] for line in results.select(lines, kind="contributor")]
    assert "centroid" in (tmp_path / "report.md").read_text()


def prose(page: str) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"```.*?```", "", TEXTS[page], flags=re.DOTALL)


def words(page: str) -> list[str]:
    """Every word of the page's inline code and of its indented lines."""
    text = prose(page)
    code = [*re.findall(r"`([^`]+)`", text), *re.findall(r"^    (\S.*)", text, re.MULTILINE)]
    return [word.strip(",;:()") for one in code for word in one.split()]


@pytest.mark.parametrize("page", TEXTS)
def test_paths_exist(page):
    """Files and folders of this repository, from the page's own folder or from the root."""
    missing = []
    for word in words(page):
        ours = word.split("/")[0] in FOLDERS and "/" in word
        is_file = re.fullmatch(r"[\w./*-]+\.(py|md|jsonl|png|toml|txt|gz|cff|yml)", word)
        if not (ours or is_file) or word in OF_A_RUN or word in EXAMPLES or ":" in word:
            continue
        if not any(list(folder.glob(word.rstrip("/"))) for folder in (ROOT, (ROOT / page).parent)):
            missing.append(word)
    assert missing == []


@pytest.mark.parametrize("page", TEXTS)
def test_tests_that_a_page_names_exist(page):
    """`tests/valuation/test_kernel.py::test_name`, from the root or from the page's own folder."""
    for path, name in re.findall(r"`([\w/]+\.py)::(\w+)`", TEXTS[page]):
        file = next((place / path for place in (ROOT, (ROOT / page).parent) if (place / path).is_file()), None)
        assert file, path
        assert re.search(rf"^def {name}\(", file.read_text(), re.MULTILINE), f"{path} has no {name}"


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    lost = []
    for target in re.findall(r"\]\((?!http)([^)\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("page", TEXTS)
def test_targets_of_make_exist(page):
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^ *)make (?:\w+=\S+ )*([\w.]+)", TEXTS[page], re.MULTILINE):
        assert re.search(rf"^(\.PHONY: )?{re.escape(target)}(:|$)", makefile, re.MULTILINE)


def anchors(text: str) -> set[str]:
    """What a forge calls the headings of a page: lower case, dashes for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: str) -> list[list[str]]:
    """Every `python -m experiments...` of the page as its words, the module first."""
    text = re.sub(r"\s+", " ", TEXTS[page].replace("\\|", "|"))
    return [match.split() for match in re.findall(r"python -m (experiments\.[^`|#]*)", text)]


def module_of(file: str):
    return importlib.import_module(file.removesuffix(".py").replace("/", "."))


@pytest.mark.parametrize("page", [page for page in TEXTS if commands(page)])
def test_commands_name_modules_and_flags_of_the_code(page):
    for module, *rest in commands(page):
        spec = importlib.util.find_spec(module.rstrip(".,;"))
        assert spec, module
        if spec.submodule_search_locations:  # a package that is a command
            spec = importlib.util.find_spec(f"{spec.name}.__main__")
        known = flags_of(Path(spec.origin))
        for flag in (word for word in rest if word.startswith("--")):
            name = re.match(r"--(\w+)", flag).group(1)
            assert name in known, f"{module} has no flag {flag}"


def flags_of(module: Path) -> set[str]:
    """Names of the flags that a command defines, itself or through the room runtime."""
    texts = [path.read_text() for path in (module, *(ROOT / "experiments" / "runtime").glob("*.py"))]
    defined = {name for text in texts for name in re.findall(r"DEFINE_\w+\(\s*\"(\w+)\"", text)}
    started = [node for node in ast.parse(texts[0]).body if isinstance(node, ast.If)]  # if __name__ == "__main__"
    return defined | {one.value for node in started for one in ast.walk(node) if isinstance(one, ast.Constant)}


@pytest.mark.parametrize("page", TEXTS)
def test_configs_and_overrides_are_read(page, tmp_path):
    """Every config that a page names, with every --config.key=value, is read as experiments.run reads it."""
    text = re.sub(r"\s+", " ", TEXTS[page].replace("\\|", "|").replace("FOLDER", str(tmp_path)))
    for argument, rest in re.findall(r"(?:--config=|`)(configs/\w+\.py(?::[\w=,-]+)?)((?: --[^`\s]+)*)", text):
        file, colon, _ = argument.partition(":")
        if file in EXAMPLES or not (colon or hasattr(module_of(file), "get_config")):
            continue
        assert launch.read_config(argument, separated(shlex.split(rest))[0], complete).scale
        for sweep in re.findall(r"--sweep=(\w+)", rest):
            assert callable(getattr(module_of(file), sweep))


@pytest.mark.parametrize("page", TEXTS)
def test_keys_of_configs_exist(page):
    """What a page calls `config.key` is a key of some config."""
    modules = (module_of(f"configs/{path.name}") for path in (ROOT / "configs").glob("*.py"))
    configs = [module.get_config() for module in modules if hasattr(module, "get_config")]
    for key in (found.group(1) for word in words(page) if (found := re.fullmatch(r"config\.(?!json)([\w.]+)", word))):
        assert any(has(config, key) for config in configs), key


def has(config, key: str) -> bool:
    for part in key.split("."):
        if part not in config:
            return False
        config = config[part]
    return True


def test_readme_is_one_page_to_read_and_maps_every_room():
    text = TEXTS["README.md"]
    assert text.count("\n") <= 180
    folders = [room for room in (ROOT / "experiments").iterdir() if list(room.glob("*.*"))]
    rooms = {f"experiments/{room.name}" for room in folders if room.name != "__pycache__"}
    named = set(re.findall(r"`([\w/]+)/`", text[text.index("## Where things are") : text.index("## Limits")]))
    assert named == {*FOLDERS, *rooms}


def test_the_table_of_methods_is_that_of_the_code():
    section = TEXTS["valuation/README.md"].partition("## The methods")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| .+? \| (.+?) \| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    assert rows == [
        (name, method.title, method.looks_at, method.cost, ", ".join(method.objectives) or "all")
        for name, method in METHODS.items()
    ]


def test_the_table_of_measures_is_that_of_the_code():
    section = TEXTS["valuation/README.md"].partition("## Measures that are no values")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", section, re.MULTILINE) == [
        (name, measure.title, measure.says, measure.looks_at,
         ", ".join(measure.objectives) or ("tokens" if measure.of_items else "all"))
        for name, measure in MEASURES.items()
    ]  # fmt: skip


def test_the_glossary_holds_words_of_the_code():
    glossary = TEXTS["CONTRIBUTING.md"].partition("## Glossary")[2]
    code = "\n".join(path.read_text() for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    modules = {path.stem for path in ROOT.glob("experiments/**/*.py")}
    for terms in re.findall(r"^\| (`[^|]+`) \|", glossary, re.MULTILINE):
        for term in re.findall(r"`(\w+)`", terms):
            assert term in modules or re.search(rf"\b{term}\b", code), term


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"version: {project['version']}" in (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^## \[(.*?)\]", TEXTS["CHANGELOG.md"], re.MULTILINE).group(1) == project["version"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert '["3.11", "3.12", "3.13"]' in (ROOT / ".github/workflows/tests.yml").read_text()
