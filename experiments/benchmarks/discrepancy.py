"""MMD of large samples: time, memory and error of every estimator, on normal samples whose MMD is known exactly.

    python -m experiments.benchmarks.discrepancy --rows=60000 --others=10000 --features=512 --workdir=out/discrepancy

One line of results.jsonl an estimator, each measured in this one process, the cheapest in memory first.
"""

import time

import jax
import numpy as np
from absl import flags

from experiments.runtime import launch, mesh, results
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


def main(argv: list[str]) -> None:
    given = {name: flags.FLAGS[name].value for name in ("rows", "others", "features", "frequencies")}
    config = {"name": "benchmark_discrepancy", "scale": "", **given}
    path = results.start(flags.FLAGS.workdir, config)
    results.remove(path, kind="discrepancy")  # a second call measures anew
    stamp, draw = results.stamp(config), np.random.default_rng(0)
    x, y = (
        draw.standard_normal((count, given["features"]), np.float32) + shift
        for count, shift in ((given["rows"], 0), (given["others"], np.float32(SHIFT)))
    )
    bandwidth = 2.0 * given["features"]  # the mean squared distance within either sample
    truth = exact(given["features"], bandwidth)
    print(f"samples {x.nbytes / 1e6:.0f} and {y.nbytes / 1e6:.0f} MB; MMD^2 is {truth:.3e}")
    print("| estimator | seconds | memory above the samples, MB | MMD^2 | standard error |\n|---|---|---|---|---|")
    before = results.peak_megabytes()
    for name, function in estimators(x, y, bandwidth, given["frequencies"]).items():
        begun = time.perf_counter()
        squared, error = function()
        took, above = time.perf_counter() - begun, results.peak_megabytes() - before
        line = {"kind": "discrepancy", "estimator": name, "seconds": took, "megabytes": above, "squared": squared}
        results.append(path, [line | {"standard_error": error, "exact": truth} | stamp])
        words = "–" if error is None else f"{error:.1e}"
        print(f"| {name} | {took:.1f} | {above:.0f} | {squared:.3e} | {words} |", flush=True)


if __name__ == "__main__":
    mesh.use_all_cores()
    for name, default in (("rows", 60_000), ("others", 10_000), ("features", 512), ("frequencies", 500)):
        flags.DEFINE_integer(name, default, f"number of {name}", lower_bound=10)
    flags.DEFINE_string("workdir", "out/discrepancy", "folder of results.jsonl")
    launch.run(main)
