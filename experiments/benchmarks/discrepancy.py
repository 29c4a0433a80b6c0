"""MMD of large samples: time, memory and error of every estimator, on normal samples whose MMD is known exactly.

    python -m experiments.benchmarks.discrepancy --rows=60000 --others=10000 --features=512 --workdir=out/discrepancy

One line of results.jsonl an estimator, each measured in this one process, the cheapest in memory first.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from absl import flags

from experiments.reporting import markdown
from experiments.runtime import launch, mesh, results, study
from experiments.runtime.study import Step, Study
from valuation.discrepancy import KERNELS, linear_mmd, mk_mmd, random_feature_mmd

SHIFT = 0.05  # of every coordinate of the second sample


def exact(features: int, bandwidth: float) -> float:
    """MMD^2 of N(0, I) and N(SHIFT, I) under the kernel of mk_mmd: the mean of exp(-|z|^2 / s), z ~ N(shift, 2 I)."""
    widths = bandwidth * 2.0 ** (np.arange(KERNELS) - KERNELS // 2)
    same = (1 + 4 / widths) ** (-features / 2)
    return float(np.sum(2 * same * -np.expm1(-features * SHIFT**2 / (widths + 4))))


def estimators(x, y, bandwidth: float, frequencies: int) -> dict:
    """name -> () -> (MMD^2, its standard error or None)."""
    key = jax.random.key(0)
    return {
        "linear time": lambda: linear_mmd(x, y, bandwidth=bandwidth),
        f"{frequencies} random frequencies": lambda: random_feature_mmd(
            x, y, bandwidth=bandwidth, frequencies=frequencies, key=key
        ),
        "all pairs, in blocks": lambda: (mk_mmd(x, y, bandwidth=bandwidth) ** 2, None),
    }


def measured(given: dict[str, int]) -> list[dict]:
    """A line for every estimator, the cheapest in memory first. given: rows, others, features, frequencies."""
    draw = np.random.default_rng(0)
    x, y = (
        draw.standard_normal((count, given["features"]), np.float32) + shift
        for count, shift in ((given["rows"], 0), (given["others"], np.float32(SHIFT)))
    )
    bandwidth = 2.0 * given["features"]  # the mean squared distance within either sample
    truth = exact(given["features"], bandwidth)
    print(f"samples {x.nbytes / 1e6:.0f} and {y.nbytes / 1e6:.0f} MB; MMD^2 is {truth:.3e}", flush=True)
    before, lines = results.peak_megabytes(), []
    for name, function in estimators(x, y, bandwidth, given["frequencies"]).items():
        begun = time.perf_counter()
        squared, error = function()
        took, above = time.perf_counter() - begun, results.peak_megabytes() - before
        line = {"kind": "discrepancy", "estimator": name, "seconds": took, "megabytes": above, "squared": squared}
        lines.append(line | {"standard_error": error, "exact": truth})
    return lines


def write(workdir: str | Path) -> Path:
    """Writes the table, workdir/report.md; its path."""
    head, rows = ["estimator", "seconds", "memory above the samples, MB", "MMD^2", "standard error"], []
    for x in results.select(results.finished(workdir), kind="discrepancy"):
        error = "–" if x["standard_error"] is None else f"{x['standard_error']:.1e}"
        rows.append([x["estimator"], f"{x['seconds']:.1f}", f"{x['megabytes']:.0f}", f"{x['squared']:.3e}", error])
    return study.write_page(workdir, markdown.table(head, rows) + "\n")


def main(argv: list[str]) -> None:
    given = {name: getattr(flags.FLAGS, name) for name in ("rows", "others", "features", "frequencies")}

    def steps(lines: list[dict]) -> Iterator[Step]:  # one step: memory is measured from the first estimator on
        names = estimators(None, None, 1.0, given["frequencies"])
        wanted = [{"kind": "discrepancy", "estimator": name} for name in names]
        yield Step(wanted, lambda: measured(given), remake=({"kind": "discrepancy"},))

    config = {"name": "benchmark_discrepancy", "scale": "", **given}
    path = study.run(Study("discrepancy", config, steps, write), flags.FLAGS.workdir)
    print(path.read_text(), end="")


if __name__ == "__main__":
    mesh.use_all_cores()
    for name, default in (("rows", 60_000), ("others", 10_000), ("features", 512), ("frequencies", 500)):
        flags.DEFINE_integer(name, default, f"number of {name}", lower_bound=10)
    flags.DEFINE_string("workdir", "out/discrepancy", "folder of results.jsonl")
    launch.run(main)
