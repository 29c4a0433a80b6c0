"""What a valuation of sequences with a pretrained decoder takes, from sizes alone: memory of a device and hours."""

from typing import NamedTuple

import jax
import numpy as np

from models.decoder import Config, outline

# passes over all contributors' examples for a value, at the initial parameters or at config.checkpoints of the union
AT_START = ("score_scale_free", "score_kappa", "ntk_utility", "davinz", "deviation")
AT_CHECKPOINTS = ("tracin", "trak")
AT_LAST = ("logra",)


class Tokens(NamedTuple):
    """Tokens of a run, padding included: trained on, differentiated for values, and only read."""

    trained: float
    valued: float
    read: float


class Estimate(NamedTuple):
    """Of one device: bytes of weights, of what LoRA and Adam keep, and of activations; hours of training and values."""

    weights: float
    learned: float
    activations: float
    training_hours: float
    value_hours: float
    devices: int

    @property
    def gibibytes(self) -> float:
        return (self.weights + self.learned + self.activations) / 2**30


def tokens(config) -> Tokens:
    """How many tokens the run of a config of sequences works through.

    Trainings: contributors (leave_one_out: and the union; added: and what they are added to) x truth seeds x draws, and
    for each draw those shares of one that proxy_training and the checkpoints take. Values: one pass for the terms and
    one for each of AT_START, AT_LAST and, at every checkpoint, of AT_CHECKPOINTS; a method that keeps few validation
    gradients in memory needs more. Read: the test and the validation set after every training.
    """
    count = len(config.contributors.explicit) or config.contributors.count
    judged = config.truth != "none"
    truth = judged * (count + (config.truth in ("leave_one_out", "added"))) * config.truth_seeds
    later = set(config.methods) & {*AT_CHECKPOINTS, *AT_LAST}
    extra = (config.checkpoints + 1) / 2 if later else 0.0  # shares 1/c, 2/c, ..., 1
    if "proxy_training" in config.methods:
        extra += count * config.options.proxy_training.share
    passes = (judged + len(set(config.methods) & set(AT_START))) * config.initialisations
    passes += len(later & set(AT_LAST)) + config.checkpoints * len(later & set(AT_CHECKPOINTS))
    low, high = config.contributors.axes.size
    usual = low if low == high else (high - low) / np.log(high / low)  # sizes are log-uniform
    sizes = [spec["size"] for spec in config.contributors.explicit] or [usual] * count
    beside = count * config.beside if config.truth == "added" else 0
    length, draws = config.tokens.length, config.draws
    return Tokens(
        trained=draws * (truth + extra) * config.training.steps * config.training.batch * length,
        valued=draws * passes * (sum(sizes) + beside + config.split.validation) * length,
        read=draws * truth * (config.split.test + config.split.validation) * length,
    )


def adapted(shape: Config, names, rank: int) -> int:
    """Numbers in LoRA of that rank on those dense layers of every block: rank (inputs + outputs) each."""
    kernels = outline(shape).params["blocks"][0]
    return shape.layers * rank * sum(sum(kernels[name]["kernel"].shape) for name in names)


def estimate(
    shape: Config,
    learned: int,
    work: Tokens,
    *,
    batch: float,
    length: int,
    devices: int,
    chunk: float = 0,
    number_bytes: int = 2,
    rate: float = 4e14,
    utilisation: float = 0.4,
) -> Estimate:
    """Memory while training and hours, of a decoder whose weights are cut over the devices.

    shape, learned: the decoder, and how many numbers of LoRA are trained beside it. work: tokens(config).
    batch: examples in memory at a time. chunk: bytes that values may take (config.memory). number_bytes: of a weight.
    rate: FLOP/s of a device at its best, of which the share `utilisation` is reached.

    FLOPs a token, P frozen and L learned numbers, attention of width a = heads x head_width over t tokens in l layers:
    forward 2 P + 2 L + 4 l t a; backward 2 P for the inputs' gradients, 4 L for inputs and parameters, 8 l t a.
    So a token trained on takes 4 P + 6 L + 12 l t a, one that is read the first sum; one that is valued takes both,
    because most methods ask for outputs too. A token table that is only looked up is counted as if it were multiplied.

    Bytes: P number_bytes / devices; 16 L for parameters, gradients and Adam's two moments, on every device; and for
    each of the t batch / devices tokens of a device, in every layer 8 width + 5 hidden numbers and heads x t weights
    of attention in float32 (in 16 bits once more), and once 16 v for logits over v words in float32, their softmax and
    the gradients of both; beside 16-bit weights the output layer in float32. Nothing is recomputed in the backward
    pass. On a CPU in float32, from which the 8 and the 5 are, XLA plans 0.9 to 1.15 times that.
    """
    c = shape
    frozen = sum(leaf.size for leaf in jax.tree.leaves(outline(c).params))
    attention = c.layers * length * c.heads * c.head_width
    forward = 2 * (frozen + learned) + 4 * attention
    training = 4 * frozen + 6 * learned + 12 * attention
    speed = devices * rate * utilisation * 3600
    narrow = number_bytes < 4
    layer = (8 * c.width + 5 * c.hidden) * number_bytes + (6 if narrow else 4) * c.heads * length
    here = length * batch / devices
    return Estimate(
        weights=frozen * number_bytes / devices,
        learned=16.0 * learned,
        activations=max(here * (c.layers * layer + 16 * c.vocabulary) + narrow * 4 * c.vocabulary * c.width, chunk),
        training_hours=(work.trained * training + work.read * forward) / speed,
        value_hours=work.valued * (training + forward) / speed,
        devices=devices,
    )


def of_run(config, model, devices: int) -> str:
    """The estimate in words, for a model of LoRA beside a pretrained decoder."""
    shape = model.merged(model.params, model.frozen).config
    learned, size = (sum(leaf.size for leaf in jax.tree.leaves(tree)) for tree in (model.params, model.frozen))
    width = max(leaf.dtype.itemsize for leaf in jax.tree.leaves(model.frozen))
    at_once = config.training.batch / config.training.pieces
    limits = {"batch": at_once, "chunk": config.memory, "length": config.tokens.length, "number_bytes": width}
    needed = estimate(shape, learned, tokens(config), devices=devices, **limits)
    return (
        f"estimate: {size / 1e9:.2f} G frozen and {learned / 1e6:.1f} M trained numbers on {devices} devices, "
        f"{needed.gibibytes:.0f} GiB each; at 40 % of 400 TFLOP/s {needed.training_hours:.1f} hours of training and "
        f"{needed.value_hours:.1f} of values"
    )
