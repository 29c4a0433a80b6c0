"""How often the fits of theory/fit.py are right: python -m experiments.studies.phases.coverage --workdir=out/coverage

Simulated curves of five kinds. Two have 29 sizes over 7 decades and 2 % noise: half of them follow the three-phase law
(does the 95 % interval hold the true cutoff, are three phases found, does the test of T2/T1 = s/pi hold?), half are
power laws (how rarely are three phases claimed?). Three are as short as most that are published, 7 to 14 sizes with 2
or 10 % noise: power laws, power laws with one point off by a factor of 1.3 to 3, and three-phase curves with a decade
to spare on both sides. Minutes on two cores. A finished workdir is left as it is; an interrupted one goes on where it
stopped.
"""

import functools
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import flags
from jaxtyping import Float
from tqdm import tqdm

from experiments.runtime import launch, results, study
from experiments.runtime.kinds.phases import COVERAGE
from experiments.runtime.study import Step, Study
from theory.fit import compare
from theory.knowledge import exact_error
from theory.phases import breakpoints
from theory.ratio import share_test

SIZES = np.geomspace(10, 1e8, 29)
NOISES = (0.02, 0.1)  # of the short curves, in turn
SHORT = (7, 14)  # fewest and most of their sizes


class Simulated(NamedTuple):
    """A curve. parameters: of the law that made it, for the line. errors: with noise, at the sizes, (n,)."""

    parameters: dict[str, Any]
    real_share: float
    sizes: Float[np.ndarray, "n"]
    errors: Float[np.ndarray, "n"]
    noise: float


def three_phase(random: np.random.Generator, draw: int) -> Simulated:
    """A law with both breakpoints well inside the sizes: floor + amplitude * L(n)."""
    return _three_phase(random, lambda first, second: SIZES if first > 100 and second < 2e7 else None, 0.02)


def short_three_phase(random: np.random.Generator, draw: int) -> Simulated:
    """The same with 14 sizes from a tenth of the first breakpoint to ten times the second, five times as far."""
    most = SHORT[1]
    return _three_phase(
        random, lambda a, b: np.geomspace(a / 10, 10 * b, most) if a > 100 and b > 5 * a else None, NOISES[draw % 2]
    )


def power(random: np.random.Generator, draw: int) -> Simulated:
    """A n^-c + E, between 0.9 and 0.3 at the smallest size."""
    floor = random.choice([0.0, 0.01, 0.05])
    return _power(
        random, SIZES, decay=random.uniform(0.1, 0.7), floor=floor, start=random.uniform(0.3, 0.9), noise=0.02
    )


def short_power(random: np.random.Generator, draw: int) -> Simulated:
    """A n^-c + E at few sizes over 1.5 to 4 decades."""
    sizes = np.geomspace(100, 10 ** (2 + random.uniform(1.5, 4)), int(random.integers(SHORT[0], SHORT[1] + 1)))
    start = random.uniform(0.3, 3)
    floor = start * random.choice([0.0, 0.0, 0.02, 0.1])
    return _power(random, sizes, decay=random.uniform(0.1, 0.6), floor=floor, start=start, noise=NOISES[draw % 2])


def short_power_one_off(random: np.random.Generator, draw: int) -> Simulated:
    """The same, and one error is 1.3 to 3 times as large, or as small."""
    curve = short_power(random, draw)
    factor = random.uniform(1.3, 3) ** random.choice([-1, 1])
    place = int(random.integers(len(curve.sizes)))
    errors = np.where(np.arange(len(curve.sizes)) == place, factor, 1) * curve.errors
    return curve._replace(errors=errors, parameters=curve.parameters | {"off": factor, "place": place})


def _three_phase(random: np.random.Generator, sizes_of: Callable, noise: float) -> Simulated:
    while True:
        exponent, cutoff = random.uniform(1.3, 2.0), int(np.exp(random.uniform(np.log(10), np.log(300))))
        share = 10 ** random.uniform(-3, -1.5)
        with jax.enable_x64(True):
            sizes = sizes_of(*map(float, breakpoints(share, exponent=exponent, cutoff=cutoff)))
        if sizes is not None:
            break
    floor, amplitude = random.choice([0.0, 0.01]), random.uniform(0.5, 1.0)
    exact = [exact_error(share * n, (1 - share) * n, exponent=exponent, cutoff=cutoff) for n in sizes]
    law = {"exponent": exponent, "cutoff": cutoff, "floor": floor}
    return Simulated(law, share, sizes, (floor + amplitude * np.array(exact)) * _noise(random, sizes, noise), noise)


def _power(random: np.random.Generator, sizes, *, decay: float, floor: float, start: float, noise: float) -> Simulated:
    share = 10 ** random.uniform(-3, -1.5)
    errors = floor + (start - floor) * (sizes / sizes[0]) ** -decay
    law = {"decay": decay, "floor": floor}
    return Simulated(law, share, sizes, errors * _noise(random, sizes, noise), noise)


def _noise(random: np.random.Generator, sizes, noise: float):
    return np.exp(noise * random.standard_normal(len(sizes)))


CURVES = {one.__name__: one for one in (three_phase, power, short_power, short_power_one_off, short_three_phase)}
LONG = ("three_phase", "power")


def measurement(truth: str, draw: int) -> dict:
    """One simulated curve, fitted with its standard errors unknown, or (odd draws of the long ones) given."""
    random = np.random.default_rng([draw, list(CURVES).index(truth)])
    curve = CURVES[truth](random, draw)
    given = curve.noise * curve.errors if truth in LONG and draw % 2 else None
    began = time.perf_counter()
    compared = compare(curve.sizes, curve.errors, real_share=curve.real_share, standard_errors=given)
    seconds = time.perf_counter() - began
    fitted = compared.fits["three_phase"]
    line = {
        "kind": "coverage",
        "truth": truth,
        "draw": draw,
        "noise_given": given is not None,
        "true": curve.parameters | {"real_share": curve.real_share, "noise": curve.noise, "sizes": len(curve.sizes)},
        "fitted": fitted.parameters,
        "intervals": fitted.intervals,
        "best": compared.best,
        "claimed": compared.three_phases,
        "verdict": compared.verdict,
        "seconds": seconds,
    }
    if truth == "three_phase":
        low, high = fitted.intervals["cutoff"]
        tested = share_test(curve.sizes, curve.errors, real_share=curve.real_share, standard_errors=given)
        line["covered"] = bool(low <= curve.parameters["cutoff"] <= high)
        line |= {"ratio_holds": tested.holds, "fitted_share": tested.real_share, "share_interval": tested.interval}
    return line


def summary(lines: list[dict]) -> dict:
    """The derived line: shares of draws with the cutoff covered, three phases claimed, ...; seconds of a comparison."""
    of = {truth: results.select(lines, kind="coverage", truth=truth) for truth in CURVES}
    return {
        "kind": "summary",
        "draws": {truth: len(chosen) for truth, chosen in of.items()},
        "cutoff_covered": float(np.mean([line["covered"] for line in of["three_phase"]])),
        "ratio_holds": float(np.mean([line["ratio_holds"] for line in of["three_phase"]])),
        "claimed": {truth: float(np.mean([line["claimed"] for line in chosen])) for truth, chosen in of.items()},
        "claimed_by_noise": {truth: _by_noise(of[truth], _claimed) for truth in of if truth not in LONG},
        "not_power": {truth: _by_noise(of[truth], _not_power) for truth in of if truth not in LONG},
        "seconds_of_compare": float(np.median([line["seconds"] for chosen in of.values() for line in chosen])),
    }


def _by_noise(lines: list[dict], holds: Callable[[dict], bool]) -> dict[str, float]:
    """Share of the lines for which it holds, by the noise of their curves."""
    noises = sorted({line["true"]["noise"] for line in lines})
    return {str(x): float(np.mean([holds(line) for line in lines if line["true"]["noise"] == x])) for x in noises}


def _claimed(line: dict) -> bool:
    return line["claimed"]


def _not_power(line: dict) -> bool:
    return line["best"] != "power"


def run(workdir: str | Path, draws: int) -> Path:
    """Does what is still to be done in the workdir and writes its report, the summary in words; its path."""

    def make(truth: str, draw: int) -> list[dict]:
        return [measurement(truth, draw)]

    def steps(lines: list[dict]) -> Iterator[Step]:
        for draw, truth in tqdm(list(itertools.product(range(draws), CURVES)), unit="curve", disable=None):
            wanted = {"kind": "coverage", "truth": truth, "draw": draw}
            yield Step([wanted], functools.partial(make, truth, draw))

    config = {"name": "coverage", "scale": "", "draws": draws, "noises": list(NOISES)}
    return study.run(Study("coverage", config, steps, write, lambda lines: [summary(lines)]), workdir)


def write(workdir: str | Path) -> Path:
    """Writes workdir/report.md, a line a number of the summary; its path."""
    (line,) = results.select(results.finished(workdir), kind="summary")
    return study.write_page(workdir, "".join(f"{name}: {line[name]}\n" for name in COVERAGE["summary"].fields))


def main(argv: list[str]) -> None:
    print(run(flags.FLAGS.workdir, flags.FLAGS.draws).read_text(), end="")


if __name__ == "__main__":
    flags.DEFINE_string("workdir", None, "folder of results.jsonl", required=True)
    flags.DEFINE_integer("draws", 200, "curves of each kind")
    launch.run(main)
