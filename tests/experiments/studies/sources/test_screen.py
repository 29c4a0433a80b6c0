"""One screen: no more lines and columns than a terminal has, and the numbers of the answer."""

import pytest

from experiments.reporting.plain_text import columns
from experiments.studies.sources.screen import LINES, WIDTH, screen
from tests.experiments.reporting.hostile import HOSTILE
from tests.experiments.studies.sources import made_up

LONG = tuple(f"a source with a very long name that goes on and on, number {i}" for i in range(12))
ANSWERS = {
    "usual": made_up.answer(),
    "empty": made_up.empty(),
    "none": made_up.empty()._replace(values=[]),
    "twelve": made_up.answer(LONG),
    "many": made_up.answer(LONG * 9),
    "hostile": made_up.answer((HOSTILE, "b" * 500, "源" * 90), HOSTILE),
    "wordy": made_up.answer()._replace(decision=["word " * 900] * 3),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_it_fits_and_holds_nothing_that_steers(name):
    lines = screen(ANSWERS[name]).split("\n")
    assert len(lines) <= LINES
    assert max(map(columns, lines)) <= WIDTH
    assert all(line.isprintable() for line in lines)


def test_it_says_what_the_answer_says():
    text = screen(ANSWERS["usual"])
    shown = " ".join(text.split())
    assert text.startswith("5 sources beside 500 real examples of real.csv; predicted accuracy of these alone: 0.804\n")
    assert all(sentence in shown for sentence in ANSWERS["usual"].decision)
    assert "1. more_imdb helps +0.062 (+0.048 to +0.076) all 2,000 2,360 real 2." in shown
    assert "3. generated undecided +0.004 (-0.010 to +0.018)" in shown
    assert "5. shuffled harms -0.137 (-0.151 to -0.123) none –" in shown
    assert "4 x as many (2,000): 0.866 (0.842 to 0.880)" in shown
    assert "2 of 4 checks were made; no model was trained to confirm the predictions." in shown
    assert "not made: training (not asked for: --config.check=true" in shown
    assert "left out: curve of all together" in shown


def test_what_does_not_fit_is_named():
    text = screen(ANSWERS["many"])
    best, worst = text.index("\n1. "), text.index("\n108. ")
    assert best < text.index("more: report.html") < worst
    assert "…" in screen(ANSWERS["wordy"])


def test_a_limit_is_no_number():
    amounts = [one._replace(censored="beyond the curve") for one in ANSWERS["usual"].amounts]
    text = screen(ANSWERS["usual"]._replace(amounts=amounts))
    assert "2,360* real" in text
    assert "* not measured, more_imdb, rotten_tomatoes, generated, all together: beyond the curve" in text


def test_what_would_puzzle_or_mislead_is_said():
    values = [one._replace(interval=(-0.1, 0.1)) for one in ANSWERS["usual"].values]
    assert "Verdicts are those of" not in screen(ANSWERS["usual"])
    assert "Verdicts are those of the stand-in model's score" in screen(ANSWERS["usual"]._replace(values=values))
    assert "Leak in repeated: 2.4 % of its examples" in screen(ANSWERS["usual"])
