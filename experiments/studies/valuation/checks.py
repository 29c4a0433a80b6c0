"""What a config of a valuation must be before work starts, and which configs extend another."""

import jax

from configs.common import one_of
from experiments import tasks
from experiments.runtime.overrides import fits, wanted
from experiments.runtime.results import select
from experiments.studies.valuation import beside, ground_truth, validation_sizes
from experiments.tasks.mixture import Spec
from experiments.tasks.task import Task
from experiments.training.sharded import check_batch
from valuation.methods import METHODS
from valuation.methods.method import choices
from valuation.problem import check_learner

MAY_BE_0 = ("pairs", "penalty")  # options: of sampled games, of gradient_matching
LEAST = 10  # held-out examples, below which no order can be told
TERMS_OF = ("score_scale_free", "score_disagreement")  # whose options make the terms of the ablation


def extends(old: dict, new: dict, lines: list[dict]) -> bool:
    """Whether a run of the config `old` may go on as one of `new`: with more methods or draws, another choice.

    lines: of the run. Methods and draws that have none may go again, as a method that refused the data; the options of
    those that have some must be the same. The validation sets of other sizes may change too. Memory changes no number.
    A key that there was not yet when the run was made may be 0 or empty, which is as it was.
    """
    free = {
        "methods",
        "options",
        "draws",
        "choice",
        "bootstrap",
        "memory",
        "available",
        "validation_sizes",
        "validation_methods",
    }
    new = as_before(old, new)
    methods, draws = ({line[field] for line in lines if field in line} for field in ("method", "draw"))
    valued = {line["method"] for line in select(lines, kind="values")}
    of_terms = TERMS_OF if select(lines, kind="terms") else ()
    return (
        old.keys() - free == new.keys() - free
        and all(old[key] == new[key] for key in old.keys() - free)
        and valued <= {*new["methods"]}
        and all(old["options"].get(name) == new["options"].get(name) for name in (*methods, *of_terms))
        and draws <= {*range(new["seed"], new["seed"] + new["draws"])}
    )


def as_before(old: dict, new: dict) -> dict:
    """The new config without the keys, of it and its groups, that the old one lacks and that are 0 or empty."""
    return {
        key: as_before(old[key], value) if isinstance(value, dict) and isinstance(old.get(key), dict) else value
        for key, value in new.items()
        if key in old or value
    }


def check(config) -> None:
    """Raises ValueError for values that could only fail later."""
    one_of("task", config.task, tuple(tasks.TASKS))
    one_of("truth", config.truth, ground_truth.TRUTHS)
    kind = tasks.OBJECTIVES[config.task]
    if len(set(config.methods)) < len(config.methods):
        raise ValueError(f"methods = {tuple(config.methods)}: expected each once")
    for name in (*config.methods, *config.options):
        one_of("method", name, tuple(METHODS))
        if refusal := METHODS[name].refusal(kind):
            raise ValueError(refusal)
    for name, options in config.options.items():
        known = tuple(METHODS[name].defaults())
        for option, given in options.items():
            one_of(f"option of {name}", option, known)
            if (allowed := choices(option, kind)) and given not in allowed:
                words = " or ".join(str(one) or "''" for one in allowed)
                raise ValueError(f"options.{name}.{option} = {given}, expected {words} in a task of {kind}")
            most = 1.0 if option in ("share", "penalty") else float("inf")
            if not isinstance(given, (str, bool)) and not (0 < given <= most or (given == 0 and option in MAY_BE_0)):
                raise ValueError(f"options.{name}.{option} = {given}, expected a positive number (a share: at most 1)")
    if config.choice not in config.methods:
        named = ", ".join(config.methods)
        raise ValueError(f"config.choice = {config.choice!r} is not in config.methods: expected one of {named}")
    for field in ("draws", "truth_seeds", "initialisations", "checkpoints", "bootstrap"):
        if config[field] < 1:
            raise ValueError(f"{field} = {config[field]}, expected at least 1")
    for field in ("steps", "batch", "learning_rate"):
        if not config.training[field] > 0:
            raise ValueError(f"training.{field} = {config.training[field]}, expected a positive number")
    pieces = config.training.get("pieces", 1)
    if pieces < 1 or config.training.batch % pieces:
        raise ValueError(
            f"training.pieces = {pieces} of a batch of {config.training.batch}: expected one of its divisors"
        )
    if config.training.get("sharded") and config.model.name != "decoder":
        check_batch(config.training.batch, jax.device_count(), pieces)
    if config.split.validation < LEAST:
        raise ValueError(f"split.validation = {config.split.validation}, expected at least {LEAST}")
    beside.check(config)
    validation_sizes.check(config, LEAST)
    for spec in config.contributors.explicit:
        for field, value in spec.items():
            one_of("field of a contributor", field, Spec._fields)
            if not fits(value, kind := Spec.__annotations__[field]):
                raise ValueError(f"contributors.explicit: {field} = {value!r}, expected {wanted(kind)}")
        if "size" not in spec:
            raise ValueError(f"contributors.explicit: {dict(spec)} has no size, expected how many examples it holds")
    given = [dict(spec).get("name", f"{i:02d}") for i, spec in enumerate(config.contributors.explicit)]
    if len(set(given)) < len(given):
        raise ValueError(f"contributors.explicit are named {', '.join(given)}: expected different names")
    count = len(config.contributors.explicit) or config.contributors.count
    if count < 3:
        raise ValueError(f"{count} contributors, expected at least 3: fewer have no order to speak of")


def check_task(config, task: Task) -> None:
    """Raises ValueError for too little held-out data, and for an objective other than tasks.OBJECTIVES says."""
    for name, held_out in (("validation", task.validation), ("test", task.test)):
        if len(held_out.inputs) < LEAST:
            raise ValueError(
                f"the {name} set has {len(held_out.inputs)} examples, expected at least {LEAST}: raise split.{name} "
                f"(what was left out: {task.notes})"
            )
    check_learner(task.learner)
    if task.objective.kind != tasks.OBJECTIVES[config.task]:
        raise ValueError(f"the task {config.task} is one of {task.objective.kind}, tasks.OBJECTIVES says otherwise")
