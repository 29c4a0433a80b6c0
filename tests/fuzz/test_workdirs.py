"""What somebody's editor or disk made of a workdir is read or refused in one line."""

import json

from hypothesis import given
from hypothesis import strategies as st

from experiments import report
from experiments.runtime import results
from experiments.studies.sources import answer_file
from tests.experiments.studies.sources import made_up
from tests.fuzz.files import damaged
from tests.fuzz.refusals import said_or_none

CONFIG = {"name": "stub", "experiment": "valuation", "scale": "tiny", "size": 3}
LINES = "".join(
    json.dumps({"kind": "values", "draw": draw, "method": "size", "values": [1.5, None]}) + "\n" for draw in range(3)
)


@given(
    lines=damaged(st.just(LINES.encode())),
    config=damaged(st.just(json.dumps(CONFIG, sort_keys=True).encode())),
)
def test_a_damaged_run_goes_on_or_is_refused_in_one_line(folder, lines, config):
    (folder / "results.jsonl").write_bytes(lines)
    (folder / "config.json").write_bytes(config)
    said_or_none(report.writer, folder)
    path = said_or_none(results.start, folder, CONFIG)
    if path is not None:
        assert all("kind" in line for line in results.read(path))


@given(content=damaged(st.just(json.dumps(made_up.empty()._asdict(), default=str).encode())))
def test_a_damaged_answer_is_refused_in_one_line(folder, content):
    (folder / "answer.json").write_bytes(content)
    read = said_or_none(answer_file.read, folder)
    assert read is None or read._fields == made_up.empty()._fields
