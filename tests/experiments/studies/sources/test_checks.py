"""How right predicted gains are, from trainings whose outcome is given; and what is decided."""

import pytest

from experiments.studies.sources.checks import REAL, Training, judged, wanted
from tests.experiments.studies.sources.made_up import answer


def values(**worth):
    (first, *_) = answer().values
    return [
        first._replace(source=name, value=value, gain=value, verdict="helps" if value > 0 else "harms")
        for name, value in sorted(worth.items(), key=lambda pair: -pair[1])
    ]


def test_the_ends_of_the_order_are_trained_first():
    found = wanted(values(a=4, b=3, c=2, d=1, e=0), sources=3, seeds=2)
    assert [one.source for one in found] == [REAL, "a", "e", "b"] * 2
    assert [one.seed for one in found] == [0] * 4 + [1] * 4
    assert [one.source for one in wanted(values(a=1), sources=3, seeds=1)] == [REAL, "a"]


def trainings(**gains):
    return {Training(name, seed): 0.5 + (gain[seed] if name else 0.1 * seed)
            for name, gain in {REAL: (0, 0), **gains}.items() for seed in range(2)}  # fmt: skip


def test_signs_count_where_the_trained_gain_is_clear_of_zero():
    trained = trainings(a=(0.2, 0.31), b=(-0.1, 0.01), c=(0.09, 0.02))
    check = judged(values(a=0.3, b=0.1, c=-0.1), trained)
    assert check.done
    assert check.numbers["a"]["trained_gain"] == pytest.approx(0.205)
    assert check.numbers["a"]["standard_error"] == pytest.approx(0.005)
    assert "right for 1 of the 2" in check.result  # of a; not of b, which is predicted to help; c is not clear
    assert "2 of 3 pairs" in check.result


def test_without_trainings_there_is_no_check():
    assert not judged(values(a=1.0), {}).done
    assert not judged(values(a=1.0), {Training(REAL, 0): 0.5}).done
