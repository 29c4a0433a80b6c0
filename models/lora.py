"""LoRA on chosen dense layers of a decoder: a few parameters that are trained or valued, beside weights that stay."""

from collections.abc import Sequence

import jax
from flax import nnx

from models.functional import Model, functional
from models.layers import Dense, LoRA


def with_lora(
    model: Model, names: Sequence[str], *, rank: int, scale: float = 1.0, last: int | None = None, key: jax.Array
) -> Model:
    """The decoder with x @ kernel + scale * (x @ down) @ up in each block's layers of these names, such as q and v.

    params are down and up alone, all else is frozen; up is 0, so that nothing changes before training.
    last: only that many blocks are adapted, those next to the output; gradients then stop there. None: all.
    Raises ValueError for a rank or `last` below 1 and a name that is not one of a block's dense layers.
    """
    if rank < 1 or (last is not None and last < 1):
        raise ValueError(f"the rank and the number of blocks must be at least 1, got {rank} and {last}")
    module, rngs = model.merged(model.params, model.frozen), nnx.Rngs(key)
    for block in list(module.blocks)[-last if last else None :]:
        dense = sorted(name for name, part in vars(block).items() if isinstance(part, Dense))
        for name in names:
            if name not in dense:
                raise ValueError(f"{name!r} is no dense layer of a block: expected some of {', '.join(dense)}")
            setattr(block, name, LoRA(getattr(block, name), rank, scale=scale, rngs=rngs))
    return functional(module, nnx.LoRAParam)


def without_lora(model: Model) -> Model:
    """The decoder with every correction added to the weights beside it, all of them params: the same logits."""
    module = model.merged(model.params, model.frozen)
    for block in module.blocks:
        for name, part in [*vars(block).items()]:
            if isinstance(part, LoRA):
                correction = part.scale * part.down.kernel[...] @ part.up.kernel[...]
                part.base.kernel[...] = part.base.kernel[...] + correction.astype(part.base.kernel.dtype)
                setattr(block, name, part.base)
    return functional(module)
