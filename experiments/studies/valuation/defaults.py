"""What a config of a valuation leaves open: methods of tables and figures, and every option of every method."""

from experiments.studies.valuation import validation_sizes
from experiments.tasks import OBJECTIVES, budget
from valuation.methods import METHODS, default_methods
from valuation.methods.method import REDUCTION_OF_TRUTH


def complete(config) -> None:
    """Fills config.methods and config.validation_methods where they are empty, and in config.options whatever it does
    not say, from METHODS.

    Of all methods that take the task's objective, so that overrides may set any option and choose any method; what
    the config says stays. Nothing happens to a config that is complete. An unknown task or truth is left to `check`.
    """
    if config.task not in OBJECTIVES or config.truth not in REDUCTION_OF_TRUTH:
        return
    kind = OBJECTIVES[config.task]
    with config.unlocked():
        config.methods = tuple(config.methods) or default_methods(kind, budget.examples(config))
        cheap = validation_sizes.default_methods(kind, config.choice)
        config.validation_methods = tuple(config.validation_methods) or cheap
        for name, method in METHODS.items():
            if not method.refusal(kind):
                config.options[name] = {**method.defaults(config.truth), **config.options.get(name, {})}
