import jax
import numpy as np
import pytest

from experiments.tasks import decoders, sequences, token_rows
from experiments.tasks.token_rows import Pair
from tests.experiments.tasks.test_token_rows import CODER, LIMITS, PAIRS


def test_the_tokenizer_sees_the_train_pool_alone_and_nothing_leaks(parts):
    texts = [text for pair in parts.pairs for text in pair[:3]]
    assert parts.coder.tokenizer.get_vocab() == token_rows.trained_coder(texts, 400).tokenizer.get_vocab()
    held = token_rows.texts(parts.coder, np.concatenate([parts.validation.inputs, parts.test.inputs]))
    for left, right in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert sequences.near(parts.coder, getattr(parts, left).inputs, getattr(parts, right).inputs) == 0
    assert not {pair.prompt for pair in parts.pairs} & {prompt for prompt, _ in held}
    assert len(parts.groups) == len(parts.pairs) == len(parts.train.inputs)


def test_too_little_is_refused():
    pairs = [Pair("", f"what is {i} ?", str(i), "a") for i in range(9)]
    with pytest.raises(
        ValueError, match=r"9 training pairs of \d+ characters give a tokenizer of \d+ tokens, expected 400"
    ):
        decoders.learned_coder(pairs, 400)
    some, _ = token_rows.encode(CODER, PAIRS, LIMITS)
    groups = {0.5: PAIRS[:2]}
    assert len(sequences.sampled(CODER, LIMITS, True, groups, some, 0.5, jax.random.key(0)).inputs) == 3
    with pytest.raises(ValueError, match=r"a \(strength 0\.5\) has 2 examples, a contributor asks for 3"):
        sequences.sampled(CODER, LIMITS, False, groups, some, 0.5, jax.random.key(0))
