"""Laws that predictions are compared with: a mixing law over shares, power laws over sizes. Arrays in, numbers out."""

from typing import NamedTuple

import numpy as np
import scipy.optimize
from jaxtyping import Float

from theory.fit import fit

LEAST = 1e-3  # an error below is taken as this, since power laws are of logarithms


class MixingLaw(NamedTuple):
    """L(r) = floor + amplitude exp(sum_j slopes_j r_j), of the shares r_j of sources in the training set, in nats."""

    floor: float
    amplitude: float
    slopes: Float[np.ndarray, " J"]

    def loss(self, shares: Float[np.ndarray, "n J"]) -> Float[np.ndarray, " n"]:
        """The law's loss at those shares."""
        return self.floor + self.amplitude * np.exp(shares @ self.slopes)


def mixing_law(shares: Float[np.ndarray, "n J"], losses: Float[np.ndarray, " n"]) -> MixingLaw:
    """The law of Ye et al. (2024) by least squares. shares: of J sources, the rest is real. losses: nats, at least 0.

    Amplitude and floor are at least 0, slopes lie in -5 to 5; the best of three starts.
    """
    sources = shares.shape[1]
    low, high = np.append([0, 1e-6], np.full(sources, -5.0)), np.append([np.inf, np.inf], np.full(sources, 5.0))

    def residuals(x):
        return MixingLaw(x[0], x[1], x[2:]).loss(shares) - losses

    starts = [np.append([part * losses.min(), losses.mean()], np.zeros(sources)) for part in (0.1, 0.5, 0.9)]
    best = min(
        (scipy.optimize.least_squares(residuals, start, bounds=(low, high)) for start in starts),
        key=lambda one: one.cost,
    )
    return MixingLaw(best.x[0], best.x[1], best.x[2:])


def power_forecast(
    counts: Float[np.ndarray, " n"], utilities: Float[np.ndarray, " n"], at: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    """Utilities at other counts, 1 - (A n^-c + E), of the power law that theory.fit fits to 1 - utilities.

    counts: at least 4 examples. utilities: at most 1, such as accuracies.
    """
    found = fit(counts, np.maximum(1 - np.asarray(utilities), LEAST), real_share=1.0, law="power").parameters
    return 1 - (found["amplitude"] * np.asarray(at, float) ** -found["decay"] + found["floor"])
