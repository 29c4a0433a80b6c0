"""The arrays, weights and losses of the workloads that other libraries were timed on, as our Examples and Models.

A folder holds data/{digits,mlp,lm,knn20000}.npz, weights under "p/<name>" in PyTorch's layout (a linear weight is
(outputs, inputs)), "check_logits" of the first four test examples, and reference/*.npy, other libraries' results.
"""

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from models.functional import Model
from models.losses import cross_entropy
from models.mlp import mlp
from models.transformer import transformer
from valuation.problem import Examples

HEADS = 4  # not to be read off the weights


class Workload(NamedTuple):
    """train and query examples, and the model with its weights; model is None for nearest neighbours."""

    name: str
    train: Examples
    query: Examples
    model: Model | None

    @property
    def weights(self) -> Model:
        """The model, of a workload that has one."""
        if self.model is None:
            raise ValueError(f"workload {self.name!r} has no model")
        return self.model


def load(folder: str | Path, name: str) -> Workload:
    """The workload "mlp", "lm", "knn1500" or "knn20000" of the folder.

    Raises ValueError if a file is missing, or the model built from the weights does not give the folder's logits.
    """
    data = Path(folder) / "data"
    if name == "lm":
        arrays = _read(data / "lm.npz")
        train, query = (_tokens(arrays[f"tokens_{part}"]) for part in ("train", "test"))
        workload = Workload(name, train, query, _transformer(arrays))
    elif name == "mlp":
        arrays, digits = _read(data / "mlp.npz"), _read(data / "digits.npz")
        workload = Workload(name, *_labelled(digits), _mlp(arrays))
    elif name in ("knn1500", "knn20000"):
        arrays = _read(data / ("digits.npz" if name == "knn1500" else "knn20000.npz"))
        return Workload(name, *_labelled(arrays), None)
    else:
        raise ValueError(f"workload {name!r} is unknown: expected mlp, lm, knn1500 or knn20000")
    model = workload.weights
    logits = model.apply(model.params, model.frozen, workload.query.inputs[:4])
    error = float(np.abs(np.asarray(logits) - arrays["check_logits"]).max())
    if not error < 1e-3:
        raise ValueError(f"the logits of {name} are off by {error:.1e} from those in {data}: is it another model?")
    return workload


def class_loss(outputs: Float[Array, "n c"], examples: Examples) -> Float[Array, " n"]:
    """Minus cross-entropy of the label, nats: products of its gradients are positive where training helps."""
    return cross_entropy(outputs, examples.targets)


def token_loss(outputs: Float[Array, "n t v"], examples: Examples) -> Float[Array, " n"]:
    """Cross-entropy of the sequence, summed over its t - 1 next tokens, nats."""
    predicted = jax.nn.log_softmax(outputs[:, :-1])
    return -jnp.take_along_axis(predicted, examples.targets[:, 1:, None], axis=-1).sum((1, 2))


def loss_of(workload: Workload):
    """The loss of one example that the workload's scores are gradients of."""
    return token_loss if workload.name == "lm" else class_loss


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        raise ValueError(f"{path} does not exist: --peers needs a folder with data/*.npz")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _labelled(arrays) -> tuple[Examples, Examples]:
    train, test = (
        Examples(arrays[f"x_{part}"].astype(np.float32), arrays[f"y_{part}"].astype(np.int32))
        for part in ("train", "test")
    )
    return train, test


def _tokens(tokens: np.ndarray) -> Examples:
    tokens = tokens.astype(np.int32)
    return Examples(tokens, tokens)


def _dense(arrays, name: str) -> dict:
    layer = {"kernel": arrays[f"p/{name}.weight"].T}
    return layer | ({"bias": arrays[f"p/{name}.bias"]} if f"p/{name}.bias" in arrays else {})


def _norm(arrays, name: str) -> dict:
    return {"scale": arrays[f"p/{name}.weight"], "bias": arrays[f"p/{name}.bias"]}


def _mlp(arrays) -> Model:
    layers = {i: _dense(arrays, str(2 * i)) for i in range(3)}
    widths = (layers[0]["kernel"].shape[0], *(layer["bias"].shape[0] for layer in layers.values()))
    return _with(mlp(widths, jax.random.key(0)), {"layers": layers})


def _transformer(arrays) -> Model:
    (v, d), t = arrays["p/tok.weight"].shape, len(arrays["p/pos.weight"])
    hidden = len(arrays["p/blocks.0.fc1.bias"])
    count = len({name.split(".")[1] for name in arrays if name.startswith("p/blocks.")})
    blocks = {
        i: {f"ln{j}": _norm(arrays, f"blocks.{i}.ln{j}") for j in (1, 2)}
        | {part: _dense(arrays, f"blocks.{i}.{part}") for part in ("q", "k", "v", "o", "fc1", "fc2")}
        for i in range(count)
    }
    tables = {name: {"embedding": arrays[f"p/{name}.weight"]} for name in ("tok", "pos")}
    ends = {"ln_f": _norm(arrays, "ln_f"), "head": _dense(arrays, "head")}
    model = transformer(v, t, d, layers=count, heads=HEADS, hidden=hidden, key=jax.random.key(0))
    return _with(model, tables | {"blocks": blocks} | ends)


def _with(model: Model, params: dict) -> Model:
    """The model with other parameters of the same structure."""
    return model._replace(params=jax.tree.map(lambda old, new: jnp.asarray(new, old.dtype), model.params, params))
