"""Stretched rotary positions: divisors from the formulas, and every way in which a file says them, as logits."""

import math

import numpy as np
import pytest

from models import gguf_files, hugging_face, rotary
from models.pretrained import from_folder, from_gguf
from tests.models import numpy_decoder
from tests.models.written_models import FAMILIES, WIDE, agrees, fields_of, folder_written, written

LLAMA = FAMILIES["llama"]._replace(vocabulary=99, **WIDE)
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}


def plain(config):
    return [config.rope_base ** (-2 * j / config.head_width) for j in range(config.head_width // 2)]


def by_wavelength(frequencies, factor, low, high, original):
    """Llama 3.1's scaling as it was published: three cases by the length of the wave against the old context."""
    scaled = []
    for frequency in frequencies:
        wave = 2 * math.pi / frequency
        if wave < original / high:
            scaled.append(frequency)
        elif wave > original / low:
            scaled.append(frequency / factor)
        else:
            smooth = (original / wave - low) / (high - low)
            scaled.append((1 - smooth) * frequency / factor + smooth * frequency)
    return scaled


def test_divisors_are_those_of_the_three_cases():
    width, base = 64, 500_000.0
    half = [base ** (-2 * j / width) for j in range(width // 2)]
    found = rotary.llama3_divisors(width, base, factor=32.0, low=1.0, high=4.0, original=8192)
    expected = by_wavelength(half, 32.0, 1.0, 4.0, 8192)
    assert len({1.0, 32.0} & {round(x, 9) for x in found}) == 2, "all three cases occur"
    np.testing.assert_allclose(rotary.frequencies(width, base, found), expected, rtol=1e-6)
    linear = rotary.frequencies(width, base, rotary.linear_divisors(width, 4.0))
    np.testing.assert_allclose(linear, np.array(half) / 4, rtol=1e-6)
    assert rotary.linear_divisors(width, 1.0) == ()


def test_impossible_scaling_is_named():
    for factor in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="factor of rotary scaling must be a positive number"):
            rotary.linear_divisors(8, factor)
    for change in ({"factor": 0.5}, {"low": 4.0}, {"original": 0.0}, {"high": math.nan}):
        with pytest.raises(ValueError, match="llama3 rotary scaling needs factor >= 1"):
            rotary.llama3_divisors(8, 1e4, **{"factor": 8.0, "low": 1.0, "high": 4.0, "original": 64.0} | change)


THETA = {"rope_theta": 500.0}
FREQS = np.linspace(1, 8, 32, dtype=np.float32)  # one a pair, as a Llama 3.1 file holds them
FACTOR, TYPE, OLD = "llama.rope.scaling.factor", "llama.rope.scaling.type", "llama.rope.scale_linear"
GGUF = {
    "nothing": ({}, 1),
    "linear": ({"keys": {TYPE: "linear", FACTOR: 4.0}}, 4),
    "no type": ({"keys": {FACTOR: 4.0}}, 4),
    "old key": ({"keys": {OLD: 4.0}}, 4),
    "switched off": ({"keys": {TYPE: "none", FACTOR: 4.0}}, 1),
    "llama3": ({"add": {"rope_freqs.weight": FREQS}}, FREQS),
    "both": ({"add": {"rope_freqs.weight": FREQS}, "keys": {FACTOR: 2.0}}, 2 * FREQS),
}
FOLDER = {
    "nothing": ({"rope_scaling": None}, 1),
    "linear, old": ({"rope_scaling": {"type": "linear", "factor": 4.0}}, 4),
    "linear, both names": ({"rope_scaling": {"type": "linear", "rope_type": "linear", "factor": 4}}, 4),
    "linear of 1": ({"rope_scaling": {"type": "linear", "factor": 1.0}}, 1),
    "linear, new": ({"rope_parameters": THETA | {"rope_type": "linear", "factor": 2.0}}, 2),
    "llama3, old": ({"rope_scaling": {"rope_type": "llama3", **LLAMA3}}, None),
    "llama3, new": ({"rope_theta": None, "rope_parameters": THETA | {"rope_type": "llama3"} | LLAMA3}, None),
}


@pytest.mark.parametrize("name", GGUF)
def test_gguf_positions_are_stretched_as_it_says(tmp_path, name):
    change, divisor = GGUF[name]
    config, params = written(tmp_path / "a.gguf", **change, **WIDE)
    frequency = np.array(plain(config)) / divisor
    said = gguf_files.config_of(gguf_files.opened(tmp_path / "a.gguf"), tmp_path / "a.gguf")
    np.testing.assert_allclose(frequencies_of(said), frequency, rtol=1e-6)
    if name in ("linear", "both"):
        agrees(from_gguf(tmp_path / "a.gguf"), numpy_decoder.renamed(params), config, frequency)


@pytest.mark.parametrize("name", FOLDER)
def test_folder_positions_are_stretched_as_it_says(tmp_path, name):
    fields, divisor = FOLDER[name]
    half = plain(LLAMA)
    frequency = np.array(by_wavelength(half, *LLAMA3.values()) if divisor is None else np.array(half) / divisor)
    said = hugging_face.config_of(fields_of(LLAMA, "llama") | fields)
    np.testing.assert_allclose(frequencies_of(said), frequency, rtol=1e-6)
    if name in ("linear, old", "llama3, new"):
        config, tensors = folder_written(tmp_path / "a", fields=fields, **WIDE)
        agrees(from_folder(tmp_path / "a"), tensors, config, frequency)


def frequencies_of(config):
    return rotary.frequencies(config.head_width, config.rope_base, config.rope_divisors)
