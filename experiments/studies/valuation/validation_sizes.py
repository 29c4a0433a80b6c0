"""Values by fewer validation examples: how many of them an order needs."""

from collections.abc import Iterator

import jax

from configs.common import one_of
from experiments.runtime.rng import generator
from experiments.runtime.study import Step
from experiments.tasks import OBJECTIVES
from valuation.methods import METHODS
from valuation.methods.method import Method
from valuation.problem import Problem

KIND = "validation values"
BESIDE_CHOICE = ("linear_utility", "knn_utility", "ngram_utility")  # a few that cost little


def is_cheap(method: Method) -> bool:
    """Whether it may be asked for at many sizes: it looks at validation targets and trains nothing."""
    return method.labels and not (method.trains or method.checkpoints)


def default_methods(kind: str, choice: str) -> tuple[str, ...]:
    """The method of choice and a few cheap ones, of those that take that kind of objective and train nothing."""
    known = (METHODS[name] for name in dict.fromkeys((choice, *BESIDE_CHOICE)) if name in METHODS)
    return tuple(m.name for m in known if is_cheap(m) and not m.refusal(kind) and kind not in m.left_out)


def check(config, least: int) -> None:
    """Raises ValueError for methods that cannot be asked, and for sets smaller than `least`."""
    for name in config.validation_methods:
        one_of("method", name, tuple(METHODS))
        if refusal := METHODS[name].refusal(OBJECTIVES[config.task]):
            raise ValueError(f"validation_methods: {refusal}")
        if not is_cheap(METHODS[name]):
            raise ValueError(
                f"validation_methods has {name}, expected methods that look at validation labels and train nothing: "
                "they are asked again for every size"
            )
    for size in config.validation_sizes:
        if size < least:
            raise ValueError(f"validation_sizes has {size}, expected at least {least} examples")


def subsets(problem: Problem, sizes: tuple[int, ...], key: jax.Array) -> dict[int, Problem]:
    """Size -> the problem with that many of its validation examples, for the sizes that it has.

    The examples are drawn by the key, and every set holds the smaller ones.
    """
    available = len(problem.validation.inputs)
    order = generator(key).permutation(available)
    return {n: problem._replace(validation=problem.validation.take(order[:n])) for n in sizes if n <= available}


def steps(config, problem: Problem, draw: int, key: jax.Array) -> Iterator[Step]:
    """One step a draw, of a line a method and size; none where the config asks for no size."""
    problems = subsets(problem, config.validation_sizes, key)
    about = {"kind": KIND, "draw": draw}
    pairs = [(name, n) for n in problems for name in config.validation_methods]
    lines = [about | {"method": name, "examples": n} for name, n in pairs]

    def make() -> list[dict]:
        valued = [_valued(config, problems[n], name) for name, n in pairs]
        return [line | values for line, values in zip(lines, valued, strict=True)]

    if lines:
        yield Step(lines, make, remake=(about,))


def _valued(config, problem: Problem, name: str) -> dict:
    assert problem.shared is not None  # one_draw gives it
    values, seconds = problem.shared.timed(lambda: METHODS[name](problem, **config.options.get(name, {})))
    return {"values": list(values), "seconds": seconds}
