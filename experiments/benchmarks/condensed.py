"""Condensed images beside as many random real ones, and what the weight of the CMI does to the support they cover.

    python -m experiments.benchmarks.condensed --seed=3000 --workdir=out/condensed

What is condensed is the train pool of configs/images.py. Accuracy is that of the ConvNet of the condensation on the
test set, after equal steps of Adam on images of either kind that are moved a little, anew at every step
(experiments/training/augmentation.py), with a learning rate for each of the two kinds and sizes. Recall and
precision of support are those of 50 condensed images a class in the balls of the validation set: of pixels, as in every
valuation, and of the features of a network trained on real images from another start than that of the CMI.
"""

import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from absl import flags
from jaxtyping import Float, PyTree
from scipy.stats import spearmanr

from configs import images as config_file
from configs.common import one_of
from experiments.data import images
from experiments.reporting import markdown
from experiments.runtime import launch, mesh, results, study
from experiments.runtime.rng import generator
from experiments.runtime.study import Step, Study
from experiments.synthetic.alignment import layer_inputs
from experiments.synthetic.condensation import Condense, condenser, rows_of_classes
from experiments.synthetic.condensed import network, trained_on_real
from experiments.tasks.task import classified
from experiments.training.augmentation import LITTLE, on_moved
from experiments.training.fit import fit
from experiments.training.recipe import optimizer
from models.functional import Model
from valuation.covariates.concentration import class_concentration
from valuation.covariates.of_problem import NEAREST
from valuation.covariates.support import squared_radii, support_precision, support_recall
from valuation.discrepancy import distance_table
from valuation.problem import Examples

RANDOM, CONDENSED = "random", "condensed"
FEW = (1, 10)  # images a class that are trained on
# the best of 1e-3, 3e-3 and 1e-2 (of 10 images: and 5e-3) on validation and test set of the development split, two to
# four of its seeds 0 to 3 (--salt= --seed=0 --learning_rate=...)
RATES = {(RANDOM, 1): 3e-3, (CONDENSED, 1): 1e-2, (RANDOM, 10): 3e-3, (CONDENSED, 10): 3e-3}
STEPS, BATCH, TRAININGS = 300, 32, 3  # of a batch no more than there are
MANY = 50  # images a class whose support is looked at
WEIGHTS = (0.0, 100.0, 1000.0, 10000.0, 100000.0)
MEASURES = {  # of support
    "precision": "precision of pixels",
    "recall": "recall of pixels",
    "feature_precision": "precision of features",
    "feature_recall": "recall of features",
}
ACCURACY, SUPPORT = "accuracy", "support"  # parts of the study
CONDENSE, CHOOSE, LEARN, REAL, JUDGE = range(5)  # purposes of the key of a seed


class Setting(NamedTuple):
    """Real images, and what condenses and learns images.

    fitted: (sets, learning rate, key) -> parameters after a training on each. trained: (seed, purpose) -> parameters
    after a training on the real images.
    """

    learn: Examples
    validation: Examples
    test: Examples
    classes: int
    model: Model
    condense: Condense
    fitted: Callable[[list[Examples], float, jax.Array], list[PyTree]]
    trained: Callable[[int, int], PyTree]


def setting(config, data_dir: str | None, devices) -> Setting:
    """Of a config of configs/images.py that has condensed images. Raises as images.read and images.split do."""
    data = images.read(config, data_dir)
    real = Examples(data.images.astype(np.float32) / 255, data.labels.astype(np.int32))
    parts = (real.take(rows) for rows in images.split(data, config.split)[:3])
    model, training = network(config.condensation, data.images.shape[1:], data.classes)
    learn, validation, test = parts

    def fitted(sets: list[Examples], rate: float, key: jax.Array) -> list[PyTree]:
        batch = min(BATCH, len(sets[0].inputs))
        adam = optimizer("adam", {"learning_rate": rate})
        short = training._replace(loss=on_moved(training.loss), optimizer=adam, steps=STEPS, batch=batch)
        return fit(short, sets, list(jax.random.split(key, len(sets))), mesh=devices)

    @cache
    def trained(seed: int, purpose: int) -> PyTree:
        return trained_on_real(training, learn, jax.random.fold_in(jax.random.key(seed), purpose), devices)

    condense = condenser(config.condensation, model, training, data.classes)
    return Setting(learn, validation, test, data.classes, model, condense, fitted, trained)


def accuracies(given: Setting, each: int, seed: int, rates: dict) -> list[dict]:
    """A line for random and one for condensed images, `each` of a class. rates: (kind, each) -> learning rate."""
    key, begun = jax.random.fold_in(jax.random.key(seed), each), time.perf_counter()
    made = given.condense(given.learn, each, jax.random.fold_in(key, CONDENSE))
    seconds, rng = time.perf_counter() - begun, generator(jax.random.fold_in(key, CHOOSE))
    by_class = rows_of_classes(given.learn.targets, given.classes, each)
    rows = np.concatenate([rng.choice(some, each, replace=False) for some in by_class])
    out = []
    for name, some in {RANDOM: given.learn.take(rows), CONDENSED: made}.items():
        rate = rates[name, each]
        models = given.fitted([some] * TRAININGS, rate, jax.random.fold_in(key, LEARN))
        line = {"kind": "condensed accuracy", "each": each, "images": name, "seed": seed, "learning_rate": rate}
        for part, held_out in (("validation", given.validation), ("test", given.test)):
            line[part] = [classified(given.model._replace(params=params), held_out)[0] for params in models]
        out.append(line | ({"condensing_seconds": seconds} if name == CONDENSED else {}))
    return out


def support(given: Setting, weight: float, seed: int) -> list[dict]:
    """The line of MANY images a class, condensed with that weight of the CMI from a start that all weights share."""
    trained, judge, begun = given.trained(seed, REAL), given.trained(seed, JUDGE), time.perf_counter()
    key = jax.random.fold_in(jax.random.key(seed), CONDENSE)
    made = given.condense(given.learn, MANY, key, concentration=weight, trained=trained)
    line = {"kind": "condensed support", "weight": weight, "seed": seed}
    line |= {"condensing_seconds": time.perf_counter() - begun}

    def features(params: PyTree, examples: Examples) -> np.ndarray:
        return np.asarray(layer_inputs(given.model, params, examples.inputs)[1])

    line["concentration"] = class_concentration(features(trained, made), made.targets)
    pixels = (x.inputs.reshape(len(x.inputs), -1) for x in (made, given.validation))
    line["precision"], line["recall"] = covered(*pixels)
    line["feature_precision"], line["feature_recall"] = covered(*(features(judge, x) for x in (made, given.validation)))
    return [line]


def covered(rows: Float[np.ndarray, "n d"], real: Float[np.ndarray, "m d"]) -> tuple[float, float]:
    """(precision, recall) of the rows in the balls of the real ones."""
    distances, radii = distance_table(real, rows), squared_radii(real, NEAREST)
    return support_precision(distances, radii), support_recall(distances, radii)


def judged(lines: list[dict]) -> list[dict]:
    """A line a size with what condensed images gain on random ones, and one with what the weight does to recall."""
    out = []
    for each in FEW:
        chosen = results.select(lines, kind="condensed accuracy", each=each)
        random, made = (
            np.array([np.mean(line["test"]) for line in results.select(chosen, images=name)])
            for name in (RANDOM, CONDENSED)
        )
        if len(made) > 1:
            error = float((made - random).std(ddof=1) / np.sqrt(len(made)))
            line = {"kind": "condensed gain", "each": each, RANDOM: float(random.mean()), CONDENSED: float(made.mean())}
            out.append(line | {"gain": float((made - random).mean()), "standard_error": error})
    rows = results.select(lines, kind="condensed support")
    if len({line["weight"] for line in rows}) > 1:
        weights = [line["weight"] for line in rows]
        order = {name: spearmanr(weights, [line[name] for line in rows])[0] for name in ("recall", "feature_recall")}
        out.append({"kind": "condensed dial"} | {f"spearman_{name}": float(rho) for name, rho in order.items()})
    return out


def write(workdir: str | Path) -> Path:
    """Writes the tables, workdir/report.md; its path."""
    lines, text = results.finished(workdir), []
    head = ["images a class", "random", "condensed", "gain", "standard error", "seconds of a condensation"]
    table = []
    for line in results.select(lines, kind="condensed gain"):
        seconds = _most(results.select(lines, kind="condensed accuracy", each=line["each"], images=CONDENSED))
        cells = (line[name] for name in (RANDOM, CONDENSED, "gain", "standard_error"))
        table.append([str(line["each"]), *map(markdown.decimal, cells), seconds])
    text += [markdown.table(head, table)] if table else []
    head, table = ["weight of the CMI", "CMI, nats", *MEASURES.values(), "seconds of a condensation"], []
    for weight in dict.fromkeys(line["weight"] for line in results.select(lines, kind="condensed support")):
        chosen = results.select(lines, kind="condensed support", weight=weight)
        means = (float(np.mean([line[name] for line in chosen])) for name in ("concentration", *MEASURES))
        table.append([f"{weight:g}", *map(markdown.decimal, means), _most(chosen)])
    text += [markdown.table(head, table)] if table else []
    for line in results.select(lines, kind="condensed dial"):
        of_pixels, of_features = (line[f"spearman_{name}"] for name in ("recall", "feature_recall"))
        text.append(f"Spearman of weight and recall: {of_pixels:.2f} of pixels, {of_features:.2f} of features.")
    return study.write_page(workdir, "\n\n".join(text) + "\n")


def _most(lines: list[dict]) -> str:
    return f"{max(line['condensing_seconds'] for line in lines):.0f}"


def main(argv: list[str]) -> None:
    given = {name: getattr(flags.FLAGS, name) for name in ("salt", "seed", "seeds", "learning_rate")}
    config = config_file.get_config(f"{flags.FLAGS.scale},condensed=True,salt={given['salt']}")
    if not flags.FLAGS.parts:
        raise ValueError(f"--parts is empty: expected {ACCURACY}, {SUPPORT} or both")
    parts = [one_of("--parts", part, (ACCURACY, SUPPORT)) for part in flags.FLAGS.parts]
    rates = dict.fromkeys(RATES, given["learning_rate"]) if given["learning_rate"] else RATES
    read = cache(partial(setting, config, flags.FLAGS.data_dir, mesh.devices()))

    def measured(measure: Callable[..., list[dict]], *about) -> list[dict]:
        return measure(read(), *about)

    def steps(lines: list[dict]) -> Iterator[Step]:
        for seed in range(given["seed"], given["seed"] + given["seeds"]):
            for each in FEW if ACCURACY in parts else ():
                about = {"kind": "condensed accuracy", "each": each, "seed": seed}
                wanted = [about | {"images": name} for name in (RANDOM, CONDENSED)]
                yield Step(wanted, partial(measured, accuracies, each, seed, rates))
            for weight in WEIGHTS if SUPPORT in parts else ():
                about = {"kind": "condensed support", "weight": weight, "seed": seed}
                yield Step([about], partial(measured, support, weight, seed))

    scale = "" if flags.FLAGS.scale == "small" else flags.FLAGS.scale
    about = {"name": "benchmark_condensed", "scale": scale, **given, "condensation": config.condensation.to_dict()}
    about |= {"parts": parts, "rates": [[*kind, rate] for kind, rate in rates.items()], "steps": STEPS, "batch": BATCH}
    about |= {"trainings": TRAININGS, "moves": list(LITTLE)}
    path = study.run(Study("condensed", about, steps, write, summaries=judged), flags.FLAGS.workdir)
    print(path.read_text(), end="")


if __name__ == "__main__":
    mesh.use_all_cores()
    flags.DEFINE_list(
        "parts",
        [ACCURACY, SUPPORT],
        "what is measured: beside random images, over weights of the CMI; a workdir is for one choice",
    )
    flags.DEFINE_enum("scale", "small", ("small", "tiny"), "of configs/images.py; tiny: images made in memory, a trial")
    flags.DEFINE_string("salt", "c", "of the split into train pool, validation and test set")
    flags.DEFINE_integer("seed", 3000, "the first; 0 to 9 are for development", lower_bound=0)
    flags.DEFINE_integer("seeds", 3, "how many", lower_bound=1)
    flags.DEFINE_float("learning_rate", 0.0, "for development: in place of those that were chosen", lower_bound=0.0)
    flags.DEFINE_string("workdir", "out/condensed", "folder of results.jsonl")
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    launch.run(main)
