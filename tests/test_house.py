"""Who may import whom, and what no file may hold."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "configs": {"configs"},
    "models": {"models"},
    "theory": {"theory"},
    "valuation": {"valuation", "theory"},
    "experiments": {"configs", "models", "theory", "valuation", "experiments"},
}
FILES = sorted(path for folder in MAY_IMPORT for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    tree = ast.walk(ast.parse(path.read_text()))
    names = [a.name for node in tree if isinstance(node, ast.Import) for a in node.names]
    tree = ast.walk(ast.parse(path.read_text()))
    names += [node.module or "" for node in tree if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_the_walls(path):
    folder = path.relative_to(ROOT).parts[0]
    ours = imported(path) & ({*MAY_IMPORT, "tests"})
    assert ours <= MAY_IMPORT[folder]
    assert folder == "models" or "flax" not in imported(path)
    assert path.read_text().strip(), "no empty files"
