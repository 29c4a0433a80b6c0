"""Speed and memory of the fast path on workloads that other libraries were timed on.

    python -m experiments.benchmarks.attribution --peers=FOLDER --workdir=out/benchmark [--only=graddot.lm] [--repeat=3]

FOLDER is laid out as workloads.py says. Every method runs in a process of its own, so that its peak memory is its own;
one line of results.jsonl each, and a table at the end. A rerun of a finished workdir redoes nothing.
"cold" is the first call, compilation included; "warm" the fastest of the repeats, from arrays and weights to scores.
FLOPs are counted from shapes (below), and compared with the matrix product this machine is measured to do.
"""

import json
import math
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from experiments.benchmarks import workloads
from experiments.reporting import markdown
from experiments.runtime import apart, launch, mesh, results
from valuation.discrepancy import mk_mmd
from valuation.factors import shapes
from valuation.fisher import LEAST, fisher_examples
from valuation.kernel import gram, outputs
from valuation.methods import ekfac, logra, trak
from valuation.methods.knn_shapley import values as knn_values
from valuation.objective import Classification
from valuation.outputs import margin
from valuation.precise import jit
from valuation.projection import hashes, sides, widths
from valuation.stream import gradient_products
from valuation.workers import use_workers

METHODS = ("graddot", "projected", "logra", "ekfac", "trak", "gradient", "ntk_mmd", "knn_shapley")
CASES = (
    "graddot.mlp", "logra.mlp", "ekfac.mlp", "trak.mlp", "ntk_mmd.mlp", "knn_shapley.knn20000", "gradient.lm",
    "projected.lm", "logra.lm", "ekfac.lm", "graddot.lm", "trak.lm",
)  # fmt: skip
REFERENCE = {"graddot.mlp": "dattri-tracin__mlp", "graddot.lm": "dattrillm-tracin__lm",
             "ekfac.mlp": "kronfluence-ekfac-dheur__mlp",
             "knn_shapley.knn20000": "pydvl-knnshap__knn20000"}  # fmt: skip
RANK, DIMENSIONS, SUBSETS, TRAK_LM = 16, 2048, 11, 250
BATCH = 32  # of the plain gradient: as fast here as any other
KEY = 7


def graddot(work: workloads.Workload):
    """Exact inner products over all parameters, (n, m)."""
    return gradient_products(work.model, workloads.loss_of(work), work.train, work.query)


def projected(work: workloads.Workload):
    """Inner products of 16 x 16 projections of every dense layer, (n, m)."""
    train, query, _ = _two_sided(work)
    return np.concatenate(train) @ np.concatenate(query).T


def logra_scores(work: workloads.Workload):
    """LoGra of rank 16 with a damping of 0.1 mean eigenvalues, (n, m)."""
    train, query, sizes = _two_sided(work)
    return logra.scores(train, np.concatenate(query), sizes)


def ekfac_scores(work: workloads.Workload):
    """Influence by EK-FAC over all parameters, at its defaults, (n, m)."""
    outcomes = workloads.next_tokens if work.name == "lm" else Classification.outcomes
    fisher = fisher_examples(work.model, outcomes, work.train, jax.random.key(KEY), vectors=ekfac.VECTORS)
    return ekfac.scores(work.model, workloads.loss_of(work), work.train, work.query, fisher)


def trak_scores(work: workloads.Workload):
    """TRAK with one model and 2,048 dimensions; language model: the first 250 sequences, gradients of the loss."""
    output = workloads.token_loss if work.name == "lm" else margin
    train = work.train.take(slice(0, TRAK_LM if work.name == "lm" else None))
    state = hashes(shapes(work.weights.params), jax.random.key(KEY), dimensions=DIMENSIONS)
    return trak.scores(*(trak.sketched(work.model, output, part, state) for part in (train, work.query)))


def gradient(work: workloads.Workload):
    """The plain gradient of all examples, train and query, in batches: what a pass of training costs."""
    loss, model, total = workloads.loss_of(work), work.weights, None
    for part in (work.train, work.query):
        for start in range(0, len(part.inputs), BATCH):
            batch = part.take(slice(start, start + BATCH))
            new = _gradient(model.params, model.frozen, batch, apply=model.apply, loss=loss)
            total = new if total is None else jax.tree.map(jnp.add, total, new)
    return np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(total)])


def ntk_mmd(work: workloads.Workload):
    """(kernel term, MMD) of subsets of the training set, DAVINZ's two terms."""
    pairs = []
    for rows in np.array_split(np.arange(len(work.train.inputs)), SUBSETS):
        subset = work.train.take(rows)
        theta = np.asarray(gram(work.model, subset.inputs, subset.targets), np.float64)
        residual = 1 - np.take_along_axis(outputs(work.model, subset.inputs), subset.targets[:, None], 1)
        solved = np.linalg.solve(theta + 1e-4 * np.trace(theta) / len(rows) * np.eye(len(rows)), residual)
        kernel = math.sqrt(max(float((residual * solved).sum()), 0) / len(rows))
        pairs.append((kernel, mk_mmd(subset.inputs, work.query.inputs, estimator="biased")))
    return np.array(pairs)


def knn_shapley(work: workloads.Workload):
    """KNN-Shapley values of the training examples, K = 5."""
    return knn_values(work.train.inputs, work.train.targets, work.query.inputs, work.query.targets, k=5)


RUN = dict(zip(METHODS, (graddot, projected, logra_scores, ekfac_scores, trak_scores, gradient, ntk_mmd, knn_shapley),
               strict=True))  # fmt: skip


def flops(method: str, work: workloads.Workload) -> float:
    """Multiplications and additions of a method's matrix products; attention and elementwise work are left out."""
    if work.model is None:
        return 2.0 * len(work.train.inputs) * len(work.query.inputs) * work.train.inputs.shape[1]
    n, m = (len(part.inputs) for part in (work.train, work.query))
    n = min(n, TRAK_LM) if (method, work.name) == ("trak", "lm") else n
    tokens = work.train.inputs.shape[1] if work.name == "lm" else 1
    kernels = [shape for name, shape in shapes(work.model.params).items() if name.endswith("kernel")]
    entries = sum(map(math.prod, kernels))
    parameters = sum(map(math.prod, shapes(work.model.params).values()))
    capture = 4.0 * (n + m) * tokens * entries
    formed = 2.0 * (n + m) * tokens * entries * (tokens > 1)
    if method == "gradient":
        return capture + 2.0 * (n + m) * tokens * entries
    if method in ("projected", "logra"):
        return capture + 2.0 * (n + m) * tokens * RANK * sum(k + d for k, d in kernels)
    if method == "graddot":
        pairs = parameters if tokens > 1 else sum(k + d for k, d in kernels)
        return capture + formed + 2.0 * n * m * pairs
    if method == "ekfac":
        classes = kernels[-1][1] if tokens == 1 else 1  # of each example all targets
        some = classes * min(n, max(ekfac.VECTORS // (tokens * classes), LEAST))
        sides = 2.0 * some * tokens * sum(k**2 + d**2 for k, d in kernels)  # for covariances, and to turn vectors
        of_queries = 4.0 * m * sum(k * d * (k + d) for k, d in kernels)
        factors = 2 * sides + of_queries + 2.0 * some * tokens * entries
        return capture * (1 + 2 * some / (n + m)) + factors + formed + 2.0 * n * m * parameters
    if method == "trak":
        return capture + formed + 2.0 * (n + m) * parameters + 2.0 * n * min(n, DIMENSIONS) * DIMENSIONS
    return capture + 2.0 * n / SUBSETS * n * sum(k + d for k, d in kernels)


def peak(size: int = 2048, repeats: int = 5, dtype=jnp.float32) -> float:
    """FLOP/s of a matrix product on the device, as values are multiplied: the fastest of a few."""
    a = jnp.ones((size, size), dtype)
    product = jit(lambda a: a @ a)
    product(a).block_until_ready()
    return 2.0 * size**3 / min(_seconds(lambda: product(a).block_until_ready()) for _ in range(repeats))


def measure(folder: str, case: str, repeat: int) -> dict:
    """One line of results, in this process."""
    method, name = case.split(".")
    work = workloads.load(folder, name)
    before, begun = results.peak_megabytes(), time.perf_counter()
    scores = RUN[method](work)
    cold = time.perf_counter() - begun
    cpu, warm = time.process_time(), [_seconds(lambda: RUN[method](work)) for _ in range(repeat)]
    cpu = (time.process_time() - cpu) / repeat
    line = {
        "kind": "benchmark",
        "method": method,
        "workload": name,
        "cold_seconds": cold,
        "warm_seconds": min(warm),
        "cpu_seconds": cpu,
        "peak_megabytes": results.peak_megabytes(),
        "megabytes_before": before,
        "flops": flops(method, work),
        "peak_flops": peak(repeats=repeat),
        "result_bytes": scores.nbytes,
        "load": _load(),
    }
    line["share_of_peak"] = line["flops"] / line["warm_seconds"] / line["peak_flops"]
    reference = Path(folder) / "reference" / f"{REFERENCE.get(case, '')}.npy"
    if case in REFERENCE and reference.exists():
        others = np.load(reference, allow_pickle=False)
        line["correlation"] = float(np.corrcoef(others.ravel(), np.asarray(scores).ravel())[0, 1])
    return line


def table(lines: list[dict]) -> str:
    """The lines as a table in Markdown."""
    head = ["method", "workload", "warm s", "cold s", "CPU s", "peak MB", "GFLOP", "share of peak", "r with reference"]
    rows = [
        [
            x["method"], x["workload"], f"{x['warm_seconds']:.3f}", f"{x['cold_seconds']:.2f}",
            f"{x['cpu_seconds']:.2f}", f"{x['peak_megabytes']:.0f}", f"{x['flops'] / 1e9:.2f}",
            f"{x['share_of_peak']:.0%}", f"{x['correlation']:.6f}" if "correlation" in x else "-",
        ]
        for x in lines
    ]  # fmt: skip
    return markdown.table(head, rows)


def _two_sided(work: workloads.Workload):
    state = sides(shapes(work.weights.params), jax.random.key(KEY), rank=RANK)
    loss = workloads.loss_of(work)
    train, query = (list(logra.projected(work.model, loss, part, state)) for part in (work.train, work.query))
    return train, query, widths(state)


def _gradient_of_sum(params, frozen, examples, *, apply, loss):
    return jax.grad(lambda p: loss(apply(p, frozen, examples.inputs), examples).sum())(params)


_gradient = jax.jit(_gradient_of_sum, static_argnames=("apply", "loss"))


def _seconds(function) -> float:
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def _load() -> float:
    return float(Path("/proc/loadavg").read_text().split()[0]) if Path("/proc/loadavg").exists() else math.nan


def about(case: str) -> dict:
    """The fields that tell a case's line: "logra.lm" is LoGra on the language model."""
    method, workload = case.split(".")
    return {"method": method, "workload": workload}


BENCHMARK = apart.Benchmark("attribution", "benchmark", "experiments.benchmarks.attribution", about, table)
FLAGS = flags.FLAGS


def main(argv: list[str]) -> None:
    if FLAGS.case:  # the process of one measurement
        with use_workers(progress=mesh.progress):
            print(json.dumps(measure(FLAGS.peers, FLAGS.case, FLAGS.repeat)))
        return
    arguments = {"peers": FLAGS.peers, "repeat": FLAGS.repeat}
    config = {"name": "benchmark", "scale": "", "peers": str(Path(FLAGS.peers).resolve()), "repeat": FLAGS.repeat}
    cases = FLAGS.only or CASES
    print(apart.run(BENCHMARK, config, FLAGS.workdir, cases, arguments, whole=not FLAGS.only))


if __name__ == "__main__":
    flags.DEFINE_string("peers", None, "folder of the workloads", required=True)
    flags.DEFINE_string("workdir", "out/benchmark", "folder of results")
    flags.DEFINE_list("only", None, "cases to run, such as graddot.lm,trak.mlp; all by default")
    flags.DEFINE_string("case", None, "measure this case in this process and print its line")
    flags.DEFINE_integer("repeat", 3, "warm runs", lower_bound=1)
    launch.run(main)
