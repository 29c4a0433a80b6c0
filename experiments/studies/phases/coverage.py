"""How often the fits of theory/fit.py are right: python -m experiments.studies.phases.coverage --workdir=out/coverage

Simulated curves with 2 % noise, 29 sizes over 7 decades. Half follow the three-phase law: does the 95 % interval hold
the true cutoff, are three phases found, does the test of T2/T1 = s/pi hold? Half are power laws: how rarely are three
phases claimed? Minutes on two cores. A finished workdir is left as it is; an interrupted one goes on where it stopped.
"""

import functools
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from absl import flags
from tqdm import tqdm

from experiments.runtime import launch, results, study
from experiments.runtime.kinds.phases import COVERAGE
from experiments.runtime.study import Step, Study
from theory.fit import compare
from theory.knowledge import exact_error
from theory.phases import breakpoints
from theory.ratio import share_test

NOISE = 0.02
SIZES = np.geomspace(10, 1e8, 29)


def three_phase_curve(random: np.random.Generator) -> dict:
    """A law with both breakpoints well inside the sizes, and its exact errors: floor + amplitude * L(n)."""
    while True:
        exponent, cutoff = random.uniform(1.3, 2.0), int(np.exp(random.uniform(np.log(10), np.log(300))))
        share = 10 ** random.uniform(-3, -1.5)
        with jax.enable_x64(True):
            first, second = map(float, breakpoints(share, exponent=exponent, cutoff=cutoff))
        if first > 100 and second < 2e7:
            break
    floor, amplitude = random.choice([0.0, 0.01]), random.uniform(0.5, 1.0)
    exact = [exact_error(share * n, (1 - share) * n, exponent=exponent, cutoff=cutoff) for n in SIZES]
    errors = [floor + amplitude * error for error in exact]
    return {"exponent": exponent, "cutoff": cutoff, "real_share": share, "floor": floor, "errors": np.array(errors)}


def power_curve(random: np.random.Generator) -> dict:
    """A n^-c + E, between 0.9 and 0.3 at the smallest size."""
    decay, floor, start = random.uniform(0.1, 0.7), random.choice([0.0, 0.01, 0.05]), random.uniform(0.3, 0.9)
    share = 10 ** random.uniform(-3, -1.5)
    errors = floor + (start - floor) * (SIZES / SIZES[0]) ** -decay
    return {"decay": decay, "real_share": share, "floor": floor, "errors": errors}


CURVES = {"three_phase": three_phase_curve, "power": power_curve}


def measurement(truth: str, draw: int) -> dict:
    """One simulated curve, fitted with its standard errors unknown (even draws) or given (odd draws)."""
    random = np.random.default_rng([draw, list(CURVES).index(truth)])
    curve = CURVES[truth](random)
    errors = curve.pop("errors") * np.exp(NOISE * random.standard_normal(len(SIZES)))
    given = NOISE * errors if draw % 2 else None
    began = time.perf_counter()
    compared = compare(SIZES, errors, real_share=curve["real_share"], standard_errors=given)
    seconds = time.perf_counter() - began
    fitted = compared.fits["three_phase"]
    line = {
        "kind": "coverage",
        "truth": truth,
        "draw": draw,
        "noise_given": bool(draw % 2),
        "true": curve,
        "fitted": fitted.parameters,
        "intervals": fitted.intervals,
        "best": compared.best,
        "claimed": compared.three_phases,
        "verdict": compared.verdict,
        "seconds": seconds,
    }
    if truth == "three_phase":
        low, high = fitted.intervals["cutoff"]
        tested = share_test(SIZES, errors, real_share=curve["real_share"], standard_errors=given)
        line["covered"] = bool(low <= curve["cutoff"] <= high)
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
        "seconds_of_compare": float(np.median([line["seconds"] for chosen in of.values() for line in chosen])),
    }


def run(workdir: str | Path, draws: int) -> Path:
    """Does what is still to be done in the workdir and writes its report, the summary in words; its path."""

    def make(truth: str, draw: int) -> list[dict]:
        return [measurement(truth, draw)]

    def steps(lines: list[dict]) -> Iterator[Step]:
        for draw, truth in tqdm(list(itertools.product(range(draws), CURVES)), unit="curve", disable=None):
            wanted = {"kind": "coverage", "truth": truth, "draw": draw}
            yield Step([wanted], functools.partial(make, truth, draw))

    config = {"name": "coverage", "scale": "", "draws": draws, "noise": NOISE}
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
