"""What is recorded of learners with a known effect, and shares and biases counted one by one."""

import math

import numpy as np
import pytest

from configs import effects as config_file
from experiments.benchmarks import known_effects
from experiments.runtime import study
from experiments.runtime.kinds import STUDIES
from experiments.runtime.study import Step, Study, check_described
from experiments.tasks.causal_tables import setting
from tests.experiments.runtime.written import unwritten
from theory.effects import LEARNERS, hidden_bias


def test_a_line_says_what_learners_find_in_rows_of_a_seed():
    given = setting(config_file.get_config("tiny,data=known"), None)
    lines = [known_effects.drawn(given, rho, seed, 200) for rho in (0.0, 0.9) for seed in (0, 1)]
    assert len({line["effects"]["S"] for line in lines}) == 4
    every = [*lines, *known_effects.judged(lines)]
    for line in every:
        check_described(line, STUDIES["known_effects"])
    assert unwritten("known_effects", every) == []
    assert known_effects.drawn(given, 0.9, 1, 200) == lines[-1]
    assert [line["paper"] for line in lines[:2]] == [0, 0]
    least = hidden_bias(np.zeros(1), 0.9, 1.0)  # of sure treatments there is more
    assert all(least < line["paper"] < 2 * least for line in lines[2:])
    assert set(lines[0]["errors"]) == set(LEARNERS)


def line(seed, found, error, *, paper):
    """With the same numbers for every learner; the effect is 2."""
    about = {"kind": "known effect", "rho": 0.3, "seed": seed, "effect": 2.0, "paper": paper}
    return about | {"effects": dict.fromkeys(LEARNERS, found), "errors": dict.fromkeys(LEARNERS, error)}


LINES = [
    line(0, 2.5, 0.3, paper=0.5),  # off by .5 < .588: holds the effect, and the effect moved
    line(1, 2.5, 0.2, paper=0.6),  # by .5 > .392, of the moved one by .1
    line(2, 2.9, 0.1, paper=0.4),  # by .9, of the moved one by .5
    line(3, 2.1, 0.1, paper=0.5),  # by .1 < .196, of the moved one by .4
]


def test_shares_and_biases_are_counted_over_draws():
    made = known_effects.judged(LINES)
    assert [one["learner"] for one in made] == [*LEARNERS]
    for one in made:
        assert (one["rho"], one["draws"], one["held"], one["held_moved"]) == (0.3, 4, 0.5, 0.5)
        assert one["bias"] == pytest.approx(0.5)
        assert one["standard_error"] == pytest.approx(math.sqrt((0.4**2 + 0.4**2) / 3) / 2)
        assert one["paper"] == pytest.approx(0.5)
    assert known_effects.judged(LINES[:1]) == []


def test_the_report_says_the_shares_and_their_error_by_chance(tmp_path):
    step = Step([{"kind": "known effect", "rho": 0.3, "seed": seed} for seed in range(4)], lambda: LINES)
    one = Study(
        "known_effects", {"name": "known"}, lambda lines: iter([step]), known_effects.write, known_effects.judged
    )
    page = study.run(one, tmp_path).read_text()
    assert "| 0.3 | DR | 0.50 | 0.50 | 0.500 | 0.163 | 0.500 |" in page
    assert "of 4 draws" in page
    assert "0.95 with a standard error of 0.11." in page
