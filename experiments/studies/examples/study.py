"""Attribution of single examples: do scores foretell what models trained on parts of the examples say?"""

import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool

from experiments.data import digits8
from experiments.runtime import mesh, study
from experiments.runtime.results import select
from experiments.runtime.rng import generator
from experiments.runtime.study import Step, Study
from experiments.studies.examples import judge, report
from experiments.studies.examples.scorers import SCORERS, Given
from experiments.training.fit import fit
from experiments.training.recipe import Part, Recipe, adam
from models.functional import Model
from models.losses import cross_entropy
from models.mlp import mlp
from valuation.kernel import likelihoods, outputs
from valuation.outputs import margin
from valuation.problem import Examples

HALVES, TRAIN, SCORES, WRONG, PARTS = range(5)  # purposes of the key of a run
WAYS = ("without the best", "without the worst", "only the best")


class Data(NamedTuple):
    """Digits: those that are trained on, those that scores may look at, and those that nothing looks at before."""

    train: Examples
    validation: Examples
    test: Examples
    classes: int


class Learner(NamedTuple):
    """The model and its training."""

    model: Model
    recipe: Recipe


def run(config, workdir: str, data_dir: str | None) -> Path:
    """Does what config asks for and is not yet in workdir/results.jsonl, then writes the report; its path."""
    check(config)
    folder = Path(workdir) / "checkpoints"

    @functools.cache
    def data() -> Data:
        return Data(*digits8.load(config, data_dir))

    @functools.cache
    def learner() -> Learner:
        return learner_of(config, data())

    def steps(lines: list[dict]) -> Iterator[Step]:
        key = jax.random.key(config.seed)
        yield from halves(config, data, learner, key, folder, lines)
        yield from attributions(config, data, learner, key, folder, lines)
        yield from parts(config, data, learner, key, folder, lines)

    examples = Study(
        name="examples",
        config=config.to_dict(),
        steps=steps,
        write=report.write,
        notes=lambda: {"dataset": digits8.DATASETS[config.dataset], "trained on": len(data().train.inputs)},
    )
    return study.run(examples, workdir)


def check(config) -> None:
    """Raises ValueError for shares and numbers that cannot be."""
    if config.subsets < 3:
        raise ValueError(f"subsets = {config.subsets}, expected 3 or more: their order is compared")
    if not config.shares or not all(0 < share < 1 for share in config.shares):
        raise ValueError(f"shares = {tuple(config.shares)}, expected some shares between 0 and 1")
    if not 0 < config.wrong < 1:
        raise ValueError(f"wrong = {config.wrong}, expected a share between 0 and 1")


def learner_of(config, data: Data) -> Learner:
    """An MLP between the inputs and the classes."""
    shape = (int(np.prod(data.train.inputs.shape[1:])), *config.model.widths, data.classes)
    model = mlp(shape, jax.random.key(0))

    def loss(params, frozen, examples: Examples, key):
        return cross_entropy(model.apply(params, frozen, examples.inputs), examples.targets)

    return Learner(model, adam(loss, lambda key: mlp(shape, key).params, model.frozen, config.training))


def kept(config, count: int, key: jax.Array) -> Bool[np.ndarray, "S n"]:
    """The random halves: which of `count` examples each holds."""
    rng = generator(jax.random.fold_in(key, HALVES))
    return np.stack([rng.permutation(count) < count // 2 for _ in range(config.subsets)])


def trained(
    learner: Learner, sets: list, seeds: list[int], key: jax.Array, title: str, folder: Path, *, keep: bool = True
) -> list[Model]:
    """A model of every set and seed, set by set; all of one seed start alike and see their data in the same order.

    folder: of the trainings under way; keep: whether it stays, until the lines of a step are recorded.
    """
    keys = [jax.random.fold_in(jax.random.fold_in(key, TRAIN), seed) for _ in sets for seed in seeds]
    every = [one for one in sets for _ in seeds]
    params = fit(learner.recipe, every, keys, mesh=mesh.devices(), title=title, checkpoint=folder, keep=keep)
    return [learner.model._replace(params=one) for one in params]


def halves(config, data: Callable[[], Data], learner, key, folder: Path, lines: list[dict]) -> Iterator[Step]:
    """One step of all trainings on halves; a line a half and seed: the margin of every test example."""
    wanted = [
        {"kind": "half", "half": half, "seed": seed} for half in range(config.subsets) for seed in range(config.repeats)
    ]

    def make() -> list[dict]:
        train, begun = data().train, time.perf_counter()
        sets = [Part(train, np.flatnonzero(rows)) for rows in kept(config, len(train.inputs), key)]
        models = trained(learner(), sets, list(range(config.repeats)), key, "halves", folder / "halves")
        margins = [np.asarray(likelihoods(model, data().test, output=margin)) for model in models]
        seconds = (time.perf_counter() - begun) / len(wanted)
        made = zip(wanted, margins, strict=True)
        return [line | {"margins": list(np.round(one, 5)), "seconds": seconds} for line, one in made]

    yield Step(wanted, make, remake=({"kind": "half"},), scratch=folder / "halves")


def models_of(config, learner: Learner, train: Examples, key, folder: Path) -> list[Model]:
    """Models after equal shares of one training on all examples."""
    models = []
    for share in np.linspace(0, 1, config.checkpoints + 1)[1:]:  # a shorter training begins a longer one of one key
        short = learner.recipe._replace(steps=max(1, round(share * learner.recipe.steps)))
        whole = Learner(learner.model, short)
        models += trained(whole, [train], [0], key, "on all", folder / f"all-{short.steps}", keep=False)
    return models


def attributions(config, data, learner, key, folder: Path, lines: list[dict]) -> Iterator[Step]:
    """A step a method: its score on halves, and how well it finds wrong labels."""

    @functools.cache
    def clean() -> Given:
        models = models_of(config, learner(), data().train, key, folder / "clean")
        return given_of(config, models, data().train, data().test, data().classes, key)

    @functools.cache
    def spoilt() -> tuple[Given, np.ndarray]:
        train, wrong = with_wrong_labels(config, data(), key)
        models = models_of(config, learner(), train, key, folder / "spoilt")
        return given_of(config, models, train, data().validation, data().classes, key), wrong

    def foretold(name: str) -> list[dict]:
        given, begun = clean(), time.perf_counter()
        scores = SCORERS[name](given)
        seconds = time.perf_counter() - begun
        margins = by_half(lines, config)
        each = judge.datamodelling(scores, kept(config, len(scores), key), margins)
        span = judge.interval(each, config.bootstrap, np.random.default_rng(config.seed))
        return [
            {"kind": "attribution", "method": name, "lds": float(each.mean()), "interval": span, "seconds": seconds}
        ]

    def finding(name: str) -> list[dict]:
        given, wrong = spoilt()
        return [{"kind": "wrong labels", "method": name, "auc": judge.found(SCORERS[name](given).mean(1), wrong)}]

    for name in SCORERS:
        yield Step([{"kind": "attribution", "method": name}], functools.partial(foretold, name))
    for name in SCORERS:
        yield Step([{"kind": "wrong labels", "method": name}], functools.partial(finding, name))


def given_of(config, models: list[Model], train: Examples, query: Examples, classes: int, key) -> Given:
    """What methods are given."""
    return Given(models, config.training.learning_rate, train, query, classes, jax.random.fold_in(key, SCORES))


def by_half(lines: list[dict], config) -> np.ndarray:
    """(S, m): the margin of every test example by models of a half, mean over seeds."""
    return np.stack(
        [np.mean([x["margins"] for x in select(lines, kind="half", half=half)], 0) for half in range(config.subsets)]
    )


def with_wrong_labels(config, data: Data, key: jax.Array) -> tuple[Examples, Bool[np.ndarray, " n"]]:
    """The train examples with a share of their labels replaced by another class, and which."""
    rng, labels = generator(jax.random.fold_in(key, WRONG)), np.asarray(data.train.targets)
    wrong = np.zeros(len(labels), bool)
    wrong[rng.choice(len(labels), max(1, round(config.wrong * len(labels))), replace=False)] = True
    shift = rng.integers(1, data.classes, len(labels))
    targets = np.where(wrong, (labels + shift) % data.classes, labels).astype(np.int32)
    return data.train._replace(targets=targets), wrong


def parts(config, data, learner, key, folder: Path, lines: list[dict]) -> Iterator[Step]:
    """A step a method: what is lost when the best or the worst examples by it go, and by the best ones alone.

    Scores are means over the validation examples; models are tested on others.
    """

    @functools.cache
    def given() -> Given:
        models = models_of(config, learner(), data().train, key, folder / "clean")
        return given_of(config, models, data().train, data().validation, data().classes, key)

    def make(name: str, wanted: list[dict]) -> list[dict]:
        train, order = data().train, np.argsort(-SCORERS[name](given()).mean(1), kind="stable")
        sets, begun = [Part(train, rows_of(order, x["way"], x["share"])) for x in wanted], time.perf_counter()
        made = trained(learner(), sets, list(range(config.repeats)), key, f"parts by {name}", folder / "parts")
        right = [float((outputs(model, data().test.inputs).argmax(1) == data().test.targets).mean()) for model in made]
        each = np.array(right).reshape(len(sets), config.repeats)
        seconds = (time.perf_counter() - begun) / len(right)
        return [line | {"accuracy": list(one), "seconds": seconds} for line, one in zip(wanted, each, strict=True)]

    for name in SCORERS:
        wanted = [
            {"kind": "part", "method": name, "way": way, "share": share} for way in WAYS for share in config.shares
        ]
        yield Step(
            wanted,
            functools.partial(make, name, wanted),
            remake=({"kind": "part", "method": name},),
            scratch=folder / "parts",
        )


def rows_of(order: np.ndarray, way: str, share: float) -> np.ndarray:
    """Rows that are trained on. order: the best example first."""
    count = max(1, round(share * len(order)))
    rows = {WAYS[0]: order[count:], WAYS[1]: order[:-count], WAYS[2]: order[:count]}[way]
    return np.sort(rows)
