"""How loose each term of the mixture bound is: python -m experiments.studies.bound.study --workdir=out/bound

1,000 draws of simulation.py a setting, one line of results.jsonl each; then figures/bound.png and report.md from
those lines. Two minutes on two cores. A finished workdir is left as it is, an interrupted one goes on.
"""

import functools
import time
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from absl import flags
from jax import lax
from tqdm import tqdm

from experiments.runtime import launch, results, study
from experiments.runtime.study import Step, Study
from experiments.studies.bound import figures
from experiments.studies.bound.simulation import BALL, HELD_OUT, NOISE, NORM_UNIT, POINTS, RIDGE, SEEN, one_draw, world
from valuation.precise import jit

AXES = {  # one is varied, the others stay at their first value, or at that of figures.ELSEWHERE
    "n": (1000, 100, 300, 3000, 10000),
    "real_share": (0.5, 0.05, 0.2, 0.8, 1.0),
    "shift": (0.2, 0.0, 0.1, 0.4, 0.8),
    "head": (1.0, 0.97, 0.9, 0.7, 0.5),
    "wrong": (0.0, 0.1, 0.25, 0.5, 1.0),
}
BATCH = 50


def settings() -> list[dict]:
    """The settings of the study, each once."""
    centre = {axis: values[0] for axis, values in AXES.items()}
    varied = [
        {**centre, **figures.ELSEWHERE.get(axis, {}), axis: value} for axis, values in AXES.items() for value in values
    ]
    return [one for i, one in enumerate(varied) if one not in varied[:i]]


def measure(key: jax.Array, setting: dict, *, draws: int, delta: float) -> dict:
    """Means over the draws of what one_draw returns, the share of draws in which each bound failed, seconds.

    Each term beside what it bounds: `gap` (mean largest deviation found in the ball) for the kernel term, `spread` (its
    1-delta quantile less its mean) for the size term, `transfer_gap` for the discrepancy.
    """
    begin = time.time()
    n_real = round(setting["n"] * setting["real_share"])
    place = world(setting["shift"], setting["head"], setting["wrong"])
    one = jit(
        lambda keys: lax.map(
            lambda key: one_draw(key, place, n_real, setting["n"] - n_real, delta), keys, batch_size=BATCH
        )
    )
    drawn = {name: np.asarray(values, float) for name, values in one(jax.random.split(key, draws)).items()}
    failed = {
        "ridge": drawn["true"] > drawn["term_total"],
        "best_weight": drawn["true"] > drawn["best_total"],
        "squared": drawn["squared_true"] > drawn["squared_total"],
        "worst_in_ball": drawn["gap"] > drawn["ball_kernel"] + drawn["ball_size"],
        "worst_in_ball_sharper": drawn["gap"] > drawn["ball_kernel"] + drawn["ball_sharper_size"],
        "reference": drawn["true"] > drawn["reference_total"],
        "inputs": drawn["true"] > drawn["inputs_total"],
        "paper_form": drawn["true"] > drawn["paper_total"],
    }
    return {
        **{name: values.mean() for name, values in drawn.items()},
        "true_std": drawn["true"].std(),
        "spread": np.quantile(drawn["gap"], 1 - delta) - drawn["gap"].mean(),
        "failures": {name: share.mean() for name, share in failed.items()},
        "seconds": round(time.time() - begin, 2),
    }


def run(workdir: str | Path, *, draws: int, seed: int, delta: float = 0.05) -> Path:
    """Measures the settings that workdir/results.jsonl does not hold yet, then writes the report; its path."""
    config = {"name": "bound_study", "scale": f"{draws}", "draws": draws, "seed": seed, "delta": delta}
    config |= {"axes": AXES, "ball": BALL, "noise": NOISE, "norm_unit": NORM_UNIT, "points": POINTS, "ridge": RIDGE}
    config |= {"seen": SEEN, "held_out": HELD_OUT}

    def line(number: int, setting: dict) -> list[dict]:
        key = jax.random.fold_in(jax.random.key(seed), number)
        measured = measure(key, setting, draws=draws, delta=delta)
        return [{"kind": "bound", **setting, "draws": draws, "seed": seed, "delta": delta, **measured}]

    def steps(lines: list[dict]) -> Iterator[Step]:
        for number, setting in enumerate(tqdm(settings(), desc="settings", disable=None)):
            yield Step([{"kind": "bound", **setting}], functools.partial(line, number, setting))

    return study.run(Study("bound", config, steps, write), workdir)


def write(workdir: str | Path) -> Path:
    """Draws figures/bound.png and writes the table, report.md, from workdir/results.jsonl; the path of the table."""
    lines = results.select(results.finished(workdir), kind="bound")
    figures.draw(lines, Path(workdir) / "figures" / "bound.png")
    return study.write_page(workdir, figures.table(lines))


def main(argv: list[str]) -> None:
    run(WORKDIR.value, draws=DRAWS.value, seed=SEED.value)


if __name__ == "__main__":
    WORKDIR = flags.DEFINE_string("workdir", None, "folder of results, figure and table", required=True)
    DRAWS = flags.DEFINE_integer("draws", 1000, "samples drawn in each setting", lower_bound=2)
    SEED = flags.DEFINE_integer("seed", 0, "seed of all draws")
    launch.run(main)
