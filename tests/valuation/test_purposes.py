"""Every purpose has a number of its own, and nothing else in valuation/ is folded into the key of a problem."""

import ast
from collections import Counter
from pathlib import Path

import jax
import numpy as np

from valuation.methods import METHODS
from valuation.purposes import Purpose, purpose_key

FILES = sorted((Path(__file__).parents[2] / "valuation").rglob("*.py"))


def test_all_purposes_are_different():
    assert len({int(purpose) for purpose in Purpose}) == len(Purpose.__members__)
    key = jax.random.key(3)
    drawn = {float(jax.random.uniform(purpose_key(key, purpose))) for purpose in Purpose}
    assert len(drawn) == len(Purpose)
    expected = jax.random.key_data(jax.random.fold_in(jax.random.key(3), 4))
    np.testing.assert_array_equal(jax.random.key_data(purpose_key(key, Purpose.TRAK)), expected)


def test_keys_are_folded_in_one_place():
    """In purposes.py, and each purpose is one module's, beside the list of methods. Others fold a place into a key
    that is theirs: projection.py a parameter's, unions.py and union_fits.py a contributor's.
    """
    folding, used = set(), Counter()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "fold_in":
                folding.add(path.name)
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "Purpose":
                used[node.attr] += path.name != "__init__.py"
    assert folding == {"purposes.py", "projection.py", "unions.py", "union_fits.py"}
    assert used == dict.fromkeys(Purpose.__members__, 1)


def test_methods_say_which_purpose_is_theirs():
    named = Counter(method.purpose for method in METHODS.values() if method.purpose)
    shared = {Purpose.TANGENT, Purpose.INDUCING, Purpose.REFERENCES, Purpose.UNIONS, Purpose.COVARIATES}  # by several
    assert named == dict.fromkeys(set(Purpose) - shared, 1)
