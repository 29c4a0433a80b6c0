"""Files of rows, however they are damaged, are read or refused in one line, from the file to the division."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.data import own_rows, own_splits, rows
from experiments.data.own_files import Options, schema_of
from tests.fuzz.files import FILES, damaged
from tests.fuzz.refusals import result_or_none

KINDS = ("", "", "", "text", "pairs", "table")


@pytest.mark.parametrize("ending", FILES)
@given(data=st.data())
def test_a_file_is_read_or_refused_in_one_line(folder, ending, data):
    path = folder / f"rows{ending}"
    path.write_bytes(data.draw(damaged(FILES[ending])))
    frame = result_or_none(rows.read, path)
    every = result_or_none(lambda: list(rows.each(path)))
    if frame is None:
        return
    if every is not None:
        assert len(every) == frame.rows
    assert {len(column) for column in frame.columns.values()} <= {frame.rows}
    schema = result_or_none(schema_of, frame, Options(data.draw(st.sampled_from(KINDS))))
    if schema is None:
        return
    for leave_out in (False, True):
        used = result_or_none(own_rows.checked, frame, schema, leave_out=leave_out)
        if used is not None:
            assert np.isfinite(used.numbers).all()
            assert np.isfinite(used.targets).all()
            assert len(used.row) + sum(used.left_out.values()) == frame.rows
            result_or_none(own_splits.divide, used)
