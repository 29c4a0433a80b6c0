"""Five ways to corrupt an image, five severities each: (images (n, h, w, c) in [0, 1], severity 1-5, rng) -> images.

The kinds are those of the common-corruptions benchmarks; their strengths are chosen for 28 x 28 and 32 x 32 pixels.
"""

import io
from collections.abc import Callable

import jax
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from experiments.runtime.rng import generator
from valuation.problem import Examples

NOISE = (0.1, 0.2, 0.35, 0.5, 0.7)  # standard deviation
BLUR = (0.6, 1.0, 1.5, 2.2, 3.0)  # standard deviation, pixels
CONTRAST = (0.5, 0.3, 0.2, 0.1, 0.05)  # factor around the image's mean
PIXELATE = (0.6, 0.45, 0.35, 0.25, 0.18)  # share of the resolution that is left
JPEG = (30, 15, 8, 4, 1)  # quality


def noise(images: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    return np.clip(images + rng.normal(0, NOISE[severity - 1], images.shape), 0, 1).astype(np.float32)


def blur(images: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    sigma = BLUR[severity - 1]
    return gaussian_filter(images, (0, sigma, sigma, 0)).astype(np.float32)


def contrast(images: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    mean = images.mean((1, 2, 3), keepdims=True)
    return (mean + CONTRAST[severity - 1] * (images - mean)).astype(np.float32)


def pixelate(images: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    h, w = images.shape[1:3]
    small = (max(1, round(w * PIXELATE[severity - 1])), max(1, round(h * PIXELATE[severity - 1])))

    def one(image: Image.Image) -> Image.Image:
        return image.resize(small, Image.Resampling.BOX).resize((w, h), Image.Resampling.NEAREST)

    return _each(images, one)


def jpeg(images: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    def one(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=JPEG[severity - 1])
        return Image.open(file)

    return _each(images, one)


CORRUPTIONS: dict[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "noise": noise,
    "blur": blur,
    "contrast": contrast,
    "pixelate": pixelate,
    "jpeg": jpeg,
}


def corrupted(kind: Callable, examples: Examples, severity: float, key: jax.Array) -> Examples:
    """The examples with corrupted images. kind: one of CORRUPTIONS. Raises ValueError unless severity is 1, ..., 5."""
    if severity not in (1, 2, 3, 4, 5):
        raise ValueError(f"the severity of a corruption is 1, 2, 3, 4 or 5, got {severity}")
    return examples._replace(inputs=kind(examples.inputs, int(severity), generator(key)))


def _each(images: np.ndarray, change) -> np.ndarray:
    squeezed = images[..., 0] if images.shape[-1] == 1 else images
    pixels = [np.asarray(change(Image.fromarray(np.uint8(np.round(255 * image))))) for image in squeezed]
    return np.stack(pixels).reshape(images.shape).astype(np.float32) / 255
