"""What is said of somebody's own sources: the content of answer.json, of the report and of value_sources.

Everything here is plain data: numbers, texts, lists. A number that does not exist is None, never NaN. A utility is in
the unit of `Data.metric`, higher = better; its gains are differences of two utilities.
"""

from typing import Any, NamedTuple

VERSION = 1  # of this content; another one where a field changes its meaning or goes

Interval = tuple[float, float]  # 95 %


class Set(NamedTuple):
    """A file that was read.

    rows: in the file. used: of them, after what was left out. left_out: reason, in words -> how many rows.
    fitted: of those that are used, how many the fits take: all, but of too many examples of very many features.
    """

    name: str
    file: str
    rows: int
    used: int
    fitted: int
    left_out: dict[str, int]


class Data(NamedTuple):
    """What the answers are about.

    kind: "text", "pairs" or "table". columns: role (text, label; prompt, response; target) -> column that plays it.
    learner, surrogate: in words, what would be trained and what stands for it. metric: what a utility is.
    target: "class" with `classes`, their names in order; "number"; or "tokens".
    features: columns of a table that are learned from. ignored: column -> why it is not. found: in words, how the real
    file was understood, a sentence each.
    split: in words, where the validation examples come from. repeated: share of the real examples that show what
    another one shows, targets aside; near_validation: share that has a near copy in validation.
    """

    kind: str
    columns: dict[str, str]
    target: str
    classes: list[str]
    features: list[str]
    ignored: dict[str, str]
    found: list[str]
    metric: str
    learner: str
    surrogate: str
    real: Set
    validation: Set
    sources: list[Set]
    split: str
    repeated: float
    near_validation: float


class Example(NamedTuple):
    """An example of a source, by its row in the file, from 0 on; text: what it says, None if texts are not shown.

    distance: from the nearest real example, over the median distance of a real example from its nearest other one.
    """

    row: int
    text: str | None
    label: str | None
    distance: float


class Drivers(NamedTuple):
    """What speaks for or against a source. Shares are of its examples.

    disagreement: mean loss of a fit to validation on the source's own targets, 0 to 1; real: the same of the real file.
    discrepancy: MMD between source and validation features, by the unbiased estimator: below 0 by chance where they are
    alike; None of a single example. size: examples used.
    duplicates: share that repeats another example of the source. in_validation, in_real: share that stands there too,
    byte for byte; near_validation, near_real: share with a near duplicate there. near_rule: in words.
    unknown_labels: share whose label the validation set lacks; None without classes.
    """

    disagreement: float | None
    disagreement_real: float | None
    discrepancy: float | None
    size: int
    duplicates: float
    in_validation: float
    near_validation: float
    in_real: float
    near_real: float
    near_rule: str
    unknown_labels: float | None


class Value(NamedTuple):
    """What a source is worth beside the real examples R.

    gain: predicted metric of R + S minus that of R; predicted: that of R + S. interval: of the gain, from a jackknife
    over blocks of examples and a bootstrap over validation. value, value_interval: the same difference in the
    surrogate's own unit, by which the sources are ordered. dropped: predicted metric of all together minus that of all
    without the source; dropped_interval: of it, over validation rows only. verdict: "helps", "harms" or "open", as
    value_interval lies above, below or around 0.
    """

    source: str
    value: float
    value_interval: Interval
    gain: float
    interval: Interval
    predicted: float
    dropped: float | None
    dropped_interval: Interval | None
    verdict: str
    drivers: Drivers
    nearest: list[Example]
    strangest: list[Example]


class Point(NamedTuple):
    """A predicted metric at an amount, and its interval."""

    amount: int
    predicted: float
    interval: Interval | None


class Amount(NamedTuple):
    """How much of a source, or of all together ("all"), to mix in.

    curve: predicted metric over the examples added to all real ones that are fitted, from 0 on; its intervals are over
    validation rows only. best: the amount to take, 0 unless what the halves chose gains in the surrogate's own unit.
    chosen: the amount that one half of validation chose for the other, and back. gain: predicted metric at these
    amounts, scored on the other half, minus that of the real examples alone; interval: of it, from a jackknife over
    blocks of examples and from validation rows.
    weights: source -> how much one of its examples counts beside a real one in the fit on `best` (or on all that there
    are, where that is 0) that does best, in (0, 1]; 1: alike. All are 1 unless what the halves chose gains.
    weight: that of the source; None for all together. weighted_gain: what weights add to the predicted metric, chosen
    on one half and scored on the other.
    equivalent_real: how many real examples would do as well as the fitted real ones and `best` of the source, by
    `gain`; equivalent_interval: the same of the ends of the gain's interval, the real curve taken as known. censored:
    why that number was not measured or is only a limit, or None. exchange_rate: further real examples that each of
    `best` examples stands for; marginal_rate: the same of 1,000 more (or as many as there are).
    """

    source: str
    curve: list[Point]
    best: int
    chosen: list[int]
    gain: float
    interval: Interval | None
    weight: float | None
    weights: dict[str, float]
    weighted_gain: float
    equivalent_real: float | None
    equivalent_interval: Interval | None
    censored: str | None
    exchange_rate: float | None
    marginal_rate: float | None


class Forecast(NamedTuple):
    """What more real examples would buy: the predicted metric at `times` as many."""

    times: float
    amount: int
    predicted: float
    interval: Interval


class Law(NamedTuple):
    """A law fitted to the curve: parameters and their intervals by name.

    criterion: the larger of AICc and BIC, lower = better; None where there are too few points for AICc.
    """

    name: str
    parameters: dict[str, float]
    intervals: dict[str, Interval]
    criterion: float | None


class More(NamedTuple):
    """What more would buy.

    curve: predicted metric on subsets of the real examples. trained: the same of real trainings, where asked for.
    laws: fitted to 1 minus the metric (or to the loss), the best first. phase: in words, only as far as the data show
    one. plan: in words and numbers, what a budget buys best; None where no prices were given.
    """

    curve: list[Point]
    trained: list[Point]
    laws: list[Law]
    forecasts: list[Forecast]
    phase: str
    breakpoints: Interval | None
    plan: dict[str, Any] | None


class Check(NamedTuple):
    """A check that the answers deserve. done: whether it was made. result: in words; why not, where it was not made.

    numbers: what came out, by name.
    """

    name: str
    done: bool
    result: str
    numbers: dict[str, Any]


class Cost(NamedTuple):
    """Seconds and bytes of the work; what was left out, in words, with the key of the config that brings it back."""

    seconds: float
    memory_bytes: int
    left_out: list[str]


class Answer(NamedTuple):
    """Everything. decision: three sentences, one a question. values: the best source first."""

    version: int
    decision: list[str]
    data: Data
    values: list[Value]
    amounts: list[Amount]
    more: More | None
    checks: list[Check]
    cost: Cost


def plain(content: Any) -> Any:
    """The content as dicts, lists, numbers and texts, ready for JSON."""
    if hasattr(content, "_asdict"):
        return {name: plain(value) for name, value in content._asdict().items()}
    if isinstance(content, dict):
        return {str(name): plain(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    return content.item() if hasattr(content, "item") else content
