"""What unions are worth beyond their parts (theory/README.md, section 8), by trainings and by predictions.

Lines in, derived lines out.
"""

from collections.abc import Callable, Iterator

import numpy as np
import scipy.stats
from jaxtyping import Float

from experiments.runtime.results import select
from experiments.studies.interaction.sets import Union, pairs, sources_of
from valuation.intervals import mean_interval

INTERACTION, CONTRAST = "interaction", "contrast"
UNITS = ("metric", "own")
Utility = Callable[[Union], Float[np.ndarray, " d"]]


def interaction(utility: Utility, first: str, second: str) -> Float[np.ndarray, " d"]:
    """u(RAB) - u(RA) - u(RB) + u(R): above 0 where both together add more to R than each adds alone."""
    whole, nothing = utility(Union(True, first, second)), utility(Union(True))
    return whole - utility(Union(True, first)) - utility(Union(True, second)) + nothing


def contrast(utility: Utility, first: str, second: str) -> Float[np.ndarray, " d"]:
    """u(AB) - [u(AA') + u(BB')] / 2: above 0 where a mixture is worth more than as much of one, as the mean of both."""
    same = utility(Union(False, first, first)) + utility(Union(False, second, second))
    return utility(Union(False, first, second)) - same / 2


MEASURES = {INTERACTION: interaction, CONTRAST: contrast}


def derived(config, lines: list[dict]) -> list[dict]:
    """A line for every measure, number of real strings and pair; of the pairs together; and of signs that are right."""
    every: list[dict] = []
    for measure in MEASURES:
        for real in config.real_counts:
            every += judged(measure, real, config, select(lines, real=real))
    for measure in MEASURES:
        trained = select(every, kind="pair", measure=measure)
        for name in config.surrogates:
            predicted = select(every, kind="pair predicted", measure=measure, surrogate=name)
            every += [signs(measure, name, unit, trained, predicted) for unit in UNITS]
    return every


def judged(measure: str, real: int, config, lines: list[dict]) -> Iterator[dict]:
    """The lines of every pair of sources, then that of all of them. lines: of that number of real strings."""
    about, value = {"measure": measure, "real": real}, MEASURES[measure]
    trained, strings = (by_draw(lines, "union trained", field) for field in ("utility", "strings"))
    predicted = {
        name: {unit: by_draw(select(lines, surrogate=name), "union predicted", unit) for unit in UNITS}
        for name in config.surrogates
    }
    table, spans = [], []
    for first, second in pairs(sources_of(config)):
        table.append(value(trained, first, second))
        spans.append(mean_interval(table[-1]))
        pair = about | {"first": first, "second": second}
        yield {"kind": "pair", **pair, "value": float(table[-1].mean()), "interval": spans[-1],
               "strings": float(value(strings, first, second).mean())}  # fmt: skip
        for name, utilities in predicted.items():
            means = {unit: float(value(utility, first, second).mean()) for unit, utility in utilities.items()}
            yield {"kind": "pair predicted", **pair, "surrogate": name, **means}
    means = np.mean(table, 0)
    yield {"kind": "pairs", **about, "mean": float(means.mean()), "interval": mean_interval(means),
           "above": sum(low > 0 for low, _ in spans), "below": sum(high < 0 for _, high in spans)}  # fmt: skip


def signs(measure: str, surrogate: str, unit: str, trained: list[dict], predicted: list[dict]) -> dict:
    """How often the surrogate has the sign of training, where that is clear of 0, and how often one sign would; and how
    alike the two order all pairs.

    trained, predicted: lines of pairs, in one order. A contrast of sources that the real strings have no part in is
    there once for every number of them and counts once.
    """
    told = [line | {unit: other[unit]} for line, other in zip(trained, predicted, strict=True)]
    found = list({(line["first"], line["second"], line["value"]): line for line in told}.values())
    clear = [line for line in found if line["interval"][0] > 0 or line["interval"][1] < 0]
    above = sum(line["value"] > 0 for line in clear)
    right = sum(bool(np.sign(line[unit]) == np.sign(line["value"])) for line in clear)
    values, foretold = ([line[field] for line in found] for field in ("value", unit))
    alike = np.ptp(values) == 0 or np.ptp(foretold) == 0
    return {"kind": "signs", "measure": measure, "surrogate": surrogate, "unit": unit, "clear": len(clear),
            "right": right, "constant": max(above, len(clear) - above),
            "spearman": None if alike else float(scipy.stats.spearmanr(values, foretold).statistic)}  # fmt: skip


def by_draw(lines: list[dict], kind: str, field: str) -> Utility:
    """union -> the field of its lines of that kind, by draw, mean over seeds."""
    cells: dict[Union, dict[int, list[float]]] = {}
    for line in select(lines, kind=kind):
        union = Union(line["beside"], line["first"], line["second"])
        cells.setdefault(union, {}).setdefault(line["draw"], []).append(line[field])
    return lambda union: np.array([np.mean(values) for _, values in sorted(cells[union].items())])
