"""How cost grows: seconds against examples n, parameters p and number of contributors, with the fitted exponent.

    python -m experiments.benchmarks.cost --workdir=out/benchmark_cost

Random data, an MLP; one line of results.jsonl a measurement and one a fit. An exponent of 1 is linear; at small sizes
what a call costs whatever its size pulls it below. A finished workdir is left as it is.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import jax
import numpy as np
from absl import flags

from experiments.runtime import launch, results, study
from experiments.runtime.study import Step, Study
from models.mlp import mlp
from valuation.factors import shapes
from valuation.kernel import gram
from valuation.methods.logra import projected
from valuation.methods.trak import sketched
from valuation.outputs import log_likelihood
from valuation.problem import Examples
from valuation.projection import hashes, sides
from valuation.stream import gradient_products

INPUTS, CLASSES, QUERIES = 64, 10, 100
EXAMPLES = (2000, 4000, 8000, 16000)
WIDTHS = (64, 128, 256, 512)
CONTRIBUTORS = (6, 12, 24, 48)


def graddot(model, train: Examples, query: Examples):
    return gradient_products(model, log_likelihood, train, query)


def logra(model, train: Examples, query: Examples):
    state = sides(shapes(model.params), jax.random.key(0), rank=16)
    return [list(projected(model, log_likelihood, part, state)) for part in (train, query)]


def trak(model, train: Examples, query: Examples):
    state = hashes(shapes(model.params), jax.random.key(0), dimensions=1024)
    return [sketched(model, log_likelihood, part, state) for part in (train, query)]


METHODS = {"graddot": graddot, "logra": logra, "trak": trak}


def data(count: int) -> Examples:
    draw = np.random.default_rng(count)
    return Examples(draw.normal(size=(count, INPUTS)).astype(np.float32), draw.integers(0, CLASSES, count, np.int32))


def seconds(function) -> float:
    """The faster of two calls after a first one."""
    function()
    times = []
    for _ in range(2):
        begun = time.perf_counter()
        function()
        times.append(time.perf_counter() - begun)
    return min(times)


def exponent(sizes, times) -> float:
    """Slope of log time on log size, least squares."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def measurements() -> Iterator[tuple[dict, Callable[[], object]]]:
    """(method, axis and size; what is timed there), one after another."""

    def model(width):
        return mlp((INPUTS, width, width, CLASSES), jax.random.key(0))

    query, train, middle = data(QUERIES), data(EXAMPLES[1]), model(WIDTHS[1])
    for name, method in METHODS.items():
        for n in EXAMPLES:
            yield {"method": name, "axis": "examples", "size": n}, partial(method, middle, data(n), query)
        for width in WIDTHS:
            one = model(width)
            size = sum(leaf.size for leaf in jax.tree.leaves(one.params))
            yield {"method": name, "axis": "parameters", "size": size}, partial(method, one, train, query)
    for count in CONTRIBUTORS:  # blocks of 200 examples each: the kernel terms of a score
        sets = [train.take(slice(i * 50, i * 50 + 200)) for i in range(count)]
        yield {"method": "kernel", "axis": "contributors", "size": count}, partial(kernels, middle, sets)


def kernels(model, sets: list[Examples]) -> list[np.ndarray]:
    return [np.asarray(gram(model, examples.inputs, examples.targets)) for examples in sets]


def steps(lines: list[dict]) -> Iterator[Step]:
    """A step for every measurement."""
    for about, function in measurements():
        yield Step([{"kind": "cost", **about}], partial(timed, {"kind": "cost", **about}, function))


def timed(about: dict, function: Callable[[], object]) -> list[dict]:
    """The line of a measurement: what it is about, and its seconds."""
    return [about | {"seconds": seconds(function)}]


def fits(lines: list[dict]) -> list[dict]:
    """A line for every method and axis: the exponent of seconds in size."""
    pairs = dict.fromkeys((line["method"], line["axis"]) for line in lines)
    return [{"kind": "cost_fit", "method": m, "axis": a, "exponent": exponent(*curve(lines, m, a))} for m, a in pairs]


def curve(lines: list[dict], method: str, axis: str) -> tuple[tuple, tuple]:
    """(sizes, seconds)."""
    chosen = results.select(lines, kind="cost", method=method, axis=axis)
    return tuple(line["size"] for line in chosen), tuple(line["seconds"] for line in chosen)


def write(workdir: str | Path) -> Path:
    """Writes the table, workdir/report.md; its path."""
    lines, rows = results.finished(workdir), ["| method | axis | sizes | seconds | exponent |\n|---|---|---|---|---|"]
    for fit in results.select(lines, kind="cost_fit"):
        sizes, times = curve(lines, fit["method"], fit["axis"])
        rows.append(
            f"| {fit['method']} | {fit['axis']} | {sizes[0]:,} to {sizes[-1]:,} | {times[0]:.3f} to {times[-1]:.3f} | "
            f"{fit['exponent']:.2f} |"
        )
    return study.write_page(workdir, "\n".join(rows) + "\n")


def main(argv: list[str]) -> None:
    cost = Study("cost", {"name": "benchmark_cost", "scale": ""}, steps, write, fits)
    print(study.run(cost, flags.FLAGS.workdir).read_text(), end="")


if __name__ == "__main__":
    flags.DEFINE_string("workdir", "out/benchmark_cost", "folder of results")
    launch.run(main)
