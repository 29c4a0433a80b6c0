"""Values of somebody's own sources beside trainings: reviews in files, as a person would have them.

    python -m experiments.benchmarks.own_sources --seed=0 --truth_seeds=5 --workdir=out/own_sources

500 reviews of IMDb are the real file, 2,000 others the validation file. Sources: 2,000 more of IMDb, 2,000 of Rotten
Tomatoes, the reviews that a language model wrote, 2,000 of IMDb with shuffled labels, 200 of IMDb ten times each. The
files are valued by the command for one's own files. The truth, if asked for: what models trained on the real reviews
and each source reach on 5,000 reviews that nothing else saw, less what those on the real ones alone reach.
"""

import csv
import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import flags

from configs import sources as own
from experiments.data import reviews, rows
from experiments.data.own_files import schema_of
from experiments.data.own_rows import checked
from experiments.data.reviews import Reviews
from experiments.reporting import markdown
from experiments.runtime import launch, mesh, results, study
from experiments.runtime.study import Step, Study
from experiments.synthetic import corpus, review_templates
from experiments.tasks import own_texts
from experiments.training.fit import fit
from experiments.training.recipe import Part
from valuation.intervals import NORMAL
from valuation.kernel import outputs

REAL, VALIDATION, TEST = "real", "validation", "test"
SIZES = {REAL: 500, VALIDATION: 2000, "more of IMDb": 2000, "shuffled labels": 2000, "repeated": 200, TEST: 5000}
SOURCES = ("more of IMDb", "Rotten Tomatoes", "generated", "shuffled labels", "repeated")
TIMES = 10  # that each repeated review stands there


def sets(dataset: str, seed: int, part: float, data_dir: str | None) -> dict[str, Reviews]:
    """Name -> reviews of every file; no two of IMDb share one.

    dataset: "imdb", or "templates", which are made in memory. part: of the sizes. data_dir: as in archives.data_folder.
    """
    rng = np.random.default_rng(seed)
    sizes = {name: max(round(part * size), 20) for name, size in SIZES.items()}
    if dataset == "templates":
        first, second = (review_templates.templates(count, place) for place, count in enumerate((12_000, 2000)))
        written = review_templates.invented(100)
    else:
        every, source = reviews.read_archive(None, data_dir)
        first, second = (every.take(np.flatnonzero(source == name)) for name in ("imdb", "rotten_tomatoes"))
        written = corpus.read("review")
    distinct = np.unique(np.array(first.texts, object), return_index=True)[1]
    places = np.split(rng.permutation(distinct), np.cumsum(list(sizes.values())))
    out = {name: first.take(some) for name, some in zip(sizes, places, strict=False)}
    shuffled = out["shuffled labels"]
    out["shuffled labels"] = shuffled._replace(labels=rng.permutation(shuffled.labels))
    again = out["repeated"]
    out["repeated"] = again.take(np.repeat(np.arange(len(again.texts)), TIMES))
    out["Rotten Tomatoes"] = second.take(rng.permutation(len(second.texts))[: sizes["more of IMDb"]])
    labels = np.array([record["label"] for record in written])
    out["generated"] = Reviews([record["text"] for record in written], labels)
    return out


def write_files(folder: Path, made: dict[str, Reviews]) -> dict[str, Path]:
    """A CSV file of each set; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name.replace(' ', '_')}.csv" for name in made}
    for name, path in paths.items():
        with path.open("w", newline="", encoding="utf-8") as file:
            words = np.array(["negative", "positive"])[made[name].labels]
            csv.writer(file).writerows([("text", "label"), *zip(made[name].texts, words, strict=True)])
    return paths


def valued(paths: dict[str, Path], workdir: Path, options: list[str]) -> list[dict]:
    """A line a source, as the command of one's own files values it. options: further flags of that command."""
    files = ",".join(str(paths[name]) for name in SOURCES)
    command = [sys.executable, "-m", "experiments.run", "--config=configs/sources.py", f"--workdir={workdir}"]
    command += [f"--config.real={paths[REAL]}", f"--config.validation={paths[VALIDATION]}", f"--config.sources={files}"]
    subprocess.run([*command, *options], check=True)
    answer = json.loads((workdir / "answer.json").read_text())
    names = {paths[name].stem: name for name in SOURCES}
    keys = ("value", "value_interval", "gain", "interval", "verdict")
    return [
        {"kind": "own source", "source": names[value["source"]], "run_seconds": answer["cost"]["seconds"]}
        | {key: value[key] for key in keys}
        for value in answer["values"]
    ]


def trained(paths: dict[str, Path], seed: int) -> list[dict]:
    """A line a source: the accuracy on the test file of a model trained on real reviews and source; "": real alone."""
    config = own.get_config()
    frames = {name: rows.read(path) for name, path in paths.items()}
    schema = schema_of(frames[REAL])
    read = {name: checked(frame, schema) for name, frame in frames.items()}
    names = (REAL, *SOURCES)
    made = own_texts.prepare(names, [read[name] for name in names], read[TEST], schema, config.text, jax.random.key(0))
    real, *others = (one.index for one in made.problem.contributors)
    models = fit(
        made.recipe,
        [Part(made.problem.pool, real), *(Part(made.problem.pool, np.concatenate([real, one])) for one in others)],
        [jax.random.key(seed)] * len(names),
        mesh=mesh.devices(),
        title=f"truth, seed {seed}",
    )
    tested, model = made.problem.validation, made.problem.model
    right = [outputs(model._replace(params=one), tested.inputs).argmax(1) == tested.targets for one in models]
    return [
        {
            "kind": "own truth",
            "source": name,
            "seed": seed,
            "metric": float(one.mean()),
            "deviation": float(np.std(one.astype(float) - right[0]) / np.sqrt(len(one))),
        }
        for name, one in zip(("", *SOURCES), right, strict=True)
    ]


def judged(lines: list[dict]) -> list[dict]:
    """The line that says how right the values were: the truth of each source with its interval over seeds and test
    examples.
    """
    reached = {(line["source"], line["seed"]): line["metric"] for line in results.select(lines, kind="own truth")}
    seeds = sorted({seed for _, seed in reached})
    values = {line["source"]: line for line in results.select(lines, kind="own source")}
    if len(seeds) < 2:
        return []
    gains = {name: np.array([reached[name, seed] - reached["", seed] for seed in seeds]) for name in SOURCES}
    means = {name: float(gain.mean()) for name, gain in gains.items()}
    tested = {line["source"]: line["deviation"] for line in results.select(lines, kind="own truth")}  # of all seeds
    errors = {
        name: float(np.hypot(gain.std(ddof=1) / np.sqrt(len(seeds)), tested[name])) for name, gain in gains.items()
    }
    clear = [name for name in SOURCES if abs(means[name]) > NORMAL * errors[name]]
    right = [name for name in clear if np.sign(values[name]["value"]) == np.sign(means[name])]
    order = sorted(SOURCES, key=lambda name: -values[name]["value"])
    return [
        {
            "kind": "own summary",
            "truth": means,
            "standard_errors": errors,
            "clear": clear,
            "signs_right": right,
            "order": order,
            "seconds_of_values": values[order[0]]["run_seconds"],
        }
    ]


def write(workdir: str | Path) -> Path:
    """Writes the table, workdir/report.md; its path."""
    lines = results.finished(workdir)
    summary = (results.select(lines, kind="own summary") or [{}])[0]
    head, table = ["source", "value", "verdict", "predicted gain", "trained gain"], []
    for line in sorted(results.select(lines, kind="own source"), key=lambda line: -line["value"]):
        name, (low, high) = line["source"], line["interval"]
        truth = f"{summary['truth'][name]:+.3f} ± {NORMAL * summary['standard_errors'][name]:.3f}" if summary else "–"
        gain = f"{line['gain']:+.3f} ({low:+.3f} to {high:+.3f})"
        table.append([name, f"{line['value']:+.3f}", line["verdict"], gain, truth])
    text = markdown.table(head, table)
    if summary:
        signs = f"{len(summary['signs_right'])} of {len(summary['clear'])}"
        text += f"\n\nSigns right of those clear of 0: {signs}. Values took {summary['seconds_of_values']:.0f} s."
    return study.write_page(workdir, text + "\n")


def main(argv: list[str]) -> None:
    given = {name: getattr(flags.FLAGS, name) for name in ("dataset", "seed", "part", "truth_seeds", "options")}
    workdir = Path(flags.FLAGS.workdir)

    @functools.cache
    def paths() -> dict[str, Path]:
        made = sets(given["dataset"], given["seed"], given["part"], flags.FLAGS.data_dir)
        return write_files(workdir / "files", made)

    def steps(lines: list[dict]) -> Iterator[Step]:
        wanted: list[dict[str, Any]] = [{"kind": "own source", "source": name} for name in SOURCES]
        yield Step(wanted, lambda: valued(paths(), workdir / "run", given["options"]))
        for seed in range(given["truth_seeds"]):
            wanted = [{"kind": "own truth", "source": name, "seed": seed} for name in ("", *SOURCES)]
            yield Step(wanted, functools.partial(trained, paths(), seed))

    config = {"name": "benchmark_own_sources", "scale": "", **given}
    path = study.run(Study("own_sources", config, steps, write, summaries=judged), workdir)
    print(path.read_text(), end="")


if __name__ == "__main__":
    mesh.use_all_cores()
    flags.DEFINE_enum("dataset", "imdb", ("imdb", "templates"), "where reviews come from; templates: made in memory")
    flags.DEFINE_integer("seed", 0, "of which reviews are in which file", lower_bound=0)
    flags.DEFINE_float("part", 1.0, "of the sizes of all files", lower_bound=0.0)
    flags.DEFINE_integer("truth_seeds", 0, "trainings of each source; 0: none", lower_bound=0)
    flags.DEFINE_multi_string("options", [], "further flags of the command, such as --config.exact=6000")
    flags.DEFINE_string("workdir", "out/own_sources", "folder of files, run and results.jsonl")
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    launch.run(main)
