"""Effects of a treatment: which synthetic patients teach them as real ones do? The learner predicts the outcome from
covariates and treatment; its effect is the difference between both treatments.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from experiments.data import patients, splits
from experiments.data.table_rows import left_out, rows_of
from experiments.synthetic.patients import patients_by_copula, patients_in_parts
from experiments.synthetic.table_columns import Columns
from experiments.synthetic.tables_noise import noisy_rows
from experiments.tasks.own_tables import regressor, scales_of, vectors
from experiments.tasks.tables import GROUPS, NEAR, PARTS, check, other_numbers, quantiles, unseen
from experiments.tasks.task import Task
from models.functional import Model
from models.mlp import mlp
from theory.effects import LEARNERS, Effect, effect_errors
from theory.treatment import check_arms
from valuation.kernel import outputs
from valuation.objective import Regression
from valuation.problem import Examples

DEVIATIONS = "standard deviations of the outcome"  # in which the truth is measured


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The task of configs/effects.py whose truth is the error of the effects, in standard deviations of the outcome.

    data_dir: as in archives.data_folder. mesh: not used. Raises ValueError as tasks.tables.load does, and for a part of
    the split in which the treatment has one arm.
    """
    found = patients.read(config, data_dir)
    schema, rows = rows_of(found.frame, patients.OUTCOME, "number")
    treatment = found.treatment[rows.row]
    contents = [shown + b"%g" % arm for shown, arm in zip(rows.examples, treatment, strict=True)]
    parts = splits.split(contents, None, config.split)
    taken = {name: rows.take(index) for name, index in zip(PARTS, parts, strict=False)}
    check(schema, taken)
    scales = scales_of(taken["training"], taken["validation"], schema)
    learn, validation, test = (
        treated(vectors(scales, schema, name, one), found.treatment[one.row], name) for name, one in taken.items()
    )
    columns = Columns(len(schema.numeric), tuple(map(len, schema.categorical.values())))
    found_in, x = effects_of(learn), np.asarray(test.inputs[:, :-1], np.float64)
    learned = ", ".join(f"{name} {one.mean * scales.unit:.2f} ± {one.error * scales.unit:.2f}"
                        for name, one in found_in.items())  # fmt: skip
    floor = np.mean([*effect_errors(found_in, effects_of(test), x).values()])
    return causal_task(
        config,
        learn,
        validation,
        test,
        measure=pehe,
        mechanisms={
            "patients": patients_in_parts(columns, learn, GROUPS, jax.random.key(0)),
            "copula": patients_by_copula(columns, learn, jax.random.key(1)),
            "noise": noisy_patients(columns, learn),
        },
        strengths={"patients": (0.0, 0.5, 1.0), "copula": (0.0, 0.5, 1.0), "noise": (0.5, 1.0, 2.0)},
        notes={
            "dataset": found.says,
            "duplicates dropped": len(parts.dropped),
            f"mean effect of '{patients.TREATMENT}' in the train pool, by learner": f"{learned} {patients.UNIT}",
            "error of the effects that learners find in the train pool": f"{floor:.2f} {DEVIATIONS}",
            **left_out(schema),
            **unseen(schema, taken),
        },
    )


def causal_task(
    config, learn: Examples, validation: Examples, test: Examples, *, measure, mechanisms, strengths, notes
):
    """The Task of rows of covariates and treatment; arguments as its fields."""
    build = partial(mlp, (learn.inputs.shape[1], *config.model.widths, 1))
    model, recipe = regressor(build, config.training)
    sizes = " / ".join(str(len(part.inputs)) for part in (learn, validation, test))
    return Task(
        train=learn,
        validation=validation,
        test=test,
        groups=quantiles(np.asarray(learn.targets), GROUPS),
        objective=Regression(),
        mechanisms=mechanisms,
        strengths=strengths,
        corrupt_labels=other_numbers,
        model=model,
        recipe=recipe,
        learner="dense",
        features=np.asarray,
        measure=measure,
        metric="minus error of effects",
        count_near_duplicates=partial(splits.near_overlap, similarity=NEAR),
        near_rule=f"cosine similarity of the rows of at least {NEAR}",
        notes=notes | {"train / validation / test": sizes},
    )


def treated(examples: Examples, treatment: Float[np.ndarray, " n"], name: str) -> Examples:
    """The examples with the treatment as last number. name: of the part of the split, which the ValueError names, as it
    does the treatment's column, for one arm only or for other numbers than 0 and 1.
    """
    check_arms(treatment, f"{name}: the treatment {patients.TREATMENT!r}")
    return examples._replace(inputs=np.column_stack([examples.inputs, treatment]).astype(np.float32))


def effects_of(data: Examples) -> dict[str, Effect]:
    """What every learner of theory.effects makes of the rows."""
    x, y = np.asarray(data.inputs, np.float64), np.asarray(data.targets, np.float64)
    return {name: learner(x[:, :-1], x[:, -1], y) for name, learner in LEARNERS.items()}


def model_effects(model: Model, data: Examples) -> Float[np.ndarray, " n"]:
    """Predicted outcome with treatment less that without, of every row."""
    both = [np.column_stack([data.inputs[:, :-1], np.full(len(data.inputs), arm)]) for arm in (1, 0)]
    first, second = (outputs(model, rows.astype(np.float32))[:, 0].astype(np.float64) for rows in both)
    return first - second


def pehe(model: Model, data: Examples) -> tuple[float, float]:
    """(minus the mean over learners of the root mean squared difference of the model's effects and those that the
    learner finds in these real rows, mean squared error): the `measure` of the task.
    """
    effects, x = model_effects(model, data), np.asarray(data.inputs[:, :-1], np.float64)
    errors = [np.sqrt(np.square(effects - one.at(x)).mean()) for one in effects_of(data).values()]
    return -float(np.mean(errors)), mean_square(model, data)


def mean_square(model: Model, data: Examples) -> float:
    """Of the errors of the outcome."""
    return float(np.square(outputs(model, data.inputs)[:, 0].astype(np.float64) - data.targets).mean())


def noisy_patients(columns: Columns, real: Examples):
    """noisy_rows of the covariates; treatment and outcome stay."""
    mechanism = noisy_rows(columns, real._replace(inputs=real.inputs[:, :-1]))

    def made(examples: Examples, strength: float, key: jax.Array) -> Examples:
        noisy = mechanism(examples._replace(inputs=examples.inputs[:, :-1]), strength, key)
        return noisy._replace(inputs=np.column_stack([noisy.inputs, examples.inputs[:, -1]]).astype(np.float32))

    return made
