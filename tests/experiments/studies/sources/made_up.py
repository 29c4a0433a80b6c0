"""Answers that are made up for tests: no number of them was measured, none may be quoted."""

from experiments.studies.sources.answer import (
    VERSION,
    Amount,
    Answer,
    Check,
    Cost,
    Data,
    Drivers,
    Example,
    Forecast,
    Law,
    More,
    Point,
    Set,
    Value,
)  # fmt: skip

REAL, ALONE = 500, 0.804
NAMES = ("more_imdb", "rotten_tomatoes", "generated", "repeated", "shuffled")
GAINS = (0.062, 0.021, 0.004, 0.0, -0.137)
GRID = (0, 63, 125, 250, 500, 1000, 2000)


def answer(names: tuple[str, ...] = NAMES, text: str = "A film that knows what it wants, and gets there.") -> Answer:
    """A complete Answer about sources of these names; text: of every example."""
    gains = [GAINS[i % len(GAINS)] - 0.001 * (i // len(GAINS)) for i in range(len(names))]
    values = [_value(name, gain, text) for name, gain in zip(names, gains, strict=True)]
    amounts = [_amount(name, gain) for name, gain in zip(names, gains, strict=True)]
    return Answer(
        version=VERSION,
        decision=[
            f"Take {names[0]}: with it the predicted accuracy rises from .804 to .866 (gain .062, interval .048 to "
            f".076); {names[-1]} does harm, leave it out.",
            f"Add all 2,000 examples of {names[0]}; together they do as well as 1,900 further real ones.",
            "Twice as many real examples would bring the accuracy to about .838 (.826 to .850), four times to .866.",
        ],
        data=Data(
            kind="text", columns={"text": "review", "label": "sentiment"}, target="class", classes=["neg", "pos"],
            features=[], ignored={"id": "no role"},
            found=["Text classification: text = 'review', label = 'sentiment'; 2 classes: neg, pos."],
            metric="accuracy", learner="a text encoder of two layers, trained from scratch",
            surrogate="Gaussian ridge regression on word counts",
            real=Set("real", "real.csv", 640, REAL, REAL, {"held out for validation": 128, "empty text": 12}),
            validation=Set("validation", "real.csv", 128, 128, 128, {}),
            sources=[Set(name, f"{name}.jsonl", 2003, 2000, 2000, {"empty text": 3}) for name in names],
            split="128 examples of real.csv, chosen by their content", repeated=0.0, near_validation=0.004,
        ),
        values=values,
        amounts=[*amounts, _amount("all", 0.071)],
        more=More(
            curve=[Point(n, 0.6 + 0.033 * i, (0.58 + 0.034 * i, 0.62 + 0.032 * i)) for i, n in
                   enumerate((8, 16, 31, 63, 125, 250, 500))],
            trained=[Point(REAL, 0.811, (0.802, 0.82))],
            laws=[
                Law("power law", {"limit": 0.05, "exponent": 0.31}, {"limit": (0.0, 0.11), "exponent": (0.22, 0.41)},
                    -41.2),
                Law("two phases", {"exponent": 0.28}, {"exponent": (0.2, 0.4)}, -37.9),
            ],
            forecasts=[
                Forecast(2, 2 * REAL, 0.838, (0.826, 0.85)), Forecast(4, 4 * REAL, 0.866, (0.842, 0.88)),
                Forecast(10, 10 * REAL, 0.89, (0.85, 0.915)),
            ],
            phase="still learning: the curve falls as a power law, no plateau shows",
            breakpoints=(900.0, 2600.0),
            plan={"budget": 1000, "real examples": 1200, "synthetic": {names[0]: 800}, "predicted": 0.871},
        ),
        checks=[
            Check("leakage", True, "48 examples of sources stand in validation", {"near": 48, "share": 0.0048}),
            Check("crossed halves", True, "amounts chosen on one half of validation were scored on the other", {}),
            Check("training", False, "not asked for: --config.check=true trains a few contributors", {}),
            Check("fresh real data", False, "there are none left: all real examples are used", {}),
        ],
        cost=Cost(73.2, 812_000_000, ["curve of all together with noise levels: no time left"]),
    )  # fmt: skip


def empty() -> Answer:
    """One source, and None or nothing wherever the contract allows it."""
    one = answer(("only",))
    drivers = one.values[0].drivers._replace(disagreement=None, disagreement_real=None, unknown_labels=None)
    value = one.values[0]._replace(
        dropped=None, dropped_interval=None, verdict="open", drivers=drivers, nearest=[], strangest=[]
    )
    data = one.data._replace(kind="table", target="number", classes=[], metric="minus the mean squared error")
    return one._replace(data=data, values=[value], amounts=[], more=None, checks=[], cost=Cost(0.4, 0, []))


def _value(name: str, gain: float, text: str) -> Value:
    verdict = "helps" if gain > 0.01 else "harms" if gain < -0.01 else "open"
    shown = [Example(row, text, "pos", 0.2 + 0.1 * row) for row in (3, 14, 159)]
    leaks = 0.024 if name == "repeated" else 0.0
    return Value(
        source=name, value=1.7 * gain, value_interval=(1.7 * gain - 0.011, 1.7 * gain + 0.011), gain=gain,
        interval=(gain - 0.014, gain + 0.014), predicted=ALONE + gain, dropped=gain / 3,
        dropped_interval=(gain / 3 - 0.01, gain / 3 + 0.01), verdict=verdict,
        drivers=Drivers(
            disagreement=0.5 if gain < -0.1 else 0.21, disagreement_real=0.19, discrepancy=0.031 + abs(gain), size=2000,
            duplicates=0.75 if name == "repeated" else 0.0, in_validation=leaks, near_validation=leaks, in_real=0.25
            if name == "repeated" else 0.0, near_real=0.25 if name == "repeated" else 0.012,
            near_rule="90 % of their words are the same", unknown_labels=0.0,
        ),
        nearest=shown, strangest=[one._replace(row=one.row + 1, distance=4.5 + one.distance) for one in shown],
    )  # fmt: skip


def _amount(name: str, gain: float) -> Amount:
    best, weight = 2000 if gain > 0 else 0, 1.0 if gain > 0.05 else 0.1
    return Amount(
        source=name,
        curve=[Point(n, ALONE + gain * i / 6, (ALONE + gain * i / 6 - 0.01, ALONE + gain * i / 6 + 0.01))
               for i, n in enumerate(GRID)],
        best=best, chosen=[best, best // 2], gain=max(gain, 0.0),
        interval=(max(gain, 0.0) - 0.012, max(gain, 0.0) + 0.012), weight=None if name == "all" else weight,
        weights={name: weight} if name != "all" else dict.fromkeys(NAMES, 0.5), weighted_gain=0.002,
        equivalent_real=REAL * (1 + 60 * gain) if gain > 0 else None,
        equivalent_interval=(REAL * (1 + 50 * gain), REAL * (1 + 70 * gain)) if gain > 0 else None,
        censored="beyond the longest curve that was measured" if gain > 0.07 else None,
        exchange_rate=15 * gain if gain > 0 else None, marginal_rate=4 * gain if gain > 0 else None,
    )  # fmt: skip
