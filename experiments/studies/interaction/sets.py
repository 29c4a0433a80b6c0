"""The strings of one draw: R real ones, twice as many of every source as a union takes, and the unions of them."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from configs.common import one_of
from experiments.runtime.rng import generator
from experiments.synthetic import composition
from experiments.synthetic.autoencoder import autoencoder
from experiments.synthetic.composition import LENGTH, Strings
from experiments.synthetic.mechanism import GENERATED
from experiments.tasks import own_data
from experiments.tasks.composition import PERMUTED, TEMPLATE, drawn_by
from experiments.tasks.task import Task
from valuation.problem import Examples, Problem
from valuation.union_surrogates import SURROGATES, no_unions
from valuation.unions import Layout, layout, taken

REAL = "real"  # further real strings
SOURCES = (REAL, TEMPLATE, PERMUTED, GENERATED)
ORDER, SOURCE, TRAIN, VALUES = range(4)  # purposes of the key of a draw
NOTHING = ""  # where a union has fewer than two sources


class Union(NamedTuple):
    """A training set: R real strings or none beside it, and as many strings of each of two sources, or NOTHING of one.

    Two of one source are different examples of it, A and A'.
    """

    beside: bool
    first: str = NOTHING
    second: str = NOTHING


class Drawn(NamedTuple):
    """The sets of a draw, R and then the sources, as a problem's contributors, and their blocks, whose order is that of
    the pool: R, and of every source two halves.
    """

    problem: Problem
    blocks: Layout
    sources: tuple[str, ...]


def sources_of(config) -> tuple[str, ...]:
    """Its sources in the order of SOURCES."""
    return tuple(name for name in SOURCES if name in config.sources)


def pairs(sources: Sequence[str]) -> list[tuple[str, str]]:
    """Every two of the sources, in their order."""
    return list(itertools.combinations(sources, 2))


def unions(sources: Sequence[str]) -> list[Union]:
    """Those that the interactions and contrasts of all pairs are made of."""
    beside = [(NOTHING, NOTHING), *((one, NOTHING) for one in sources), *pairs(sources)]
    alone = [*((one, one) for one in sources), *pairs(sources)]
    return [*(Union(True, *names) for names in beside), *(Union(False, *names) for names in alone)]


def drawn_of(config, task: Task, draw: int, real: int, data_dir: str | None, mesh: Mesh) -> Drawn:
    """The sets of a draw beside `real` real strings, of which fewer are the first of more.

    What is permuted are these real strings, and the generator has seen their digits alone; further real strings are
    others of the train pool.
    """
    key, pool = jax.random.key(draw), composition.strings_of(task.train)
    order = generator(jax.random.fold_in(key, ORDER)).permutation(len(pool.text))
    mine, most, count = pool.take(order[:real]), max(config.real_counts), 2 * config.size
    made = {REAL: pool.take(order[most : most + count])}
    names = sources_of(config)
    for number, name in enumerate(SOURCES):
        if name in names and name != REAL:
            own = jax.random.fold_in(jax.random.fold_in(key, SOURCE), number)
            made[name] = synthetic(config, name, config.sources[name], mine, count, own, data_dir, mesh)
    sets = [composition.examples_of(strings) for strings in (mine, *(made[name] for name in names))]
    problem = own_data.problem_of(
        ("R", *names), sets, task.validation, model=task.model, features=task.features, objective=task.objective,
        learner=task.learner, key=jax.random.fold_in(key, VALUES),
    )  # fmt: skip
    half = LENGTH * config.size
    return Drawn(problem, layout([len(one.targets) for one in sets], [[], *[[half]] * len(names)], key=None), names)


def synthetic(
    config, name: str, strength: float, real: Strings, count: int, key: jax.Array, data_dir: str | None, mesh: Mesh
) -> Strings:
    """So many strings that a source makes of the real ones.

    strength: jitter of the font, or temperature of the generator.
    """
    rest, own = jax.random.split(key)
    rng = generator(rest)
    if name == PERMUTED:
        return composition.permuted(real.take(np.resize(np.arange(len(real.text)), count)), rng)
    text = composition.texts(count, rng)
    if name == TEMPLATE:
        return composition.written(text, composition.rendered(strength, rng))
    digits = Examples(real.cells.reshape(-1, *real.cells.shape[2:], 1), real.text.reshape(-1))
    draw = autoencoder(config.composition.generator, digits, 10, data_dir, mesh)
    return composition.written(text, drawn_by(draw, strength, own))


def weights(drawn: Drawn, union: Union) -> Float[np.ndarray, " B"]:
    """1 for the blocks that are in a union, 0 for the others."""
    sizes = np.bincount(drawn.blocks.owner, drawn.blocks.counts).astype(int)
    amounts = {0: int(sizes[0])} if union.beside else {}
    for name in {union.first, union.second} - {NOTHING}:
        number = 1 + drawn.sources.index(name)
        amounts[number] = int(sizes[number]) // (1 if union.first == union.second else 2)
    return taken(drawn.blocks, amounts)


def check(config) -> None:
    """Raises ValueError for values that could only fail later."""
    if config.draws < 2 or config.repeats < 1:
        raise ValueError(f"draws = {config.draws}, repeats = {config.repeats}: expected 2 and 1 at least")
    if len(config.sources) < 2:
        raise ValueError(f"sources = {', '.join(config.sources) or 'none'}: expected two or more of {SOURCES}")
    for name in config.sources:
        one_of("source", name, SOURCES)
    if not config.surrogates or len(set(config.surrogates)) < len(config.surrogates):
        raise ValueError(f"surrogates = {tuple(config.surrogates)}: expected one or more, each once")
    needed, there = max(config.real_counts, default=0) + 2 * config.size, config.composition.strings.train
    if not config.real_counts or min(config.real_counts) < 1 or config.size < 1 or needed > there:
        raise ValueError(
            f"real_counts = {tuple(config.real_counts)}, size = {config.size}: the most real strings and twice a "
            f"source's size are {needed}, expected 2 to {there}, the strings of composition.strings.train"
        )
    examples = LENGTH * (max(config.real_counts) + 2 * config.size * len(config.sources))
    for name in config.surrogates:
        one_of("surrogate", name, SURROGATES["classification"])
        if refusal := no_unions(name, "classification", examples):
            raise ValueError(refusal)
