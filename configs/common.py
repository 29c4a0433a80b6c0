"""Options of a config file, written after its colon: --config=configs/images.py:small,draws=5."""

import difflib

import ml_collections


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


def one_of(what: str, name: str, known: tuple[str, ...]) -> str:
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
