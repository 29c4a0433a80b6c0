"""How cost grows: seconds against examples n, parameters p and number of contributors, with the fitted exponent.

    python -m experiments.benchmarks.cost --workdir=out/benchmark_cost

Random data, an MLP; one line of results.jsonl a measurement and one a fit. An exponent of 1 is linear; at small sizes
what a call costs whatever its size pulls it below.
"""

import time

import jax
import numpy as np
from absl import flags

from experiments.runtime import launch, results
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


def measured():
    """(method, axis, size, seconds), one after another."""

    def model(width):
        return mlp((INPUTS, width, width, CLASSES), jax.random.key(0))

    query, train, middle = data(QUERIES), data(EXAMPLES[1]), model(WIDTHS[1])
    for name, method in METHODS.items():
        for n in EXAMPLES:
            yield name, "examples", n, seconds(lambda n=n, method=method: method(middle, data(n), query))
        for width in WIDTHS:
            one = model(width)
            size = sum(leaf.size for leaf in jax.tree.leaves(one.params))
            yield name, "parameters", size, seconds(lambda one=one, method=method: method(one, train, query))
    for count in CONTRIBUTORS:  # own blocks of 200 examples each: the kernel terms of a score
        sets = [train.take(slice(i * 50, i * 50 + 200)) for i in range(count)]
        yield (
            "kernel",
            "contributors",
            count,
            seconds(lambda sets=sets: [np.asarray(gram(middle, own.inputs, own.targets)) for own in sets]),
        )


FLAGS = flags.FLAGS


def main(argv):
    del argv
    config = {"name": "benchmark_cost", "scale": ""}
    path = results.start(FLAGS.workdir, config)
    stamp, found = results.stamp(config), {}
    for method, axis, size, took in measured():
        found.setdefault((method, axis), []).append((size, took))
        line = {"kind": "cost", "method": method, "axis": axis, "size": size, "seconds": took}
        results.append(path, [line | stamp])
    print("| method | axis | sizes | seconds | exponent |\n|---|---|---|---|---|")
    for (method, axis), pairs in found.items():
        sizes, times = zip(*pairs, strict=True)
        fit = {"kind": "cost_fit", "method": method, "axis": axis, "exponent": exponent(sizes, times)}
        results.append(path, [fit | stamp])
        print(f"| {method} | {axis} | {sizes[0]:,} to {sizes[-1]:,} | {times[0]:.3f} to {times[-1]:.3f} | "
              f"{fit['exponent']:.2f} |")  # fmt: skip


if __name__ == "__main__":
    flags.DEFINE_string("workdir", "out/benchmark_cost", "folder of results")
    launch.run(main)
