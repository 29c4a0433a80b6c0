"""Files of reviews made in memory: nothing stands in two of them, and what is judged follows from the lines."""

import csv

import numpy as np
import pytest

from experiments.benchmarks import own_sources
from experiments.runtime.speed import flops_a_second


def test_no_review_of_one_data_set_stands_in_two_files(tmp_path):
    made = own_sources.sets("templates", 0, 0.02, None)
    assert set(made) == {*own_sources.SIZES, *own_sources.SOURCES}
    of_one = [set(made[name].texts) for name in own_sources.SIZES]
    assert len(set.union(*of_one)) == sum(map(len, of_one))
    assert len(made["repeated"].texts) == own_sources.TIMES * len(set(made["repeated"].texts))
    paths = own_sources.write_files(tmp_path, made)
    with paths["generated"].open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["text", "label"]
    assert [text for text, _ in rows] == made["generated"].texts
    assert [label == "positive" for _, label in rows] == (made["generated"].labels == 1).tolist()


def test_signs_count_where_the_truth_is_clear():
    gains = dict(zip(own_sources.SOURCES, (0.1, 0.05, 0.0, -0.1, 0.02), strict=True))
    worth = dict(zip(own_sources.SOURCES, (0.3, -0.1, 0.1, -0.2, 0.1), strict=True))
    rng = np.random.default_rng(0)
    lines = [
        {"kind": "own source", "source": name, "value": value, "run_seconds": 5.0} for name, value in worth.items()
    ]
    for seed in range(4):
        lines.append({"kind": "own truth", "source": "", "seed": seed, "metric": 0.5 + 0.01 * seed, "deviation": 0.0})
        for name, gain in gains.items():
            metric = 0.5 + 0.01 * seed + gain + 0.001 * rng.normal() * (1 if gain else 30)
            lines.append({"kind": "own truth", "source": name, "seed": seed, "metric": metric, "deviation": 0.003})
    (summary,) = own_sources.judged(lines)
    assert summary["clear"] == ["more of IMDb", "Rotten Tomatoes", "shuffled labels", "repeated"]
    assert summary["signs_right"] == ["more of IMDb", "shuffled labels", "repeated"]
    assert summary["truth"]["more of IMDb"] == pytest.approx(0.1, abs=0.002)
    assert own_sources.judged([line for line in lines if line.get("seed", 0) == 0]) == []


def test_the_measured_speed_is_that_of_a_computer():
    assert 1e7 < flops_a_second() < 1e14
