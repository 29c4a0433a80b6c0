"""How well a decoder predicts or writes the responses of examples."""

import jax
import numpy as np

from experiments.tasks import text_metrics
from experiments.tasks.token_rows import Coder, bytes_of, texts
from models.functional import Model
from models.generate import generate
from valuation.problem import Examples
from valuation.target_tokens import mean_log_likelihoods

ROWS = 50  # examples measured at a time


def nats(model: Model, examples: Examples) -> np.ndarray:
    """-log p of every response, (n,), nats."""
    return -mean_log_likelihoods(model, examples, rows=ROWS) * np.asarray(examples.mask.sum(1))


def measure(coder: Coder, model: Model, examples: Examples) -> tuple[float, float]:
    """(minus nats per byte of the responses, nats per token of the responses); both over all of them together."""
    total = float(nats(model, examples).sum(dtype=np.float64))
    return -total / bytes_of(coder, examples), total / float(examples.mask.sum())


def measure_text(coder: Coder, metric: str, model: Model, examples: Examples) -> tuple[float, float]:
    """(mean of a metric of experiments/tasks/text_metrics.py over responses written greedily, nats per response token).

    Only for decoders that models/generate.py can sample.
    """
    starts = examples.mask.argmax(1) + 1
    prompts = [row[:start].tolist() for row, start in zip(examples.inputs, starts, strict=True)]
    most = int(examples.mask.sum(1).max())
    key = jax.random.key(0)  # at temperature 0 nothing is drawn
    written = generate(model, prompts, length=most, temperature=0.0, stop=coder.ends, key=key)
    answers = [tokens[:count].tolist() for tokens, count in zip(*written, strict=True)]
    responses = coder.tokenizer.decode_batch(answers)
    references = [response for _, response in texts(coder, examples.inputs)]
    scores = [text_metrics.METRICS[metric](a, b) for a, b in zip(responses, references, strict=True)]
    return float(np.mean(scores)), measure(coder, model, examples)[1]


def unigram(coder: Coder, learn: Examples, test: Examples) -> float:
    """Nats per byte of the test responses when every token has its (add-one) frequency in the training responses."""
    seen = np.bincount(learn.targets[learn.mask], minlength=len(coder.lengths)) + 1
    return float(-np.log(seen / seen.sum())[test.targets[test.mask]].sum() / bytes_of(coder, test))
