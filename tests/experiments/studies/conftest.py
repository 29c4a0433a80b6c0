"""Reports of the studies' tests draw every figure once and small; files and sizes are tested where figures are made."""

import pytest

from experiments.reporting import figures


@pytest.fixture(scope="module", autouse=True)
def small_figures():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "FORMATS", ("png",))
        patch.setattr(figures, "DPI", 40)
        yield
