import numpy as np
import pytest

from valuation.covariates.information_capacity import decoder_flops, information_capacity

SMOLLM2 = {"layers": 30, "width": 576, "heads": 9, "key_heads": 3, "hidden": 1536, "vocabulary": 49_152}


def test_a_model_that_knows_nothing_gains_what_the_tokenizer_does():
    """With all tokens equally likely, 4 bytes a token: 32 - log2 V bits, and the first token does not count."""
    bits, nats = np.full((3, 5), 32.0), np.full((3, 5), np.log(49_152))
    bits[:, 0], nats[:, 0] = 1e6, 1e6
    mask = np.arange(5) < np.array([[5], [2], [1]])
    found = information_capacity(bits, nats, mask, 2.0**30, offset=-2.0)
    np.testing.assert_allclose(found, (32 - np.log2(49_152) - 2) / 30)
    with pytest.raises(ValueError, match="no token counts"):
        information_capacity(bits, nats, mask & (np.arange(5) < 1), 2.0**30)


def test_operations_are_two_a_weight_and_those_of_attention():
    """SmolLM2-135M has 134,515,008 weights, 61 norms of 576 among them; its head is its embedding."""
    weights = 134_515_008 - 61 * 576
    assert decoder_flops(**SMOLLM2, length=0) == 2 * weights
    scores = 2 * 1024 * 576  # multiplications with keys and with values, a layer
    assert decoder_flops(**SMOLLM2, length=1024) == 2 * (weights + 30 * scores)
