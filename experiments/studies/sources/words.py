"""How an Answer is put into words and numbers: the same on the screen, on the pages and in the figures."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from experiments.reporting.markdown import number
from experiments.reporting.plain_text import shortened
from experiments.studies.sources.answer import Amount, Answer, Data, Example
from experiments.studies.sources.checks import TRAINED
from experiments.studies.sources.leaks import LEAKS, leaks_of

MISSING = "–"
QUESTIONS = ("Which source is worth it?", "How much of it?", "What would more real data buy?")
VERDICTS = {"helps": ("helps", "good"), "harms": ("harms", "bad"), "open": ("undecided", "open")}  # in words, tone
ALL = "all together"
MANY = 0.01  # of the real examples with near copies in validation, from which on that is said

Form: TypeAlias = Callable[[float | None], str]


class Forms(NamedTuple):
    """How utilities of an Answer are written, the gains that are differences of them, and the surrogate's scores."""

    utility: Form
    gain: Form
    score: Form


def forms(answer: Answer) -> Forms:
    """With as many decimals as the largest utility asks for: 0.804 and +0.062, or 1,204 and +93."""
    utilities = [value.predicted for value in answer.values]
    utilities += [point.predicted for amount in answer.amounts for point in amount.curve]
    decimals, of_scores = _decimals(utilities), _decimals([value.value for value in answer.values])
    return Forms(
        partial(_rounded, decimals=decimals, sign=""),
        partial(_rounded, decimals=decimals, sign="+"),
        partial(_rounded, decimals=of_scores, sign="+"),
    )


def _decimals(numbers: list[float]) -> int:
    """So many that the largest has three digits, or four from 1 on."""
    size = math.floor(math.log10(max(map(abs, numbers), default=0.0) or 1.0))
    return max(0, 3 - size - (size < 0))


def _rounded(value: float | None, decimals: int, sign: str) -> str:
    if value is None:
        return MISSING
    value = round(value, decimals) + 0.0  # 0 has no sign
    return f"{value:{sign if value else ''},.{decimals}f}"


def name(source: str, room: int = 40) -> str:
    """The name of a source in at most `room` columns; its end is kept, in which names often differ."""
    return ALL if source == "all" else shortened(source, room, room // 3)


def metric(answer: Answer) -> str:
    """What a utility is, in a few words."""
    return shortened(answer.data.metric, 40)


def alone(answer: Answer) -> float | None:
    """The predicted metric of the real examples alone; None if nothing says it."""
    return next((value.predicted - value.gain for value in answer.values), None)


def made(answer: Answer) -> str:
    """How many of the checks were made, and that none of them trained where that is so."""
    done = sum(check.done for check in answer.checks)
    count = (
        f"{done} of {len(answer.checks)} checks {'was' if done == 1 else 'were'} made" if done else "No check was made"
    )
    trained = any(check.done and check.name == TRAINED for check in answer.checks)
    return f"{count}." if trained else f"{count}; no model was trained to confirm the predictions."


def warnings(answer: Answer) -> list[str]:
    """Sentences about what makes the numbers of a source less worth than they look."""
    said = []
    real = answer.data.near_validation
    if real >= MANY and LEAKS not in answer.data.real.left_out:
        said.append(
            f"{share(real)} of your real examples have a near copy in validation, so that sources look less useful "
            "than they are; --config.leave_out_leaks=True leaves these out."
        )
    for value in answer.values:
        found, source = value.drivers, name(value.source)
        if leaks_of(answer.data, value):
            said.append(
                f"Leak in {source}: {share(found.in_validation)} of its examples stand in the validation set too, "
                f"{share(found.near_validation)} have a near copy there, so that it looks better than it is; "
                "--config.leave_out_leaks=True leaves these out."
            )
        if found.unknown_labels:
            said.append(
                f"Labels of {source}: {share(found.unknown_labels)} of its examples have a label that no validation "
                "example has. What they are worth cannot be seen."
            )
    return said


def share(part: float | None) -> str:
    """A share in per cent."""
    if part is None:
        return MISSING
    return "< 0.1 %" if 0 < part < 0.001 else f"{100 * part:.3g} %"


def taken(data: Data, amount: Amount) -> str:
    """How many examples to take, of how many. The end of what the fits take is no optimum, and said so."""
    if not amount.best:
        return "none"
    there = sum(one.used for one in data.sources if amount.source in (one.name, "all"))
    if amount.best == there:
        return f"all {there:,}"
    fitted = max((point.amount for point in amount.curve), default=there)
    return f"{amount.best:,}{' or more' if amount.best == fitted else ''} of {there:,}"


def equivalent(amount: Amount) -> str:
    """How many real examples do as well as these with the amount to take; what was not measured has a star."""
    if amount.equivalent_real is None or not amount.best:
        return MISSING
    return f"{amount.equivalent_real:,.0f}{'*' if amount.censored else ''}"


def limits(answer: Answer) -> list[str]:
    """Why counts with a star were not measured: each reason once, with the sources that it is about."""
    sources: dict[str, list[str]] = {}
    for amount in answer.amounts:
        if amount.censored and amount.best:
            sources.setdefault(amount.censored, []).append(name(amount.source))
    return [f"* not measured, {', '.join(names)}: {why}" for why, names in sources.items()]


def rate(value: float | None, censored: str | None = None) -> str:
    """Real examples that an example stands for; what was not measured has a star."""
    return MISSING if value is None else f"{value:.2g}{'*' if censored else ''}"


def parameter(value: float | None) -> str:
    """A parameter of a law, of whatever size."""
    return number(value) if value is None or abs(value) < 1e6 else f"{value:.1e}"


def outdone(answer: Answer) -> bool:
    """Whether a verdict is surer than the interval of the gain in the metric is."""
    return any(value.verdict != "open" and value.interval[0] <= 0 <= value.interval[1] for value in answer.values)


def duration(seconds: float) -> str:
    """Time as it is spoken."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{seconds / 3600:.1f} h"


def memory(count: int) -> str:
    """Bytes in megabytes or gigabytes."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def sentence(text: str) -> str:
    """The text with a capital letter first and a full stop last; nothing stays nothing."""
    return text[:1].upper() + text[1:] + ("." if text and text[-1] not in ".!?" else "")


def target(example: Example) -> str:
    return MISSING if example.label is None else shortened(example.label, 30)


def spoken(value: Any) -> str:
    """A value of a plan or a check, whatever it is, as text."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {spoken(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(spoken, value))
    return shortened(str(value), 300)
