"""Pretrained decoders of the Llama and Qwen families, from a GGUF file or a Hugging Face folder.

Files are mapped, not read; tensors are converted one by one, so that memory stays near that of the weights.
Reading here is the agreed exception to models/ not touching the disk.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gguf
import jax
import jax.numpy as jnp
import numpy as np
from safetensors import safe_open
from tokenizers import Tokenizer

from models import gguf_files, hugging_face
from models import tokenizer as texts
from models.decoder import Config, outline
from models.functional import Model
from models.hugging_face import existing, weight_files


class Pretrained(NamedTuple):
    """A decoder with its weights in model.params, and what turns text into its tokens and back.

    special: "eos", and "bos", "unk", "pad" where the tokenizer names them -> number.
    template: the chat template in Jinja, as it stands in the file, or None.
    """

    model: Model
    tokenizer: Tokenizer
    config: Config
    special: dict[str, int]
    template: str | None


def from_gguf(path: str | Path, *, dtype: Any = jnp.float32, place: Callable = jnp.array) -> Pretrained:
    """The decoder of a GGUF file, dequantised to dtype: architectures llama, qwen2, qwen3.

    place: one tensor in the host's memory -> jax.Array, such as one whose parts lie on several devices.
    Raises FileNotFoundError, and ValueError for another architecture, a missing key, a scaled rotary base, a tokenizer
    that is not supported or incomplete, and a tensor that is missing, unexpected, of the wrong shape or not finite, as
    it stands in the file or as dtype.
    """
    path = existing(path)
    reader = gguf.GGUFReader(path)
    get = gguf_files.metadata(reader, path)
    config = gguf_files.config_of(get, {tensor.name for tensor in reader.tensors})
    tokenizer, special = texts.from_metadata(get), texts.metadata_special(get)
    texts.check(tokenizer, special, config.vocabulary, path)
    template = get("tokenizer.chat_template", None)
    reader.fields.clear()  # an array object for every token: as large as half of the weights
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    shapes = {name: tuple(map(int, tensor.shape[::-1])) for name, tensor in tensors.items()}

    def read(name):
        return gguf.quants.dequantize(tensors[name].data, tensors[name].tensor_type)

    model = _filled(config, shapes, read, gguf_files.NAMES, path, dtype, place)
    return Pretrained(model, tokenizer, config, special, template)


def from_folder(path: str | Path, *, dtype: Any = jnp.float32, place: Callable = jnp.array) -> Pretrained:
    """The decoder of a Hugging Face folder: config.json, tokenizer.json, *.safetensors; Llama, Qwen2, Qwen3.

    path: the folder; dtype: of the weights; place and errors as in from_gguf. A tied model ignores lm_head.weight.
    """
    folder = Path(path)
    config = hugging_face.config_of(json.loads(existing(folder / "config.json").read_text()))
    tokenizer = Tokenizer.from_file(str(existing(folder / "tokenizer.json")))
    special = texts.folder_special(folder, tokenizer)
    texts.check(tokenizer, special, config.vocabulary, folder)
    opened = [safe_open(file, framework="np") for file in weight_files(folder)]
    holders = {name: file for file in opened for name in file.keys()}  # noqa: SIM118 (not a dict)
    if config.tied:
        holders.pop("lm_head.weight", None)
    shapes = {name: tuple(file.get_slice(name).get_shape()) for name, file in holders.items()}

    def read(name):
        return holders[name].get_tensor(name)

    model = _filled(config, shapes, read, hugging_face.NAMES, folder, dtype, place)
    return Pretrained(model, tokenizer, config, special, texts.folder_template(folder))


def _filled(config: Config, shapes: dict, read: Callable, names: dict, source: Path, dtype, place: Callable) -> Model:
    """The decoder with the tensors that read(name) gives, after all names and shapes have been compared."""
    model = outline(config)
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
    weights: list = [None] * len(wanted)
    for i in sorted(range(len(wanted)), key=lambda i: -leaves[i][1].size):  # the largest while the rest is not there
        name, turned, _ = wanted[i]
        tensor = read(name)
        weights[i] = place(_cast(tensor.T if turned else tensor, name, dtype, source))
    return model._replace(params=jax.tree.unflatten(structure, weights))


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
