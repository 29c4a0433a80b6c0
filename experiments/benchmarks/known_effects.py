"""Learners of effects where the effect is known: how often their intervals hold it, and what hidden causes add to it.

    python -m experiments.benchmarks.known_effects --seed=3000 --workdir=out/known_effects

Rows are those of configs/effects.py:small,data=known (experiments/synthetic/causal_tables.py), drawn anew for every
seed and strength rho of the hidden cause. Beside the mean bias of each learner stands the one on paper,
rho sigma E[phi(z) / (pi (1 - pi))] (theory/README.md, section 6). No learner sees the hidden cause: their intervals
should hold the effect where rho is 0, and elsewhere the effect moved by the bias on paper.
"""

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import jax
import numpy as np
from absl import flags
from scipy.stats import norm

from configs import effects as config_file
from experiments.reporting import markdown
from experiments.runtime import launch, mesh, results, study
from experiments.runtime.rng import generator
from experiments.runtime.study import Step, Study
from experiments.synthetic.causal_tables import causal_rows
from experiments.tasks.causal_tables import Setting, setting
from theory.effects import LEARNERS, hidden_bias

RHOS = (0.0, 0.3, 0.6, 0.9, -0.7)  # correlations of the treatment's noise with the outcome's
LEVEL = 0.95
NORMAL = float(norm.ppf((1 + LEVEL) / 2))


def drawn(given: Setting, rho: float, seed: int, rows: int) -> dict:
    """The line of so many rows of a seed: what each learner finds in them, and its error."""
    key = jax.random.fold_in(jax.random.key(seed), RHOS.index(rho))
    one = causal_rows(given.copula, given.causes, rows, rho, generator(key))
    found = {name: learner(one.scores, one.treatment, one.outcome) for name, learner in LEARNERS.items()}
    return {
        "kind": "known effect",
        "rho": rho,
        "seed": seed,
        "effect": given.causes.effect,
        "paper": hidden_bias(one.probit, rho, given.causes.spread),
        "effects": {name: effect.mean for name, effect in found.items()},
        "errors": {name: effect.error for name, effect in found.items()},
    }


def judged(lines: list[dict]) -> list[dict]:
    """A line for every rho and learner that has two draws or more."""
    out = []
    for rho in dict.fromkeys(line["rho"] for line in results.select(lines, kind="known effect")):
        chosen = results.select(lines, kind="known effect", rho=rho)
        paper = np.array([line["paper"] for line in chosen])
        for name in LEARNERS if len(chosen) > 1 else ():
            off = np.array([line["effects"][name] - line["effect"] for line in chosen])
            width = NORMAL * np.array([line["errors"][name] for line in chosen])
            out.append(
                {
                    "kind": "known effect summary",
                    "rho": rho,
                    "learner": name,
                    "draws": len(chosen),
                    "held": float((np.abs(off) <= width).mean()),
                    "held_moved": float((np.abs(off - paper) <= width).mean()),
                    "bias": float(off.mean()),
                    "standard_error": float(off.std(ddof=1) / np.sqrt(len(off))),
                    "paper": float(paper.mean()),
                }
            )
    return out


def table_of(lines: list[dict]) -> str:
    """A row for every correlation and learner."""
    head, table = ["rho", "learner", "holds the effect", "holds it moved", "bias", "standard error", "on paper"], []
    for line in results.select(lines, kind="known effect summary"):
        shares = (f"{line[name]:.2f}" for name in ("held", "held_moved"))
        numbers = (markdown.decimal(line[name]) for name in ("bias", "standard_error", "paper"))
        table.append([f"{line['rho']:g}", line["learner"], *shares, *numbers])
    return markdown.table(head, table)


def write(workdir: str | Path) -> Path:
    """Writes the table, workdir/report.md; its path."""
    lines = results.finished(workdir)
    draws = max((line["draws"] for line in results.select(lines, kind="known effect summary")), default=0)
    text = table_of(lines)
    if draws:
        by_chance = np.sqrt(LEVEL * (1 - LEVEL) / draws)
        text += (
            f"\n\nShares of the {LEVEL:.0%} intervals of {draws} draws that hold the effect, or the effect and the "
            f"bias on paper; of intervals that are right it is {LEVEL} with a standard error of {by_chance:.2f}."
        )
    return study.write_page(workdir, text + "\n")


def main(argv: list[str]) -> None:
    given = {name: getattr(flags.FLAGS, name) for name in ("seed", "draws", "rows")}
    config = config_file.get_config(f"{flags.FLAGS.scale},data=known")
    read = cache(partial(setting, config, flags.FLAGS.data_dir))
    seeds = range(given["seed"], given["seed"] + given["draws"])

    def measured(rho: float) -> list[dict]:
        return [drawn(read(), rho, seed, given["rows"]) for seed in seeds]

    def steps(lines: list[dict]) -> Iterator[Step]:
        for rho in RHOS:
            about = {"kind": "known effect", "rho": rho}
            yield Step([about | {"seed": seed} for seed in seeds], partial(measured, rho), remake=(about,))

    scale = "" if flags.FLAGS.scale == "small" else flags.FLAGS.scale
    about = {"name": "benchmark_known_effects", "scale": scale, **given, "rho": list(RHOS)}
    about |= {"dataset": config.dataset, "causes": config.causes.to_dict()}
    known = Study("known_effects", about, steps, write, judged, lambda: {"dataset": read().says} | read().notes)
    path = study.run(known, flags.FLAGS.workdir)
    print(path.read_text(), end="")


if __name__ == "__main__":
    mesh.use_all_cores()
    flags.DEFINE_enum("scale", "small", ("small", "tiny"), "of configs/effects.py; tiny: covariates made in memory")
    flags.DEFINE_integer("seed", 3000, "the first; 0 to 9 are for development", lower_bound=0)
    flags.DEFINE_integer("draws", 50, "how many seeds", lower_bound=2)
    flags.DEFINE_integer("rows", 400, "of a draw", lower_bound=50)
    flags.DEFINE_string("workdir", "out/known_effects", "folder of results.jsonl")
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    launch.run(main)
