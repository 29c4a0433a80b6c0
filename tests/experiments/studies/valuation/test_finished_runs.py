"""What a study depends on that reads finished runs, and which changes of these it takes."""

import pytest

from experiments.studies.valuation import finished_runs
from experiments.studies.valuation.finished_runs import digests, grown, of_the_same
from tests.experiments.studies.valuation.test_transfer import FIRST, RNG, run


def config(lines, **others):
    return {"name": "a", "lines": digests(lines), **others}


def test_seconds_commits_and_the_order_of_draws_do_not_count():
    moved = [line | {"seconds": 3.0, "commit": "other"} for line in sorted(FIRST[:-1], key=lambda x: -x["draw"])]
    assert digests([*moved, FIRST[-1] | {"seconds": 9.0}]) == digests(FIRST)


def test_further_methods_and_draws_are_more_of_the_same():
    more = [*FIRST, *({"kind": "values", "draw": d, "method": "loss_only", "values": [0.0] * 6} for d in (0, 1))]
    assert grown(config(FIRST), config(more), [])
    assert not grown(config(more), config(FIRST), [])
    assert not grown(config(FIRST), config(more, steps=3), [])
    one = {"name": "a", "lines": digests(FIRST, [0])}
    assert grown(one, config(FIRST), [])
    assert not grown(config(FIRST), one, [])


def test_other_numbers_are_another_run():
    for kind, field in (("truth", "utility"), ("values", "values"), ("contributor", "spec")):
        changed = [
            line | {field: [0.5] * 6} if (line["kind"], line.get("draw")) == (kind, 1) else line for line in FIRST
        ]
        assert not grown(config(FIRST), config(changed), []), kind


def test_what_is_derived_goes_on_with_other_values_of_the_same_contributors():
    def of(lines):
        return {"name": "a", "lines": {"values": digests(lines)}}

    other = run(RNG.random((2, 2, 6)), {"size": RNG.random((2, 6))})
    assert of_the_same(of(FIRST), of(other), [])
    assert not of_the_same(of(FIRST), of(run(RNG.random((2, 2, 6)), {}, size=11)), [])
    assert not of_the_same(of(FIRST), {"name": "a", "lines": {"truth": digests(FIRST)}}, [])
    assert not of_the_same({"name": "a", "values": "out/run", "lines": {"values": "a hash"}}, of(FIRST), [])


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no finished run: there is no config"):
        finished_runs.configured(tmp_path)
