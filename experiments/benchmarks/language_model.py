"""Speed, memory and correctness of the language model: perplexity, sampling, LoRA training, gradient features, and
steps of LoRA in the last blocks on kept states, beside those that pass through all blocks (adapted_steps.py).

    python -m experiments.benchmarks.language_model --workdir=out/benchmark_language [--only=sampling] [--random]
        [--dtype=bfloat16] [--rows=64] [--data_dir=FOLDER]

SmolLM2-135M-Instruct is fetched once (92.9 MB); --random takes random weights of its size instead. Every case runs in a
process of its own; one line of results.jsonl each. A rerun of a finished workdir redoes nothing.
Seconds are the fastest of the repeats after a first call, which compiles. FLOPs are those of the products with weights:
2 a parameter and token forward, 2 more backward through weights that stay fixed. The peak is what a matrix product of
the same type is measured to do on this device.
"""

import json
import math
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import flags
from jaxtyping import Array, Float
from tokenizers import Tokenizer

from experiments.benchmarks import adapted_steps
from experiments.benchmarks.attribution import peak
from experiments.data.archives import SMOLLM2, member
from experiments.reporting import markdown
from experiments.runtime import apart, launch, results
from models.decoder import Config, decoder
from models.functional import Model, call
from models.generate import generate
from models.lora import with_lora
from models.pretrained import from_gguf
from valuation.covariates.information_capacity import decoder_flops, information_capacity
from valuation.factors import shapes
from valuation.methods.logra import projected
from valuation.problem import Examples
from valuation.projection import sides
from valuation.stream import self_products

SIZE = Config(49_152, 576, 30, 9, 3, 64, 1536, 100_000.0, 1e-5, interleaved=True, longest=8192)
OF_THE_TEXT = ("perplexity", "information_capacity")
ROWS, LENGTH, PROMPT, RANK, PROJECTED = 64, 64, 16, 8, 16
AUSTEN = (  # Pride and Prejudice, 1813
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a "
    "wife. However little known the feelings or views of such a man may be on his first entering a neighbourhood, this "
    "truth is so well fixed in the minds of the surrounding families, that he is considered the rightful property of "
    "some one or other of their daughters."
)


def token_loss(logits: Float[Array, "n t v"], examples: Examples) -> Float[Array, " n"]:
    """Mean cross-entropy of the next tokens of every sequence, nats."""
    logits = logits[:, :-1]
    chosen = jnp.take_along_axis(logits, examples.targets[:, 1:, None], axis=-1)[..., 0]
    return (jax.nn.logsumexp(logits, -1) - chosen).mean(1)


def perplexity(model: Model, tokens: np.ndarray, text: np.ndarray, repeat: int) -> dict:
    """exp of the mean loss on Austen's opening."""
    del tokens
    examples = Examples(text[None], text[None])
    apply = jax.jit(model.apply)
    loss = token_loss(apply(model.params, model.frozen, text[None]), examples)[0]
    seconds = best(lambda: apply(model.params, model.frozen, text[None]), repeat)
    return {"perplexity": math.exp(loss), "tokens": len(text), "seconds": seconds, "passes": 1}


def capacity(model: Model, tokenizer: Tokenizer, config: Config, text: np.ndarray) -> float:
    """Information Capacity on a text, (t,) tokens of it (valuation/covariates/information_capacity.py)."""
    logits = jax.jit(model.apply)(model.params, model.frozen, text[None, :-1])
    nats = -jnp.take_along_axis(jax.nn.log_softmax(logits), text[None, 1:, None], axis=-1)[0, :, 0]
    ends = [len(tokenizer.decode(text[: i + 1].tolist(), skip_special_tokens=False).encode()) for i in range(len(text))]
    operations = decoder_flops(
        layers=config.layers, width=config.width, heads=config.heads, key_heads=config.kv_heads, hidden=config.hidden,
        vocabulary=config.vocabulary, length=len(text),
    )  # fmt: skip
    bits = 8.0 * np.diff(ends, prepend=0)[None]
    return information_capacity(
        bits, np.pad(nats, (1, 0))[None].astype(float), np.ones((1, len(text)), bool), operations
    )


def sampling(model: Model, tokens: np.ndarray, text: np.ndarray, repeat: int) -> dict:
    """Sequences written on the cache, top_p 0.9; the prompt is not counted."""
    del text
    prompts = tokens[:, :PROMPT].tolist()
    seconds = best(lambda: generate(model, prompts, length=LENGTH, top_p=0.9, key=jax.random.key(0)).tokens, repeat)
    return {"tokens": tokens.size, "seconds": seconds, "passes": 1}


def recomputing(model: Model, tokens: np.ndarray, text: np.ndarray, repeat: int) -> dict:
    """The same without a cache: whole sequences for every token, timed at three lengths and integrated between them."""
    del text, repeat

    def last(module, tokens):
        return module.logits(module.states(tokens)[0][:, -1:])

    step = jax.jit(lambda params, frozen, tokens: call(model.merged, params, frozen, last, tokens))
    lengths = np.array([PROMPT, PROMPT + LENGTH // 2, PROMPT + LENGTH])
    tiled = np.tile(tokens, (1, 2))
    times = [best(lambda n=n: step(model.params, model.frozen, tiled[:, :n]), 1) for n in lengths]
    return {"tokens": tokens.size, "seconds": float(np.trapezoid(times, lengths)), "passes": PROMPT + LENGTH / 2}


def training(model: Model, tokens: np.ndarray, text: np.ndarray, repeat: int) -> dict:
    """One Adam step of LoRA on 16 sequences."""
    del text
    model, examples = lora(model), Examples(tokens[:16], tokens[:16])
    optimiser = optax.adam(1e-4)

    @jax.jit
    def step(params, frozen, state):
        gradient = jax.grad(lambda p: token_loss(model.apply(p, frozen, examples.inputs), examples).mean())(params)
        change, state = optimiser.update(gradient, state)
        return optax.apply_updates(params, change), state

    state = optimiser.init(model.params)
    seconds = best(lambda: step(model.params, model.frozen, state), repeat)
    return {"tokens": examples.inputs.size, "seconds": seconds, "passes": 2}


def self_influence(model: Model, tokens: np.ndarray, text: np.ndarray, repeat: int) -> dict:
    """|gradient|^2 of every sequence over LoRA's parameters, from captured pairs."""
    del text
    model, examples = lora(model), Examples(tokens, tokens)
    return {
        "tokens": tokens.size,
        "passes": 2,
        "seconds": best(lambda: self_products(model, token_loss, examples), repeat),
    }


def features(model: Model, tokens: np.ndarray, text: np.ndarray, repeat: int) -> dict:
    """LoGra features of every sequence over LoRA's parameters."""
    del text
    model, examples = lora(model), Examples(tokens, tokens)
    state = sides(shapes(model.params), jax.random.key(1), rank=PROJECTED)
    seconds = best(lambda: list(projected(model, token_loss, examples, state)), repeat)
    return {"tokens": tokens.size, "passes": 2, "seconds": seconds}


def adapted(case: str, model: Model, tokens: np.ndarray, text: np.ndarray, repeat: int) -> dict:
    """A case of adapted_steps.py."""
    del text
    timed = adapted_steps.CASES[case](model, tokens)
    return {"tokens": timed.tokens, "passes": timed.passes, "seconds": best(timed.call, repeat)}


RUN = {one.__name__: one for one in (perplexity, sampling, recomputing, training, self_influence, features)}
RUN |= {case: partial(adapted, case) for case in adapted_steps.CASES}
CASES = tuple(RUN)


def lora(model: Model) -> Model:
    """LoRA of rank 8 on queries and values, with both sides away from 0."""
    model = with_lora(model, ("q", "v"), rank=RANK, key=jax.random.key(0))
    return model._replace(params=jax.tree.map(lambda x: x + 0.01, model.params))


def best(function, repeat: int) -> float:
    """Seconds of the fastest of `repeat` calls after a first one."""
    jax.block_until_ready(function())
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - begun)
    return min(times)


def measure(case: str, data_dir: str | None, random: bool, dtype, repeat: int, rows: int) -> dict:
    """One line of results, in this process."""
    begun = time.perf_counter()
    draw, loaded = np.random.default_rng(0), None
    text = draw.integers(0, SIZE.vocabulary, 76).astype(np.int32)
    if random:
        model = decoder(SIZE, jax.random.key(0))
        model = model._replace(params=jax.tree.map(lambda x: x.astype(dtype), model.params))
    else:
        loaded = from_gguf(member("smollm2", SMOLLM2, data_dir), dtype=dtype)
        model, text = loaded.model, np.array(loaded.tokenizer.encode(AUSTEN).ids, np.int32)
    jax.block_until_ready(model.params)
    loading, before = time.perf_counter() - begun, results.peak_megabytes()
    tokens = np.stack([np.resize(np.roll(text, -i), LENGTH) for i in range(rows)])
    cpu = time.process_time()
    line = {"kind": "benchmark_language", "case": case, "rows": rows, **RUN[case](model, tokens, text, repeat)}
    if loaded is not None and case == perplexity.__name__:
        line["information_capacity"] = capacity(model, loaded.tokenizer, loaded.config, text)
    weights = sum(leaf.size for leaf in jax.tree.leaves(model.params))
    line |= {
        "tokens_per_second": line["tokens"] / line["seconds"],
        "cpu_seconds": time.process_time() - cpu,
        "loading_seconds": loading,
        "weights_megabytes": weights * jnp.dtype(dtype).itemsize / 1e6,
        "megabytes_before": before,
        "peak_megabytes": results.peak_megabytes(),
        "device_megabytes": _device_megabytes(),
        "peak_flops": peak(2048 if jax.default_backend() == "cpu" else 8192, dtype=dtype),
    }
    line["share_of_peak"] = 2.0 * weights * line["passes"] * line["tokens"] / line["seconds"] / line["peak_flops"]
    return line


def table(lines: list[dict]) -> str:
    """The lines as a table in Markdown; MB above those of the loaded weights, of the host."""
    rows = [
        [
            x["case"], f"{x['tokens_per_second']:.1f}", f"{x['seconds']:.2f}", f"{x['share_of_peak']:.0%}",
            f"{x['peak_megabytes'] - x['megabytes_before']:.0f}",
            ", ".join(f"{name.replace('_', ' ')} {x[name]:.3f}" for name in OF_THE_TEXT if name in x),
        ]
        for x in lines
    ]  # fmt: skip
    return markdown.table(["case", "tokens/s", "seconds", "share of peak", "MB above", ""], rows)


def _device_megabytes() -> float | None:
    """The most memory the accelerator has held; None on a CPU."""
    statistics = jax.devices()[0].memory_stats()
    return statistics["peak_bytes_in_use"] / 1e6 if statistics else None


def about(case: str) -> dict:
    """The fields that tell a case's line."""
    return {"case": case}


BENCHMARK = apart.Benchmark(
    "language_model", "benchmark_language", "experiments.benchmarks.language_model", about, table
)
FLAGS = flags.FLAGS


def main(argv: list[str]) -> None:
    if FLAGS.case:  # the process of one measurement
        size = {"repeat": FLAGS.repeat, "rows": FLAGS.rows}
        print(json.dumps(measure(FLAGS.case, FLAGS.data_dir, FLAGS.random, jnp.dtype(FLAGS.dtype), **size)))
        return
    arguments = {name: getattr(FLAGS, name) for name in ("dtype", "repeat", "random", "rows", "data_dir")}
    config = {"name": "benchmark_language", "scale": FLAGS.dtype, "random": FLAGS.random, "repeat": FLAGS.repeat}
    if FLAGS.rows != ROWS:  # runs of earlier code had no other
        config["rows"] = FLAGS.rows
    print(apart.run(BENCHMARK, config, FLAGS.workdir, FLAGS.only or CASES, arguments, whole=not FLAGS.only))


if __name__ == "__main__":
    flags.DEFINE_string("workdir", "out/benchmark_language", "folder of results")
    flags.DEFINE_string("data_dir", None, "folder of downloaded archives")
    flags.DEFINE_list("only", None, f"cases to run, of {', '.join(CASES)}; all by default")
    flags.DEFINE_string("case", None, "measure this case in this process and print its line")
    flags.DEFINE_boolean("random", False, "random weights of SmolLM2's size: nothing is fetched")
    flags.DEFINE_enum("dtype", "float32", ["float32", "bfloat16"], "type of the weights")
    flags.DEFINE_integer("repeat", 2, "warm runs", lower_bound=1)
    flags.DEFINE_integer("rows", ROWS, "sequences that are written or whose gradients are taken", lower_bound=16)
    launch.run(main)
