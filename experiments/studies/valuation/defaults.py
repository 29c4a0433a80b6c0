"""What a config of a valuation leaves open: the methods of the default table, and every option of every method."""

from experiments.tasks import OBJECTIVES
from valuation.methods import METHODS, default_methods
from valuation.methods.method import REDUCTION_OF_TRUTH


def complete(config) -> None:
    """Fills config.methods where it is empty, and in config.options whatever it does not say, from METHODS.

    Of all methods that take the task's objective, so that overrides may set any option and choose any method; what
    the config says stays. Nothing happens to a config that is complete. An unknown task or truth is left to `check`.
    """
    if config.task not in OBJECTIVES or config.truth not in REDUCTION_OF_TRUTH:
        return
    kind = OBJECTIVES[config.task]
    with config.unlocked():
        config.methods = tuple(config.methods) or default_methods(kind, most_examples(config))
        for name, method in METHODS.items():
            if not method.refusal(kind):
                config.options[name] = {**method.defaults(config.truth), **config.options.get(name, {})}


def most_examples(config) -> int:
    """How many examples the contributors may have together."""
    if config.contributors.explicit:
        sizes = [dict(fields).get("size", 0) for fields in config.contributors.explicit]
        return sum(size for size in sizes if isinstance(size, int))
    return config.contributors.count * int(max(config.contributors.axes.size, default=0))
