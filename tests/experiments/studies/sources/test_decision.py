"""The sentences name the source whose numbers they say, and do not say more than was computed."""

import pytest

from experiments.studies.sources import decision, looks
from experiments.studies.sources.answer import Point
from experiments.studies.sources.leaks import LEAKS, is_clear, leaks_of
from tests.experiments.studies.sources import made_up

ANSWER = made_up.answer(("unsure", "good", "better", "bad"))
DATA = ANSWER.data


def value(name, verdict, gain, **drivers):
    one = ANSWER.values[0]
    none = {"in_validation": 0.0, "near_validation": 0.0}
    return one._replace(
        source=name,
        verdict=verdict,
        gain=gain,
        interval=(gain - 0.01, gain + 0.01),
        predicted=0.7 + gain,
        drivers=one.drivers._replace(**none | drivers),
    )


def amount(name, best, last, equivalent=900.0, censored=None):
    usual = next(one for one in ANSWER.amounts if one.source == "unsure")
    curve = [Point(0, 0.7, None), Point(100, 0.72, None), Point(last, 0.73, None)]
    return usual._replace(
        source=name,
        curve=curve,
        best=best,
        equivalent_real=equivalent,
        equivalent_interval=(0.9 * equivalent, 1.1 * equivalent),
        censored=censored,
    )


VALUES = [value("unsure", "open", 0.09), value("good", "helps", 0.05), value("bad", "harms", -0.2)]
AMOUNTS = [amount("unsure", 100, 2000, 5000.0), amount("good", 2000, 2000), amount("bad", 0, 2000)]


def test_the_numbers_are_those_of_the_source_that_is_named():
    which = decision.which(DATA, VALUES)
    assert which.startswith(
        "Take good: beside your 500 real examples it lifts the predicted accuracy from 0.700 to 0.7"
    )
    assert "to 0.750 (a gain between +0.040 and +0.060); unsure may help or harm; leave out bad" in which
    much = decision.how_much(DATA, VALUES, AMOUNTS)
    assert much.startswith("Mix in all 2,000 examples of good")
    assert "with your 500 real examples they do as well as about 900 real ones (95 %: 810 to 990)" in much


def test_without_a_sure_one_the_best_guess_is_the_first():
    values = [one for one in VALUES if one.verdict != "helps"]
    assert decision.which(DATA, values).startswith("Take none of the sources as they are")
    assert "best guess is to mix in about 100 of the 2,000 examples of unsure" in decision.how_much(
        DATA, values, AMOUNTS
    )


def test_the_end_of_what_was_fitted_is_no_optimum():
    text = decision.how_much(DATA, VALUES, [amount("good", 300, 300)])
    assert "300 or more (the fits take no more than 300 of the 2,000 examples) of good" in text
    data = DATA._replace(real=DATA.real._replace(fitted=200))
    assert "beside 200 of your 500 real examples (as many as the fits take)" in decision.which(data, VALUES)


def test_a_limit_is_said_to_be_one():
    text = decision.how_much(DATA, VALUES, [amount("good", 2000, 2000, 1234.0, "more than 1,234, no farther")])
    assert "as well as more than 1,234 real ones, no farther (95 %" in text
    text = decision.how_much(DATA, VALUES, [amount("good", 2000, 2000, 1234.0, "by the forecast")])
    assert "as well as about 1,234 real ones, by the forecast (95 %" in text


def test_more_real_examples_start_from_what_there_is():
    text = decision.what_more(DATA, VALUES, AMOUNTS, ANSWER.more._replace(plan=None))
    assert text == (
        "Twice as many real examples (1,000) would bring the accuracy from 0.811 to about 0.838 (95 %: 0.826 to 0.850)."
    )


@pytest.mark.parametrize("shares", [{"in_validation": 0.1, "near_validation": 0.1}, {"near_validation": 0.1}])
def test_a_source_that_holds_validation_examples_is_not_recommended(shares):
    values = [value("unsure", "helps", 0.09, **shares), *VALUES[1:]]
    which = decision.which(DATA, values)
    assert which.startswith("Take good")
    assert "do not trust the numbers of unsure yet: 10 % of the examples of unsure" in which
    assert "of good" in decision.how_much(DATA, values, AMOUNTS)
    assert "leave out bad" in decision.which(DATA, [value("bad", "harms", -0.2, **shares)])  # though flattered
    left_out = [one._replace(left_out={LEAKS: 200}) for one in DATA.sources]
    assert leaks_of(DATA._replace(sources=left_out), values[0]) == 0


def test_near_copies_by_chance_are_no_leak():
    assert leaks_of(DATA, value("good", "helps", 0.1, near_validation=0.0045)) == 0  # the real ones: 0.004
    assert leaks_of(DATA, value("good", "helps", 0.1, in_validation=0.001)) == 0.001  # no real one repeats another
    assert leaks_of(DATA._replace(repeated=0.5), value("good", "helps", 0.1, in_validation=0.4)) == 0
    # 3 standard errors of a difference of two shares of .2 among 100 and 400: 3 sqrt(.16 (1 / 100 + 1 / 400)) = .1342
    assert [is_clear(0.2 + more, 100, 0.2, 400) for more in (0.134, 0.135)] == [False, True]


def test_what_was_looked_at_without_training_is_a_check():
    values = [value("unsure", "helps", 0.09, in_validation=0.1, near_validation=0.1), *VALUES[1:]]
    amounts = [one._replace(gain=gain, chosen=chosen) for one, gain, chosen in
               zip(AMOUNTS, (0.1, -0.1, 0.0), ([100, 200], [0, 10], [0, 0]), strict=True)]  # fmt: skip
    leakage, halves, intervals = looks.looked(ANSWER._replace(values=values, amounts=amounts))
    assert all(check.done for check in (leakage, halves, intervals))
    assert "in validation or nearly so, in 1 of 3 sources: unsure (10 %)." in leakage.result
    assert "for 1 of 3 sources; both halves chose much the same amount for 2." in halves.result
    assert intervals.result.startswith("Sure to help or to harm: 3 of 3 sources")
    clean = looks.looked(ANSWER._replace(values=VALUES, amounts=[]))
    assert clean[0].result.startswith("No source holds more of validation than chance explains: 0.4 % of the real")
    assert not clean[1].done
    assert not any(check.done for check in looks.looked(ANSWER._replace(values=[], amounts=[])))


def test_what_a_budget_buys_is_said():
    plan = {"budget": 10.0, "buy": {"real": 20, "good": 1000}, "predicted": 0.9}
    text = decision.what_more(DATA, VALUES, AMOUNTS, ANSWER.more._replace(plan=plan))
    assert text.endswith("; a budget of 10 is spent best on 20 real examples and 1,000 of good.")


def test_nothing_is_said_of_what_was_not_computed():
    assert decision.which(DATA, []) == "No source was valued."
    assert decision.how_much(DATA, VALUES, []) == "How much to mix in was not computed."
    assert decision.what_more(DATA, VALUES, [], None) == "What more real examples would buy was not computed."
