"""What trained and predicted lines say together: regret of rules, equivalent real counts, forecasts, their means."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float

from experiments.runtime.results import select
from experiments.studies.mixing import laws
from experiments.studies.mixing.sets import REAL
from valuation.exchange import equivalent_real_count

PREDICTED = "predicted best"
RULES = (PREDICTED, "all", "none", "as many as real", "mixing law", "the bound's weight")
GAIN = "one training and the surrogate's gain"
FORECASTS = (GAIN, "power law of trainings", "power law of the surrogate", "one training, no change")
TIMES = 4  # how many times more real data is forecast
WITHIN = 1.25  # an equivalent real count is right within this factor
RESAMPLES = 2000


def derived(config, lines: list[dict]) -> list[dict]:
    """All derived lines of a run: rules, equivalents, forecasts, then the means of each over curves."""
    every: list[dict] = []
    for name in config.tasks:
        for draw in range(config.seed, config.seed + config.draws):
            some = select(lines, task=name, draw=draw)
            settings = config[name]
            every += [*regrets(config, settings, some), *equivalents(settings, some), *forecasts(settings, some)]
    return every + summaries(every, config.tasks)


def utilities(lines: list[dict], source: str, real: int, added: int, field: str = "utility") -> Float[np.ndarray, " s"]:
    """Of the trainings on a mixture, one a seed; without synthetic examples every source's are those of real ones."""
    found = select(lines, kind="trained", source=source if added else REAL, real=real, added=added)
    return np.array([line[field] for line in sorted(found, key=lambda line: line["seed"])])


def curve(lines: list[dict], source: str, real: int, amounts) -> Float[np.ndarray, "a s"]:
    """Trained utilities over amounts of a source, by seed."""
    return np.stack([utilities(lines, source, real, added) for added in amounts])


def regrets(config, settings, lines: list[dict]) -> Iterator[dict]:
    """Of every rule and curve: the amount that it takes, and `reachable` utility minus what that one reached."""
    about = {name: lines[0][name] for name in ("task", "draw")}
    amounts, sources = list(settings.added), list(settings.sources)
    for real in settings.real:
        law = _law(config, lines, sources, real, amounts)
        for source in sources:
            trained = curve(lines, source, real, amounts)
            (predicted,) = select(lines, kind="predicted", source=source, real=real)
            wanted = {
                PREDICTED: predicted["best"],
                "all": amounts[-1],
                "none": 0,
                "as many as real": real,
                "mixing law": amounts[int(np.argmin(law(source)))],
                "the bound's weight": _amount(real, predicted["bound_weight"], amounts[-1]),
            }
            for rule in RULES:
                place = int(np.abs(np.array(amounts) - wanted[rule]).argmin())
                lost = reachable(trained) - float(trained[place].mean())
                yield {"kind": "rule", **about, "source": source, "real": real, "rule": rule, "amount": amounts[place],
                       "regret": lost}  # fmt: skip


def reachable(trained: Float[np.ndarray, "a s"]) -> float:
    """Utility of the best amount, which is taken on other seeds than the one it is scored on: the mean over seeds.

    Luck of one training counts for nobody: where amounts differ by noise alone it is their mean.
    """
    seeds = range(trained.shape[1])
    best = [int(np.argmax(np.delete(trained, seed, axis=1).mean(1))) for seed in seeds]
    return float(np.mean([trained[place, seed] for place, seed in zip(best, seeds, strict=True)]))


def _law(config, lines: list[dict], sources: list[str], real: int, amounts: list[int]) -> Callable:
    """source -> losses that the mixing law, fitted to small trainings of all sources, gives to the amounts."""
    small = max(real // config.small, 1)
    mixtures: list[tuple[str, int]] = [(REAL, 0)]
    mixtures += [(source, max(added // config.small, 1)) for source in sources for added in amounts[1::2]]

    def shares(source: str, real: int, added: int) -> Float[np.ndarray, " J"]:
        return np.array([added / (real + added) * (source == one) for one in sources])

    table = np.stack([shares(source, small, added) for source, added in mixtures])
    losses = np.array([utilities(lines, source, small, added, "loss").mean() for source, added in mixtures])
    law = laws.mixing_law(table, losses)
    return lambda source: law.loss(np.stack([shares(source, real, added) for added in amounts]))


def _amount(real: int, weight: float, most: int) -> float:
    """The amount beside so many real examples with which these are that share of the training set; `most` at most."""
    return min(real * (1 - weight) / weight, most) if weight > 0 else most


def equivalents(settings, lines: list[dict]) -> Iterator[dict]:
    """Of every mixture the number of real examples that do as well, by the trained curves and by the predicted ones."""
    about = {name: lines[0][name] for name in ("task", "draw")}
    counts = list(settings.real_curve)
    trained = [float(utilities(lines, REAL, count, 0).mean()) for count in counts]
    (real_curve,) = select(lines, kind="real curve")
    for line in select(lines, kind="predicted"):
        for place, added in enumerate(line["amounts"]):
            if not added:
                continue
            reached = float(utilities(lines, line["source"], line["real"], added).mean())
            truth = equivalent_real_count(counts, np.array(trained), reached)
            for unit in ("own", "metric"):
                guess = equivalent_real_count(real_curve["counts"], np.array(real_curve[unit]), line[unit][place])
                yield {"kind": "equivalent", **about, "source": line["source"], "real": line["real"], "added": added,
                       "unit": unit, "trained": truth.count, "trained_censored": truth.censored,
                       "predicted": guess.count, "predicted_censored": guess.censored}  # fmt: skip


def forecasts(settings, lines: list[dict]) -> Iterator[dict]:
    """Of every count n of the real curve whose n/8, n/4, n/2 and 4n are there too: the utility at 4n, forecast at n."""
    about = {name: lines[0][name] for name in ("task", "draw")}
    (real_curve,) = select(lines, kind="real curve")
    counts = real_curve["counts"]
    trained = {count: float(utilities(lines, REAL, count, 0).mean()) for count in counts}
    surrogate = dict(zip(counts, real_curve["metric"], strict=True))
    for count in counts:
        known = [one for one in (count // 8, count // 4, count // 2, count) if one in trained]
        if len(known) < 4 or TIMES * count not in trained:
            continue
        far = TIMES * count
        by_trainings = laws.power_forecast(np.array(known), np.array([trained[n] for n in known]), np.array([far]))[0]
        here, there = laws.power_forecast(
            np.array(known), np.array([surrogate[n] for n in known]), np.array([count, far])
        )
        forecast = {
            GAIN: trained[count] + there - here,
            "power law of trainings": by_trainings,
            "power law of the surrogate": there,
            "one training, no change": trained[count],
        }
        for method in FORECASTS:
            yield {"kind": "forecast", **about, "real": count, "method": method, "forecast": float(forecast[method]),
                   "trained": trained[far]}  # fmt: skip


def summaries(lines: list[dict], tasks) -> list[dict]:
    """Means over the curves of each task and of all, with intervals that resample draws of tasks.

    measure: regret, and of the others above that of the predicted best; equivalent: share within WITHIN of those that
    are not censored, and censored: share of those that are; forecast: mean absolute error, and above the first's.
    """
    made: list[dict] = []
    for task in (*tasks, *(["all"] if len(tasks) > 1 else [])):
        some = lines if task == "all" else select(lines, task=task)
        regret = {rule: _cells(select(some, kind="rule", rule=rule), lambda one: one["regret"]) for rule in RULES}
        made += _means(task, "regret", regret, first=PREDICTED)
        for unit in ("own", "metric"):
            pairs = select(some, kind="equivalent", unit=unit)
            clear = [one for one in pairs if not one["trained_censored"] and not one["predicted_censored"]]
            share = {unit: _cells(clear, _is_close)}
            made += _means(task, "equivalent", share) if clear else []
            hidden = {unit: _cells(pairs, lambda one: bool(one["trained_censored"] or one["predicted_censored"]))}
            made += _means(task, "censored", hidden)
        wrong = {
            method: _cells(
                select(some, kind="forecast", method=method), lambda one: abs(one["forecast"] - one["trained"])
            )
            for method in FORECASTS
        }
        made += _means(task, "forecast", wrong, first=GAIN) if any(map(len, wrong.values())) else []
    return made


def _is_close(line: dict) -> bool:
    ratio = line["predicted"] / line["trained"]
    return 1 / WITHIN <= ratio <= WITHIN


def _cells(lines: list[dict], number: Callable[[dict], float]) -> dict[tuple, list[float]]:
    """Numbers of lines by task and draw."""
    cells: dict[tuple, list[float]] = {}
    for line in lines:
        cells.setdefault((line["task"], line["draw"]), []).append(float(number(line)))
    return cells


def _means(task: str, measure: str, by_name: dict[str, dict[tuple, list[float]]], first: str = "") -> Iterator[dict]:
    """A line for each name: mean over all numbers, its interval over resampled cells, and the same of what is above the
    first name's, paired.
    """
    for name, cells in by_name.items():
        line: dict = {"kind": "summary", "task": task, "measure": measure, "name": name}
        line |= {"count": sum(map(len, cells.values())), **_interval("mean", cells)}
        if first and name != first:
            above = {
                cell: [a - b for a, b in zip(numbers, by_name[first][cell], strict=True)]
                for cell, numbers in cells.items()
            }
            line |= _interval("above", above)
        yield line


def _interval(name: str, cells: dict[tuple, list[float]]) -> dict:
    sums = np.array([[sum(numbers), len(numbers)] for numbers in cells.values()])
    rng = np.random.default_rng(0)
    drawn = sums[rng.integers(0, len(sums), (RESAMPLES, len(sums)))].sum(1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    total = sums.sum(0)
    return {name: float(total[0] / total[1]), f"{name}_interval": [float(low), float(high)]}
