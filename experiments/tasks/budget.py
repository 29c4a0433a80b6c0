"""What a valuation of sequences with a pretrained decoder takes, from sizes alone: memory of a device and hours."""

from typing import NamedTuple

import jax
import numpy as np

from models.decoder import Config, outline

# methods by the passes that they take; what methods share (valuation/shared.py) is one pass for all of them together
FITS = ("ntk_utility", "ntk_flow")
TERMS = ("score_literal", "score_scale_free", "score_kappa", "score_kernel_scaled", "davinz", "loss_only")
TARGETS = (*FITS, "rbf_utility", "linear_utility", "knn_utility", "score_disagreement")
STATES = ("knn_lm", "token_ridge")


class Tokens(NamedTuple):
    """Tokens of a run, padding included: trained on, tested on after it, and for values differentiated and read."""

    trained: float
    tested: float
    differentiated: float
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
    for each draw those shares of one that proxy_training and the checkpoints take. Tested: the test and the validation
    set after every training of the truth. Values: those of `passes`, once a draw.
    """
    count = len(config.contributors.explicit) or config.contributors.count
    judged = config.truth != "none"
    truth = judged * (count + (config.truth in ("leave_one_out", "added"))) * config.truth_seeds
    extra = count * config.options.proxy_training.share if "proxy_training" in config.methods else 0.0
    if {*config.methods} & {"tracin", "trak", "logra", "influence"}:
        extra += (config.checkpoints + 1) / 2  # shares 1/c, 2/c, ..., 1
    length, draws = config.tokens.length, config.draws
    differentiated, read = passes(config, examples(config), config.split.validation, count)
    return Tokens(
        trained=draws * (truth + extra) * config.training.steps * config.training.batch * length,
        tested=draws * truth * (config.split.test + config.split.validation) * length,
        differentiated=draws * differentiated * length,
        read=draws * read * length,
    )


def examples(config) -> int:
    """How many examples the contributors of a draw have together, as a rule; each beside what truth=added begins with.

    A size that `check` refuses counts as none.
    """
    explicit = [dict(fields).get("size", 0) for fields in config.contributors.explicit]
    count = len(explicit) or config.contributors.count
    low, high = config.contributors.axes.size
    usual = (high - low) / np.log(high / low) if 0 < low < high else high  # sizes are log-uniform
    given = sum(size for size in explicit if isinstance(size, int)) if explicit else count * usual
    return round(given) + (count * config.beside if config.truth == "added" else 0)


def passes(config, examples: float, validation: int, contributors: int) -> tuple[float, float]:
    """(examples that the values of a draw differentiate, examples that they only read), a pass over each counted once.

    examples: of all contributors together; what several hold counts for each, also in their union. At every
    initialisation the fits and the score's terms share one gradient of each example, and one reading for what each of
    the two learns. tracin, trak and logra differentiate union and validation set at their checkpoints; tracin more
    often where few validation gradients fit into memory. Not counted: influence, as many passes as its solve takes,
    and values of smaller validation sets.
    """
    methods, each = {*config.methods}, config.initialisations
    fits, terms, targets, states = (bool(methods & {*names}) for names in (FITS, TERMS, TARGETS, STATES))
    union = examples + validation
    differentiated = each * ((fits or terms) * examples + fits * validation)
    differentiated += (config.checkpoints * len(methods & {"tracin", "trak"}) + ("logra" in methods)) * union
    read = each * (terms * examples + targets * union) + states * union
    read += ("trak" in methods) * config.checkpoints * examples
    read += ("proxy_training" in methods) * contributors * validation
    if "deviation" in methods:
        again = min(config.options.deviation.initialisations, each) * examples
        differentiated, read = differentiated + again, read + again
    return differentiated, read


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
    So a token trained on or differentiated takes 4 P + 6 L + 12 l t a, one that is read the first sum. A token table
    that is only looked up is counted as if it were multiplied.

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
        training_hours=(work.trained * training + work.tested * forward) / speed,
        value_hours=(work.differentiated * training + work.read * forward) / speed,
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
