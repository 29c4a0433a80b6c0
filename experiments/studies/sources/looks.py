"""Checks that need no training: leaks, amounts scored on the other half, intervals of the score; made in every run."""

from experiments.studies.sources.answer import Amount, Answer, Check, Data, Value
from experiments.studies.sources.leaks import leaks_of
from experiments.studies.sources.words import name, share

LEAKAGE, HALVES, INTERVALS = "leaks into validation", "amounts, scored on the other half", "intervals of the scores"
APART = 2  # times as much, from which on two amounts are said to differ


def looked(answer: Answer) -> list[Check]:
    """What was looked at without a training, and what came out."""
    values = answer.values
    amounts = [amount for amount in answer.amounts if amount.source != "all"]
    return [
        leakage(answer.data, values) if values else _not_made(LEAKAGE, "no source was valued"),
        halves(amounts) if amounts else _not_made(HALVES, "no amounts were computed"),
        intervals(values) if values else _not_made(INTERVALS, "no source was valued"),
    ]


def leakage(data: Data, values: list[Value]) -> Check:
    """Which sources hold validation examples, beyond what chance explains."""
    found = {value.source: leaks_of(data, value) for value in values}
    leaking = [f"{name(source)} ({share(part)})" for source, part in found.items() if part]
    result = (
        f"Examples that stand in validation or nearly so, in {len(leaking)} of {len(values)} sources: "
        f"{', '.join(leaking)}."
        if leaking
        else f"No source holds more of validation than chance explains: {share(data.near_validation)} of the real "
        "examples have a near copy there too."
    )
    return Check(LEAKAGE, True, result, found)


def halves(amounts: list[Amount]) -> Check:
    """Whether amounts that one half of the validation examples chose gain on the other half, and are alike."""
    gaining = sum(amount.gain > 0 for amount in amounts)
    alike = sum(max(amount.chosen) <= APART * min(amount.chosen) for amount in amounts)
    result = (
        f"The amount that one half of the validation examples chose raised the metric on the other half for {gaining} "
        f"of {len(amounts)} sources; both halves chose much the same amount for {alike}."
    )
    return Check(HALVES, True, result, {amount.source: amount.gain for amount in amounts})


def intervals(values: list[Value]) -> Check:
    """How many verdicts are clear of chance."""
    sure = sum(value.verdict != "open" for value in values)
    result = (
        f"Sure to help or to harm: {sure} of {len(values)} sources, whose 95 % interval of the score does not hold 0; "
        "the others are undecided."
    )
    return Check(INTERVALS, True, result, {value.source: list(value.value_interval) for value in values})


def _not_made(check: str, why: str) -> Check:
    return Check(check, False, why, {})
