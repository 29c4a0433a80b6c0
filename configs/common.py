"""Options of a config file, written after its colon: --config=configs/images.py:small,draws=5."""

import difflib
from collections.abc import Collection

import ml_collections


def valuation(name: str, options: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    """What the config of every valuation begins with, from the options that `valuation_arg` read."""
    config = ml_collections.ConfigDict()
    config.name = config.task = name
    config.experiment = "valuation"
    config.scale = options.scale
    config.seed = options.seed  # of the first draw; 0-9 are for development, tables use 3000 and on with salt=b
    config.draws = options.draws
    config.truth, config.truth_seeds = options.truth, options.truth_seeds
    config.beside = options.beside  # real examples that stand beside every contributor, of truth=added
    config.checkpoints = 3  # of one training on the union, for the methods that look at those
    config.zipf = 1.0  # exponent of the frequencies of the groups in a truncated synthetic part
    config.examples = 600  # of a data set made in memory
    config.methods = ()  # of valuation.methods.METHODS; (): the default table of the task
    config.choice = "surrogate"  # the method that reports recommend by, and compare the others with
    config.options = {}  # of methods, where they are not the defaults: {"rbf_utility": {"ridge": 0.1}, ...}
    config.validation_sizes = ()  # at which values are made too, of those that the validation set has examples for
    config.validation_methods = ()  # of these values; (): config.choice and a few that cost little
    config.bootstrap = 2000
    config.memory = 0  # bytes that a chunk of gradients or likelihoods may take on a device; 0: the methods' budgets
    config.available = 0  # bytes that the values may take in all; 0: what is free on the machine
    return config


def contributors(options: ml_collections.ConfigDict, *, size: tuple[int, int], **axes: tuple) -> dict:
    """config.contributors: what a draw of contributors chooses from; see configs/schema.py.

    size: smallest and largest, unless the options give all one size. axes: `mechanism` and `kept` of the task.
    """
    return {
        "count": options.contributors,
        "explicit": (),  # instead of a draw: ({"name": ..., "size": ..., other fields of mixture.Spec}, ...)
        "axes": {
            "size": (options.size, options.size) if options.size else size,
            "real_share": (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0),
            "label_noise": (0.0, 0.0, 0.0, 0.1, 0.2, 0.4),
            "duplicates": (0.0, 0.0, 0.0, 0.3, 0.6),
            **axes,
        },
    }


def along(options: ml_collections.ConfigDict, axes: dict[str, tuple[str, tuple, dict]]) -> tuple[dict, ...]:
    """Explicit contributors that differ from a common one in one thing only, a group of them for every axis.

    options: their scale, and the size of the common one; 0: 500, of tiny 50. axes: name -> (the field of mixture.Spec
    that is varied, its values, fields that all of that axis have beside); of tiny the sizes are other ones. Their names
    are "axis: value", by which experiments.studies.valuation.axes groups them.
    """
    size = options.size or 500
    if options.scale == "tiny":
        size, axes = options.size or 50, axes | {"size": ("size", (10, 20, 40, 60, 80, 100), {})}
    return tuple(
        {"size": size, **beside, field: value, "name": f"{name}: {value:g}"}
        for name, (field, levels, beside) in axes.items()
        for value in levels
    )


def shrink(config: ml_collections.ConfigDict, *, given: int, size: tuple[int, int], rank: int, dimensions: int) -> None:
    """What `tiny` makes smaller in the config of every valuation.

    given: the option `size`; 0: contributors have `size` from smallest to largest. rank, dimensions: of LoGra and TRAK.
    """
    if not given:
        config.contributors.axes.size = size
    config.initialisations = config.checkpoints = 1
    config.options = {"logra": {"rank": rank}, "trak": {"dimensions": dimensions}}
    config.bootstrap = 200


def shrink_rows(config: ml_collections.ConfigDict, options: ml_collections.ConfigDict, *, numbers: bool) -> None:
    """What `tiny` makes smaller where rows of a table are learned. numbers: whether the target is a number."""
    config.examples = 260
    config.split.update({"validation": 40, "test": 60})
    config.validation_sizes = (20,)
    config.model.widths, config.training.steps = (8,), 30
    shrink(config, given=options.size, size=(20, 80), rank=8, dimensions=64)
    if numbers:
        del config.options.trak  # which takes no numbers


def repeated(name: str, options: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    """What the config of a study begins with that is repeated over seeds."""
    config = ml_collections.ConfigDict({"name": name, "experiment": name, "scale": options.scale})
    config.seed = options.seed
    config.repeats = options.repeats
    return config


def valuation_arg(arg: str | None, *, contributors: int, **defaults) -> ml_collections.ConfigDict:
    """The options of a valuation: those of every task, and the task's defaults; `tiny` is smaller."""
    tiny = (arg or "").startswith("tiny")
    shared: dict[str, int | str] = {"draws": 1, "seed": 1000, "contributors": 6 if tiny else contributors, "size": 0}
    shared |= {"truth_seeds": 2 if tiny else 3, "truth": "own_set", "beside": 100, "salt": ""}
    return parse_arg(arg, scales=("tiny", "small", "paper"), **shared, **defaults)


def tables(add) -> None:
    """The tables of the gallery: mixed sizes, then one size for all, then what is lost without each."""
    add("mixed", "small,draws=5,seed=3000,salt=b")
    add("equal", "small,draws=5,seed=3000,salt=b,size=500")
    add("leave-one-out", "small,draws=5,seed=3000,salt=b,truth=leave_one_out")


def parse_arg(arg: str | None, *, scales: tuple[str, ...], **defaults) -> ml_collections.ConfigDict:
    """The chosen scale and options, as a locked ConfigDict with the keys `scale` and those of `defaults`.

    arg: what stands after the colon, "scale,key=value,..."; None or "" means "small" where there is one.
    defaults: the options that this config knows; each given value is read as the type of its default.
    Raises ValueError for an unknown scale or key (with the nearest known name) and for a value of another type.
    """
    options = ml_collections.ConfigDict({"scale": "small" if "small" in scales else scales[0], **defaults})
    for position, item in enumerate(filter(None, (part.strip() for part in (arg or "").split(",")))):
        key, equals, text = item.partition("=")
        if not equals and position == 0:
            options.scale = one_of("scale", key, scales)
        elif not equals:
            raise ValueError(f"option {item!r} has no value: write {item}=..., known options: {', '.join(defaults)}")
        else:
            one_of("option", key, tuple(defaults))
            options[key] = _read(key, text, defaults[key])
    return options.lock()


def one_of(what: str, name: str, known: Collection[str]) -> str:
    """The name itself if it is known. Raises ValueError with the nearest known name otherwise."""
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"unknown {what} {name!r}: {hint}known: {', '.join(known) or 'none'}")


def _read(key: str, text: str, default):
    if isinstance(default, bool):
        return one_of(f"value of {key}", text, ("True", "False", "true", "false", "1", "0")) in ("True", "true", "1")
    try:
        return type(default)(text)
    except ValueError:
        wanted = type(default).__name__
        raise ValueError(f"option {key}={text}: expected {wanted}, such as {key}={default}") from None
