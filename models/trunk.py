"""A decoder cut in two: a trunk whose states are computed once and kept, and a top that is trained on them."""

import jax
from flax import nnx
from jaxtyping import Array, Float, Int

from models.decoder import Decoder, through
from models.functional import Model, functional


class Trunk(nnx.Module):
    """States before block number `block`: tokens (n, t) -> (n, t, d)."""

    def __init__(self, whole: Decoder, block: int):
        self.tok, self.blocks = whole.tok, nnx.List(list(whole.blocks)[:block])

    def __call__(self, tokens: Int[Array, "n t"]) -> Float[Array, "n t d"]:
        return through(self.blocks, self.tok(tokens))[0]


class Top(Decoder):
    """Logits of the next token from states: (n, t, d) -> (n, t, v), or at places, as of a Decoder.

    Of a tied head it holds the table.
    """

    def __init__(self, whole: Decoder, block: int):
        self.config = whole.config
        self.blocks = nnx.List(list(whole.blocks)[block:])
        self.norm, self.head = whole.norm, whole.head
        if whole.head is None:
            self.tok = whole.tok

    def __call__(self, h: Float[Array, "n t d"], places: Int[Array, "n k"] | None = None) -> Float[Array, "n k v"]:
        return self.logits(through(self.blocks, h.astype(self.norm.scale.dtype), places=places)[0])


def cut(model: Model, block: int) -> tuple[Model, Model]:
    """(trunk, top) of a decoder: top.apply of the trunk's states is the decoder's logits, to rounding.

    trunk: tokens (n, t) -> states before that block (n, t, d); nothing of it is trained, so all of it is frozen.
    top: states (n, t, d), of any floating-point type, counted from position 0 -> logits (n, t, v). Its params are those
    of the blocks from `block` on, numbered from 0, of the norm and the head; it can be captured, and adapted by
    with_lora. The table of a tied head is the head alone here: what the tokens read is the trunk's.
    block: from 0, the embedding alone is trunk, to the number of blocks, norm and head alone are top.
    Raises ValueError for another number, another model, and a decoder with LoRA: cut it first.
    """
    module = model.merged(model.params, model.frozen)
    if not isinstance(module, Decoder):
        raise ValueError(f"only a Decoder of models/decoder.py can be cut, got {type(module).__name__}")
    if jax.tree.leaves(model.frozen):
        raise ValueError("a decoder that is adapted cannot be cut: cut it first, then adapt the top")
    if not 0 <= block <= module.config.layers:
        raise ValueError(f"a decoder of {module.config.layers} blocks can be cut before 0 to that, got {block}")
    return functional(Trunk(module, block), nnx.LoRAParam), functional(Top(module, block))


def of_whole(params: dict, block: int) -> dict:
    """params of a top by their names in the decoder that was cut before that block: blocks.0 -> blocks.<block>.

    So LoRA that was trained on states goes into with_lora(decoder, ..., last=layers - block), which can write.
    """
    return params | {"blocks": {number + block: leaves for number, leaves in params.get("blocks", {}).items()}}
