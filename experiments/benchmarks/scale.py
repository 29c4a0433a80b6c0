"""Values of large contributors: seconds and memory from 10^3 to 10^6 examples, and how near inducing points are.

    python -m experiments.benchmarks.scale --workdir=out/scale

Rows of 784 bytes, and of tokens, lie in files of the workdir that are mapped into memory; methods see them as they see
any contributor. One line of results.jsonl a method and size, each measured in a process of its own, so that its peak
memory is its own; a fitted exponent a method, from 10^4 examples on; and lines of agreement with exact values: on the
images task, and on 8,000 of its images with wrong labels. --parts=sizes,images,wrong_labels, --sizes and --methods do
a part of it; a run without them does what is missing and writes the report. An interrupted run goes on where it
stopped.
"""

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from absl import flags

from experiments.benchmarks import scale_agreement, scale_data, scale_report
from experiments.runtime import apart, launch, mesh, results, study
from experiments.runtime.study import Step, Study
from valuation.methods import METHODS
from valuation.needs import sizes
from valuation.workers import use_workers

OF_ROWS = ("rbf_relative", "linear_utility", "mmd_only", "score_disagreement")
OF_TOKENS = ("ngram_utility",)
SIZES = (10**3, 10**4, 10**5, 10**6)
FITTED = 10**4  # examples from which exponents are fitted
WARM = 10**4  # examples of the call before, at most: what it compiles serves every larger size
PARTS = ("sizes", "images", "wrong_labels")
FILES = "rows"  # folder of the workdir
POINTS = {"images": (128, 256, 512), "wrong_labels": (1024, 2048, 4096)}
NOISY = 8000  # images with wrong labels
MODULE = "experiments.benchmarks.scale"
CONFIG = {"name": "benchmark_scale", "scale": "", "features": scale_data.FEATURES, "validation": scale_data.VALIDATION}


def measure(folder: Path, method: str, count: int) -> dict:
    """The line of one method and size, in this process. folder: of the mapped files."""
    make = scale_data.problem_of_tokens if method in OF_TOKENS else scale_data.problem_of_rows
    METHODS[method](make(folder, count, min(count, WARM)))
    problem = make(folder, count, count)
    needed, before = METHODS[method].needs(sizes(problem)), results.peak_megabytes()
    begun, cpu = time.perf_counter(), time.process_time()
    (value,) = METHODS[method](problem)
    return {
        "kind": "scale",
        "method": method,
        "examples": count,
        "value": float(value),
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": time.process_time() - cpu,
        "megabytes_before": before,
        "peak_megabytes": results.peak_megabytes(),
        "mapped_megabytes": problem.pool.inputs.nbytes / 1e6,
        "estimated_megabytes": needed.bytes / 1e6,
        "flops": needed.flops,
    }


def steps(lines: list[dict], *, workdir: Path, parts, counts, methods, data_dir: str | None) -> Iterator[Step]:
    """The steps of the parts asked for."""
    if "sizes" in parts:
        for count in counts:
            for method in methods:
                about = {"kind": "scale", "method": method, "examples": count}
                yield Step([about], partial(_apart, workdir, method, count))
    agreement = {
        "images": lambda: scale_agreement.of_images(POINTS["images"], data_dir),
        "wrong_labels": lambda: scale_agreement.of_wrong_labels(POINTS["wrong_labels"], NOISY, data_dir),
    }
    for case, make in agreement.items():
        if case in parts:
            wanted = [{"kind": "scale_agreement", "case": case, "points": points} for points in POINTS[case]]
            yield Step(wanted, make, remake=({"kind": "scale_agreement", "case": case},))


def fits(lines: list[dict]) -> list[dict]:
    """A line for every method of which several sizes are measured: the exponents of seconds and of CPU seconds."""
    made = []
    for method in dict.fromkeys(line["method"] for line in results.select(lines, kind="scale")):
        chosen = [line for line in results.select(lines, kind="scale", method=method) if line["examples"] >= FITTED]
        if len(chosen) > 1:
            n = np.log([line["examples"] for line in chosen])
            wall, cpu = (
                float(np.polyfit(n, np.log([line[field] for line in chosen]), 1)[0])
                for field in ("seconds", "cpu_seconds")
            )
            made.append({"kind": "scale_fit", "method": method, "exponent": wall, "cpu_exponent": cpu})
    return made


def _apart(workdir: Path, method: str, count: int) -> list[dict]:
    scale_data.mapped(workdir / FILES, scale_data.tokens if method in OF_TOKENS else scale_data.rows, count)
    return [apart.measured(MODULE, {"case": f"{method}.{count}", "workdir": workdir})]


def main(argv: list[str]) -> None:
    given = flags.FLAGS
    if given.case:  # the process of one measurement
        method, count = given.case.split(".")
        with use_workers(progress=mesh.progress):
            print(json.dumps(measure(Path(given.workdir) / FILES, method, int(count))))
        return
    asked = {
        "workdir": Path(given.workdir),
        "parts": given.parts or PARTS,
        "counts": tuple(map(int, given.sizes or SIZES)),
        "methods": given.methods or (*OF_ROWS, *OF_TOKENS),
        "data_dir": given.data_dir,
    }
    todo = partial(steps, **asked)
    if given.parts or given.sizes or given.methods:
        lines = study.run_steps("scale", CONFIG, todo, given.workdir)
        print(scale_report.tables([*lines, *fits(lines)]))
    else:
        print(study.run(Study("scale", CONFIG, todo, scale_report.write, fits), given.workdir).read_text(), end="")


if __name__ == "__main__":
    mesh.use_all_cores()
    flags.DEFINE_string("workdir", "out/scale", "folder of results and of the mapped files")
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    flags.DEFINE_list("parts", None, f"of {', '.join(PARTS)}; all by default")
    flags.DEFINE_list("sizes", None, "examples of the contributors, such as 1000,10000")
    flags.DEFINE_list("methods", None, "whose seconds are measured")
    flags.DEFINE_string("case", None, "measure this method, size and file in this process and print its line")
    launch.run(main)
