"""Rows whose effect is chosen: contributors with hidden causes, or another effect, have a worth known on paper.

A contributor of n_s synthetic rows among n teaches an effect that is off by n_s/n times the bias of these. Minus the
size of that is its worth, but for the noise of learning, which n decides.
"""

from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from experiments.data import patients
from experiments.data.table_rows import left_out, rows_of
from experiments.runtime.rng import generator
from experiments.synthetic.causal_tables import Causes, Drawn, causal_rows
from experiments.synthetic.tables_copula import Copula, fit
from experiments.tasks.effects import causal_task, effects_of, mean_square, model_effects
from experiments.tasks.task import Task
from models.functional import Model
from theory.effects import hidden_bias
from valuation.problem import Contributor, Examples

HIDDEN = (0.0, 0.3, 0.6, 0.9)  # rho of contributors
EFFECTS = (-1.0, 0.0, 0.5, 1.0)  # of contributors, in units of the true one
PARTS = ("train", "validation", "test")


class Setting(NamedTuple):
    """Rows of a chosen effect are drawn from these.

    copula: of covariates that go together as those of config.dataset do. causes: of treatment and outcome. says: where
    the covariates come from. notes: facts about them for the report.
    """

    copula: Copula
    causes: Causes
    says: str
    notes: dict[str, str]


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The task of configs/effects.py with data=known: covariates go together as those of config.dataset do.

    The learner sees their normal scores, in which outcome and treatment are linear. Truth: minus the root mean squared
    error of its effects, in units of the outcome's noise. data_dir: as in archives.data_folder. mesh: not used.
    """
    copula, causes, says, notes = setting(config, data_dir)
    sizes = (config.examples, config.split.validation, config.split.test)
    drawn = [
        causal_rows(copula, causes, n, 0.0, generator(key)) for n, key in zip(sizes, _keys(config)[2:], strict=True)
    ]
    learn, validation, test = map(examples_of, drawn)
    paper = ", ".join(f"{rho:g}: {hidden_bias(drawn[0].probit, rho, causes.spread):.2f}" for rho in HIDDEN)
    learned = ", ".join(f"{name} {one.mean:.2f} ± {one.error:.2f}" for name, one in effects_of(learn).items())
    return causal_task(
        config,
        learn,
        validation,
        test,
        measure=partial(error_of_effect, causes.effect),
        mechanisms={"hidden": partial(_hidden, copula, causes), "effect": partial(_with_effect, copula, causes)},
        strengths={"hidden": HIDDEN, "effect": EFFECTS},
        notes={
            "dataset": f"causes that are chosen, covariates as in {says}",
            "mean effect in the train pool, by learner": f"{learned}; the true one is {causes.effect:g}",
            "bias of the effect on paper, by rho": paper,
            **notes,
        },
    )._replace(paper_worth=partial(paper_worth, causes, drawn[0].probit))


def setting(config, data_dir: str | None) -> Setting:
    """Of configs/effects.py with data=known. data_dir: as in archives.data_folder. Raises as rows_of does."""
    found, keys = patients.read(config, data_dir), _keys(config)
    schema, rows = rows_of(found.frame, patients.OUTCOME, "number")
    copula = fit(np.column_stack([rows.numbers, rows.categories]).astype(np.float64), generator(keys[0]))
    causes = causes_of(config.causes, copula.values.shape[1], generator(keys[1]))
    return Setting(copula, causes, found.says, left_out(schema))


def paper_worth(causes: Causes, probit: Float[np.ndarray, " n"], contributor: Contributor) -> float:
    """Minus how far off the effect is that a contributor's rows teach on average, in spreads of the outcome's noise.

    Its synthetic rows are off by hidden_bias, or by what their effect is more than the true one; those of both signs
    make up for each other. probit: of rows like all, as in hidden_bias. theory/README.md, section 6.
    """
    origin, off = contributor.origin, 0.0
    for mechanism, strength in {*zip(origin.mechanism.tolist(), origin.strength.tolist(), strict=True)}:
        rows = (origin.mechanism == mechanism) & (origin.strength == strength) & ~contributor.real
        if mechanism == "hidden":
            off += rows.mean() * hidden_bias(probit, strength, causes.spread)
        if mechanism == "effect":
            off += rows.mean() * (strength - 1) * causes.effect
    return -abs(float(off))


def causes_of(chosen, count: int, rng: np.random.Generator) -> Causes:
    """The causes of `count` covariates: directions that are drawn, lengths that are chosen.

    chosen: `effect`, `treatment` and `outcome` (lengths of a and b), `spread`, of config.causes.
    """
    a, b = (rng.normal(size=count) for _ in range(2))
    a, b = chosen.treatment * a / np.linalg.norm(a), chosen.outcome * b / np.linalg.norm(b)
    return Causes(0.0, a, b, chosen.spread, chosen.effect)


def examples_of(drawn: Drawn) -> Examples:
    """Normal scores and treatment as inputs, the outcome as target."""
    inputs = np.column_stack([drawn.scores, drawn.treatment]).astype(np.float32)
    return Examples(inputs, drawn.outcome.astype(np.float32))


def error_of_effect(effect: float, model: Model, data: Examples) -> tuple[float, float]:
    """(minus the root mean squared error of the model's effects, mean squared error): the `measure` of the task."""
    return -float(np.sqrt(np.square(model_effects(model, data) - effect).mean())), mean_square(model, data)


def _keys(config) -> jax.Array:
    """Of the copula, the causes and each of PARTS."""
    return jax.random.split(jax.random.key(config.causes.seed), 2 + len(PARTS))


def _hidden(copula: Copula, causes: Causes, examples: Examples, strength: float, key: jax.Array) -> Examples:
    return examples_of(causal_rows(copula, causes, len(examples.inputs), strength, generator(key)))


def _with_effect(copula: Copula, causes: Causes, examples: Examples, strength: float, key: jax.Array) -> Examples:
    other = causes._replace(effect=strength * causes.effect)
    return examples_of(causal_rows(copula, other, len(examples.inputs), 0.0, generator(key)))
