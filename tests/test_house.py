"""Who may import whom, in which order the rooms stand, and which test looks at which module."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "configs": {"configs"},
    "models": {"models"},
    "theory": {"theory"},
    "valuation": {"valuation"},
    "experiments": {"configs", "models", "theory", "valuation", "experiments"},
}
FLOORS = (  # of experiments/, from the ground; a room imports what stands below it, never what stands beside or above
    {"runtime"},
    {"reporting"},
    {"data", "training"},
    {"synthetic", "benchmarks"},
    {"tasks"},
    {"studies"},
    {"commands"},  # the modules that lie in experiments/ itself
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for folder in MAY_IMPORT for path in (ROOT / folder).rglob("*.py"))
NAMED_ELSEWHERE = {}  # module -> the test file that looks at it, where that does not bear its name


def module(path: Path) -> str:
    """The dotted name of a file; that of its folder for an __init__.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in FILES}


def imported(path: Path, *, everywhere: bool = True) -> set[str]:
    """Dotted names of what a file imports; `from a import b` is a.b where that is a module of ours, else a."""
    tree = ast.parse(path.read_text())
    names = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in MODULES else node.module for name in whole}
    return names


def room(name: str) -> str | None:
    """The room of experiments/ that a module belongs to; None for what is not in experiments/."""
    parts = name.split(".")
    if parts[0] != "experiments" or len(parts) == 1:
        return None
    return parts[1] if parts[1] in FLOOR else "commands"


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """A way from every module back to itself, for those that have one."""
    found = []
    for start in edges:
        ways, seen = [[start]], set()
        while ways:
            way = ways.pop()
            for following in edges.get(way[-1], ()):
                if following == start:
                    found.append([*way, start])
                elif following not in seen:
                    seen.add(following)
                    ways.append([*way, following])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_the_walls(path):
    folder = path.relative_to(ROOT).parts[0]
    tops = {name.split(".")[0] for name in imported(path)}
    assert tops & {*MAY_IMPORT, "tests"} <= MAY_IMPORT[folder]
    assert folder == "models" or "flax" not in tops
    assert path.read_text().strip(), "no empty files"


def test_no_import_runs_up_and_no_study_imports_another():
    wrong = []
    for name, path in MODULES.items():
        for other in imported(path):
            here, there = room(name), room(other)
            if here is None or there is None or here == "commands":
                continue
            if here == there == "studies":
                up = name.split(".")[2:3] != other.split(".")[2:3]
            else:
                up = here != there and FLOOR[there] >= FLOOR[here]
            if up:
                wrong.append(f"{name} imports {other}")
    assert wrong == []


def test_nothing_imports_a_benchmark_and_no_package_imports_a_study():
    for name, path in MODULES.items():
        rooms = {room(other) for other in imported(path)}
        assert room(name) == "benchmarks" or "benchmarks" not in rooms, name
        assert path.name != "__init__.py" or "studies" not in rooms, name


def test_there_is_no_circle_and_none_is_hidden_inside_a_function():
    edges = {name: (imported(path) & MODULES.keys()) - {name} for name, path in MODULES.items()}
    assert circles(edges) == []


def test_every_room_says_what_belongs_into_it():
    for path in FILES:
        if path.name == "__init__.py":
            assert len(ast.get_docstring(ast.parse(path.read_text())) or "") > 40, path


def test_every_module_has_a_test_of_its_name_or_is_named_in_the_list():
    tests = {str(path.relative_to(ROOT / "tests")) for path in (ROOT / "tests").rglob("test_*.py")}
    missing = []
    for name, path in MODULES.items():
        if path.name == "__init__.py":
            continue
        own = path.relative_to(ROOT).with_name(f"test_{path.name}")
        if str(own) not in tests and NAMED_ELSEWHERE.get(name) not in tests:
            missing.append(name)
    assert missing == []
    assert sorted(set(NAMED_ELSEWHERE) - set(MODULES)) == [], "modules that are gone"
