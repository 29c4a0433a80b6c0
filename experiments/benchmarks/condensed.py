"""Condensed images beside as many real ones, and what the weight of the CMI does to what they cover and teach.

    python -m experiments.benchmarks.condensed --seed=3000 --workdir=out/condensed

What is condensed is the train pool of configs/images.py, of every split that a word of --salts makes. Accuracy is that
of the ConvNet of the condensation on the test set, after equal steps of Adam on images of one kind that are moved a
little, anew at every step (experiments/training/augmentation.py), with a learning rate for each kind and size. Kinds:
random real images; chosen ones, of every class those nearest the centres of k-means of its pixels; condensed ones.
Random and chosen ones are drawn anew for every training; one chosen image a class is always the same. Recall and
precision of support are those of 50 condensed images a class (tiny: 10) in the balls of the validation set: of pixels,
as in every valuation, and of the features of a network trained on real images from another start than that of the CMI.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from absl import flags
from jaxtyping import Float, PyTree
from scipy.cluster.vq import kmeans2
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
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

KINDS = RANDOM, CHOSEN, CONDENSED = "random", "chosen", "condensed"
FEW = (1, 10)  # images a class that are trained on
# the best of 1e-3, 3e-3 and 1e-2 (of 10 images: and 5e-3) on validation and test set of the development split, two to
# four of its seeds 0 to 3 (--salts= --seed=0 --learning_rate=...); of chosen images, of two splits, seeds 0 and 1
RATES = {(RANDOM, 1): 3e-3, (CHOSEN, 1): 3e-3, (CONDENSED, 1): 1e-2} | {(name, 10): 3e-3 for name in KINDS}
RATE_OF_MANY = 3e-3  # that of 10
STEPS, BATCH, TRAININGS = 300, 32, 5  # of a batch no more than there are
MANY = {"small": 50, "tiny": 10}  # scale -> images a class whose support is looked at
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

    many: images of a class whose support is looked at. fitted: (sets, learning rate, key) -> parameters after a
    training on each. trained: (seed, purpose) -> parameters after a training on the real images.
    """

    learn: Examples
    validation: Examples
    test: Examples
    classes: int
    many: int
    model: Model
    condense: Condense
    fitted: Callable[[list[Examples], float, jax.Array], list[PyTree]]
    trained: Callable[[int, int], PyTree]


def setting(config, data_dir: str | None, devices) -> Setting:
    """Of a config of configs/images.py that has condensed images.

    Raises ValueError as images.read and images.split do, and for a class with fewer images than are asked for.
    """
    data = images.read(config, data_dir)
    real = Examples(data.images.astype(np.float32) / 255, data.labels.astype(np.int32))
    parts = (real.take(rows) for rows in images.split(data, config.split)[:3])
    model, training = network(config.condensation, data.images.shape[1:], data.classes)
    learn, validation, test = parts
    many = MANY[config.scale]
    rows_of_classes(learn.targets, data.classes, many)

    def fitted(sets: list[Examples], rate: float, key: jax.Array) -> list[PyTree]:
        batch = min(BATCH, len(sets[0].inputs))
        adam = optimizer("adam", {"learning_rate": rate})
        short = training._replace(loss=on_moved(training.loss), optimizer=adam, steps=STEPS, batch=batch)
        return fit(short, sets, list(jax.random.split(key, len(sets))), mesh=devices)

    @cache
    def trained(seed: int, purpose: int) -> PyTree:
        return trained_on_real(training, learn, jax.random.fold_in(jax.random.key(seed), purpose), devices)

    condense = condenser(config.condensation, model, training, data.classes)
    return Setting(learn, validation, test, data.classes, many, model, condense, fitted, trained)


def accuracies(given: Setting, each: int, about: dict, rates: dict) -> list[dict]:
    """A line for every kind of images, `each` of a class.

    about: salt and seed. rates: (kind, each) -> learning rate.
    """
    key, begun = jax.random.fold_in(jax.random.key(about["seed"]), each), time.perf_counter()
    made = given.condense(given.learn, each, jax.random.fold_in(key, CONDENSE))
    seconds, rng = time.perf_counter() - begun, generator(jax.random.fold_in(key, CHOOSE))
    by_class = rows_of_classes(given.learn.targets, given.classes, each)

    def real(choose: Callable[[np.ndarray], np.ndarray]) -> list[Examples]:  # rows of a class -> some of them
        return [given.learn.take(np.concatenate(list(map(choose, by_class)))) for _ in range(TRAININGS)]

    sets = {
        RANDOM: real(lambda rows: rng.choice(rows, each, replace=False)),
        CHOSEN: real(lambda rows: rows[nearest_to_centres(given.learn.inputs[rows], each, rng)]),
        CONDENSED: [made] * TRAININGS,
    }
    out = []
    for name, some in sets.items():
        rate = rates[name, each]
        models = given.fitted(some, rate, jax.random.fold_in(key, LEARN))
        line = {"kind": "condensed accuracy", "each": each, "images": name, **about, "learning_rate": rate}
        for part, held_out in (("validation", given.validation), ("test", given.test)):
            line[part] = reached(given, models, held_out)
        out.append(line | ({"condensing_seconds": seconds} if name == CONDENSED else {}))
    return out


def nearest_to_centres(images: Float[np.ndarray, "n ..."], count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) different rows: those of the images that together lie nearest the centres of k-means of the pixels."""
    pixels = images.reshape(len(images), -1).astype(np.float64)
    centres = kmeans2(pixels, count, minit="++", rng=rng)[0]
    return linear_sum_assignment(cdist(centres, pixels, "sqeuclidean"))[1]


def support(given: Setting, weight: float, about: dict) -> list[dict]:
    """The line of given.many images a class, condensed with that weight of the CMI from a start that all weights share:
    what they cover, and what networks reach that learn them.

    about: salt and seed.
    """
    seed = about["seed"]
    trained, judge, begun = given.trained(seed, REAL), given.trained(seed, JUDGE), time.perf_counter()
    key = jax.random.fold_in(jax.random.key(seed), CONDENSE)
    made = given.condense(given.learn, given.many, key, concentration=weight, trained=trained)
    line = {"kind": "condensed support", "weight": weight, **about}
    line |= {"condensing_seconds": time.perf_counter() - begun}

    def features(params: PyTree, examples: Examples) -> np.ndarray:
        return np.asarray(layer_inputs(given.model, params, examples.inputs)[1])

    line["concentration"] = class_concentration(features(trained, made), made.targets)
    pixels = (x.inputs.reshape(len(x.inputs), -1) for x in (made, given.validation))
    line["precision"], line["recall"] = covered(*pixels)
    line["feature_precision"], line["feature_recall"] = covered(*(features(judge, x) for x in (made, given.validation)))
    models = given.fitted([made] * TRAININGS, RATE_OF_MANY, jax.random.fold_in(jax.random.key(seed), LEARN))
    return [line | {"test": reached(given, models, given.test)}]


def reached(given: Setting, models: list[PyTree], held_out: Examples) -> list[float]:
    """Accuracy of every model."""
    return [classified(given.model._replace(params=params), held_out)[0] for params in models]


def covered(rows: Float[np.ndarray, "n d"], real: Float[np.ndarray, "m d"]) -> tuple[float, float]:
    """(precision, recall) of the rows in the balls of the real ones."""
    distances, radii = distance_table(real, rows), squared_radii(real, NEAREST)
    return support_precision(distances, radii), support_recall(distances, radii)


def judged(lines: list[dict]) -> list[dict]:
    """Lines of what condensed images gain on both kinds of real ones, and one of what the weight does to recall."""
    out = []
    for each, kind in itertools.product(FEW, (RANDOM, CHOSEN)):
        some = results.select(lines, kind="condensed accuracy", each=each)
        real, made = (
            {(x["salt"], x["seed"]): float(np.mean(x["test"])) for x in results.select(some, images=name)}
            for name in (kind, CONDENSED)
        )
        gains = {pair: made[pair] - real[pair] for pair in made}
        if len(gains) > 1:
            of_splits = {salt: [x for (one, _), x in gains.items() if one == salt] for salt, _ in gains}
            error = np.std(list(gains.values()), ddof=1) / np.sqrt(len(gains))
            line = {"kind": "condensed gain", "each": each, "over": kind, "standard_error": float(error)}
            means = {"real": real.values(), "condensed": made.values(), "gain": gains.values()}
            line |= {name: float(np.mean(list(values))) for name, values in means.items()}
            out.append(line | {"of_splits": [float(np.mean(values)) for values in of_splits.values()]})
    rows = results.select(lines, kind="condensed support")
    if len({line["weight"] for line in rows}) > 1:
        weights = [line["weight"] for line in rows]
        order = {name: spearmanr(weights, [line[name] for line in rows])[0] for name in ("recall", "feature_recall")}
        out.append({"kind": "condensed dial"} | {f"spearman_{name}": float(rho) for name, rho in order.items()})
    return out


def write(workdir: str | Path) -> Path:
    """Writes the tables, workdir/report.md; its path."""
    lines, text = results.finished(workdir), []
    head = ["images a class", "real ones", "they reach", "condensed ones", "gain", "standard error", "of every split"]
    head += ["seconds of a condensation"]
    table = []
    for line in results.select(lines, kind="condensed gain"):
        seconds = _most(results.select(lines, kind="condensed accuracy", each=line["each"], images=CONDENSED))
        cells = (line[name] for name in ("real", "condensed", "gain", "standard_error"))
        splits = ", ".join(map(markdown.decimal, line["of_splits"]))
        table.append([str(line["each"]), line["over"], *map(markdown.decimal, cells), splits, seconds])
    text += [markdown.table(head, table)] if table else []
    head = ["weight of the CMI", "CMI, nats", *MEASURES.values(), "test accuracy", "seconds of a condensation"]
    table = []
    for weight in dict.fromkeys(line["weight"] for line in results.select(lines, kind="condensed support")):
        chosen = results.select(lines, kind="condensed support", weight=weight)
        means = (float(np.mean([line[name] for line in chosen])) for name in ("concentration", *MEASURES, "test"))
        table.append([f"{weight:g}", *map(markdown.decimal, means), _most(chosen)])
    text += [markdown.table(head, table)] if table else []
    for line in results.select(lines, kind="condensed dial"):
        of_pixels, of_features = (line[f"spearman_{name}"] for name in ("recall", "feature_recall"))
        text.append(f"Spearman of weight and recall: {of_pixels:.2f} of pixels, {of_features:.2f} of features.")
    return study.write_page(workdir, "\n\n".join(text) + "\n")


def _most(lines: list[dict]) -> str:
    return f"{max(line['condensing_seconds'] for line in lines):.0f}"


def main(argv: list[str]) -> None:
    given = {name: getattr(flags.FLAGS, name) for name in ("salts", "seed", "seeds", "learning_rate")}
    if not given["salts"] or len(set(given["salts"])) < len(given["salts"]):
        raise ValueError(f"--salts={','.join(given['salts'])}: expected one or more words, each once")
    configs = {
        salt: config_file.get_config(f"{flags.FLAGS.scale},condensed=True,salt={salt}") for salt in given["salts"]
    }
    if not flags.FLAGS.parts:
        raise ValueError(f"--parts is empty: expected {ACCURACY}, {SUPPORT} or both")
    parts = [one_of("--parts", part, (ACCURACY, SUPPORT)) for part in flags.FLAGS.parts]
    rates = dict.fromkeys(RATES, given["learning_rate"]) if given["learning_rate"] else RATES
    read = cache(lambda salt: setting(configs[salt], flags.FLAGS.data_dir, mesh.devices()))

    def measured(measure: Callable[..., list[dict]], which: float, about: dict, *more) -> list[dict]:
        return measure(read(about["salt"]), which, about, *more)

    def steps(lines: list[dict]) -> Iterator[Step]:
        seeds = range(given["seed"], given["seed"] + given["seeds"])
        for salt, seed in itertools.product(given["salts"], seeds):
            about = {"salt": salt, "seed": seed}
            for each in FEW if ACCURACY in parts else ():
                wanted = [{"kind": "condensed accuracy", "each": each, "images": name} | about for name in KINDS]
                yield Step(wanted, partial(measured, accuracies, each, about, rates))
            for weight in WEIGHTS if SUPPORT in parts else ():
                wanted = [{"kind": "condensed support", "weight": weight} | about]
                yield Step(wanted, partial(measured, support, weight, about))

    settings = configs[given["salts"][0]].condensation
    scale = "" if flags.FLAGS.scale == "small" else flags.FLAGS.scale
    about = {"name": "benchmark_condensed", "scale": scale, **given, "condensation": settings.to_dict()}
    about |= {"parts": parts, "rates": [[*kind, rate] for kind, rate in rates.items()], "steps": STEPS, "batch": BATCH}
    about |= {"trainings": TRAININGS, "moves": list(LITTLE), "many": [MANY[flags.FLAGS.scale], RATE_OF_MANY]}
    path = study.run(Study("condensed", about, steps, write, summaries=judged), flags.FLAGS.workdir)
    print(path.read_text(), end="")


if __name__ == "__main__":
    mesh.use_all_cores()
    flags.DEFINE_list(
        "parts",
        [ACCURACY, SUPPORT],
        "what is measured: beside real images, over weights of the CMI; a workdir is for one choice",
    )
    flags.DEFINE_enum("scale", "small", ("small", "tiny"), "of configs/images.py; tiny: images made in memory, a trial")
    flags.DEFINE_list("salts", ["d", "e", "f"], "of the splits into train pool, validation and test set; '' has none")
    flags.DEFINE_integer("seed", 3000, "the first; 0 to 9 are for development", lower_bound=0)
    flags.DEFINE_integer("seeds", 3, "how many", lower_bound=1)
    flags.DEFINE_float("learning_rate", 0.0, "for development: in place of those that were chosen", lower_bound=0.0)
    flags.DEFINE_string("workdir", "out/condensed", "folder of results.jsonl")
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    launch.run(main)
