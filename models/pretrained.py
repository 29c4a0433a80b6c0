"""Pretrained decoders of the Llama and Qwen families, from a GGUF file or a Hugging Face folder.

Files are mapped, not read; tensors are converted one by one, so that memory stays near that of the weights.
Reading here is the agreed exception to models/ not touching the disk.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tokenizers import Tokenizer

from models import gguf_files, hugging_face
from models import tokenizer as texts
from models.checkpoint import read_json
from models.decoder import Config, outline
from models.functional import Model
from models.shards import Stored, stored

ROTARY_BUFFER = "rotary_emb.inv_freq"  # end of the name of a tensor that old files keep beside the weights


class Pretrained(NamedTuple):
    """A decoder with its weights in model.params, and what turns text into its tokens and back.

    special: "eos", and "bos", "unk", "pad" where the tokenizer names them -> number.
    template: the chat template in Jinja, as it stands in the file, or None.
    ends: every token that the files declare to end a text or a turn, in order; "eos" is one of them.
    """

    model: Model
    tokenizer: Tokenizer
    config: Config
    special: dict[str, int]
    template: str | None
    ends: tuple[int, ...]


def from_gguf(path: str | Path, *, dtype: Any = jnp.float32, place: Callable = jnp.array) -> Pretrained:
    """The decoder of a GGUF file, dequantised to dtype: architectures llama, qwen2, qwen3.

    Rotary positions may be stretched by a factor or as in Llama 3.1.
    place: one tensor in the host's memory -> jax.Array, such as one whose parts lie on several devices.
    Raises FileNotFoundError, and ValueError for a file that is damaged, another architecture, a key that is missing or
    asks for what is not implemented, a tokenizer that is not supported or incomplete, and a tensor that is missing,
    unexpected, of the wrong shape, of an unknown type or not finite, as it stands in the file or as dtype.
    """
    path = Path(path)
    reader = gguf_files.opened(path)
    get, config = gguf_files.metadata(reader, path), gguf_files.config_of(reader, path)
    tokenizer, special, ends = texts.from_metadata(get, reader.fields.keys(), path), *texts.metadata_special(get)
    texts.check(tokenizer, special, ends, config.vocabulary, path)
    template = get("tokenizer.chat_template", None)
    reader.fields.clear()  # an array object for every token: as large as half of the weights
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    tensors.pop(gguf_files.ROPE_FREQS, None)  # read into the config
    shapes = {name: tuple(map(int, tensor.shape[::-1])) for name, tensor in tensors.items()}
    weights = Stored(shapes, lambda name: gguf_files.numbers(tensors[name], path))
    model = _filled(config, weights, gguf_files.NAMES, path, dtype, place)
    return Pretrained(model, tokenizer, config, special, template, ends)


def gguf_tokenizer(path: str | Path) -> Tokenizer:
    """The tokenizer of a GGUF file; no weight is read. Errors as in from_gguf, as far as they are not the weights'."""
    path = Path(path)
    reader = gguf_files.opened(path)
    return texts.from_metadata(gguf_files.metadata(reader, path), reader.fields.keys(), path)


def from_folder(path: str | Path, *, dtype: Any = jnp.float32, place: Callable = jnp.array) -> Pretrained:
    """The decoder of a Hugging Face folder: config.json, tokenizer.json, *.safetensors; Llama, Qwen2, Qwen3.

    path: the folder; dtype: of the weights; place and errors as in from_gguf. A tied model may hold its head a second
    time, if it is the same.
    """
    folder = Path(path)
    config = hugging_face.config_of(read_json(folder / "config.json"), str(folder / "config.json"))
    tokenizer = texts.from_file(folder / "tokenizer.json")
    special, ends = texts.folder_special(folder, tokenizer)
    texts.check(tokenizer, special, ends, config.vocabulary, folder)
    shapes, read = stored(folder)
    shapes = {name: shape for name, shape in shapes.items() if not name.endswith(ROTARY_BUFFER)}
    head, table = (hugging_face.NAMES[name] for name in ("head.kernel", "tok.embedding"))
    if config.tied and head in shapes and table in shapes:
        same = shapes.pop(head) == shapes[table] and np.array_equal(read(head), read(table))
        if not same:
            raise ValueError(f"{folder}: config.json ties the head to {table}, but {head} differs from it: which one?")
    model = _filled(config, Stored(shapes, read), hugging_face.NAMES, folder, dtype, place)
    return Pretrained(model, tokenizer, config, special, texts.folder_template(folder), ends)


def _filled(config: Config, weights: Stored, names: dict, source: Path, dtype, place: Callable) -> Model:
    """The decoder with the tensors that weights.read gives, after all names and shapes have been compared."""
    model, (shapes, read), dtype = outline(config), weights, jax.dtypes.canonicalize_dtype(dtype)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"weights are floating-point numbers: expected such a type, float32 or bfloat16, got {dtype}")
    leaves, structure = jax.tree.flatten_with_path(model.params)
    wanted = [(_name(path, names), path[-1].key == "kernel", leaf.shape) for path, leaf in leaves]
    for name, turned, shape in wanted:
        shape = shape[::-1] if turned else shape
        if shapes.get(name) != shape:
            instead = f"found {shapes[name]}" if name in shapes else "it is missing"
            raise ValueError(f"{source}: tensor {name} of shape {shape} was expected, {instead}")
    if others := sorted(shapes.keys() - {name for name, _, _ in wanted}):
        more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
        raise ValueError(f"{source}: tensor {others[0]}{more} was not expected, {len(wanted)} others were")
    filled: list = [None] * len(wanted)
    for i in sorted(range(len(wanted)), key=lambda i: -leaves[i][1].size):  # the largest while the rest is not there
        name, turned, _ = wanted[i]
        tensor = read(name)
        filled[i] = place(_cast(tensor.T if turned else tensor, name, dtype, source))
    return model._replace(params=jax.tree.unflatten(structure, filled))


def _cast(tensor: np.ndarray, name: str, dtype, source: Path) -> np.ndarray:
    """The tensor as dtype. Raises ValueError that names it where it is not finite, there or here."""
    with np.errstate(over="ignore"):
        cast = np.asarray(tensor, dtype)
    if _finite(cast):
        return cast
    if _finite(tensor):
        largest = float(max(tensor.max(), -tensor.min()))
        raise ValueError(f"{source}: tensor {name} holds {largest:.4g}, too much for {np.dtype(dtype)}: take float32")
    raise ValueError(f"{source}: tensor {name} holds NaN or infinite values: is the file damaged, or a merge broken?")


def _finite(tensor: np.ndarray) -> bool:
    """Both ends decide, as NaN is the least and the greatest of what it stands among; no array of bools is made."""
    with np.errstate(invalid="ignore"):
        return bool(np.isfinite(tensor.min()) and np.isfinite(tensor.max()))


def _name(path: tuple, names: dict) -> str:
    """The tensor's name in the file: blocks.3.q.kernel -> blk.3.attn_q.weight."""
    keys = [str(key.key) for key in path]
    if keys[0] != "blocks":
        return names[".".join(keys)]
    return f"{names['blocks']}.{keys[1]}.{names[keys[2]]}.{'bias' if keys[3] == 'bias' else 'weight'}"
