"""Film reviews made in memory, and such as a language model would write that knows few words."""

import numpy as np

from experiments.data.reviews import Reviews

GOOD = ("fine", "bright", "moving", "witty", "tender", "bold", "lively", "graceful", "superb", "charming")
BAD = ("dull", "clumsy", "noisy", "flat", "silly", "tired", "empty", "murky", "awful", "lifeless")
PARTS = ("plot", "cast", "music", "ending", "script", "acting", "pace", "humour", "dialogue", "camera")


def templates(count: int, seed: int, *, film: str = "film", known: int = 10) -> Reviews:
    """`count` reviews of a small vocabulary, every second one positive.

    film: what they are about. known: how many words of praise, and of blame, they know, of ten each.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2

    def sentence(label: int) -> str:
        kind = GOOD if (rng.random() < 0.9) == label else BAD  # one sentence in ten says the opposite
        return f"the {rng.choice(PARTS)} of the {film} is {kind[int(rng.integers(known))]}"

    return Reviews([". ".join(sentence(label) for _ in range(rng.integers(2, 6))) for label in labels.tolist()], labels)


def invented(count: int) -> list[dict]:
    """Records as in corpus.read("review") of a model that knows fewer words at a smaller top-p: `count` at each."""
    parts = {mass: templates(count, 2, known=known) for mass, known in ((0.8, 2), (0.95, 5))}
    return [
        {"text": text, "label": int(label), "temperature": 1.0, "top_p": mass}
        for mass, part in parts.items()
        for text, label in zip(part.texts, part.labels, strict=True)
    ]
