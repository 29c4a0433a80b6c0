"""How many inputs are tried: some 200, the same every time, inside `make test`; thousands, others each time, outside.

`make fuzz` prints its seed; `make fuzz SEED=...` tries the same again.
"""

import pytest
from hypothesis import HealthCheck, settings

COMMON = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("tests", max_examples=12, derandomize=True, **COMMON)
settings.register_profile("fuzz", max_examples=200, print_blob=True, report_multiple_bugs=False, **COMMON)
settings.load_profile("tests")  # --hypothesis-profile=fuzz loads the other one


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that every input of a module writes its file into."""
    return tmp_path_factory.mktemp("fuzz")
