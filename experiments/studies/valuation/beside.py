"""What a contributor is worth beside real data that are there: the set R of truth=added, and values of unions."""

import jax
import numpy as np
from jaxtyping import Float

from experiments.studies.valuation.ground_truth import ADDED
from experiments.tasks import mixture
from valuation.methods import GAMES
from valuation.methods.method import Method
from valuation.problem import Contributor, Examples, Problem

NAME = "R"


def check(config) -> None:
    """Raises ValueError unless R has examples, where the truth needs it, and for games between unions with R."""
    if config.truth == ADDED and config.beside < 1:
        raise ValueError(
            f"beside = {config.beside}, expected at least 1: the real examples that truth={ADDED} begins with"
        )
    games = [name for name in config.methods if name in GAMES]
    if config.truth == ADDED and games:
        raise ValueError(
            f"methods: {games[0]} with truth={ADDED}: a coalition of nobody would lack R, which every contributor "
            "holds here, so that R would be credited to whoever comes first: take another method, or "
            "truth=leave_one_out"
        )


def count(config) -> int:
    """How many real examples stand beside each contributor; 0 for another truth."""
    return config.beside if config.truth == ADDED else 0


def base(config, train: Examples, key: jax.Array) -> Contributor | None:
    """R, config.beside different real examples of the train pool, one set for a draw; None for another truth.

    Raises ValueError for more than the train pool has.
    """
    if config.truth != ADDED:
        return None
    return mixture.real_set(key, train, config.beside, f"{NAME} (config.beside = {config.beside})")


def offered(contributors: tuple[Contributor, ...], base: Contributor | None) -> tuple[Contributor, ...]:
    """What methods value: R with each contributor, or without R the contributors themselves."""
    return contributors if base is None else tuple(mixture.union(base, one) for one in contributors)


def values(method: Method, problem: Problem, base: Contributor | None, options: dict) -> Float[np.ndarray, " C"]:
    """The method's values of a problem of such contributors; in a unit of utility: what they add to the value of R.

    Within a draw the value of R is a constant, so that the order is that of the unions. A value that is nothing but an
    order, such as a score over its spread across contributors, is left as it is.
    """
    worth = method(problem, **options)
    if base is None or problem.objective.kind not in method.predicts:
        return worth
    return worth - method(problem._replace(contributors=(base,)), **options)
