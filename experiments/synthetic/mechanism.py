"""What every generator of synthetic examples is, and what it may ask of the source that it takes them from."""

from typing import Protocol

import jax

from valuation.problem import Examples

GENERATED = "generated"  # the name, in every task, of the mechanism that samples a generative model


class Mechanism(Protocol):
    """Makes as many synthetic examples as it is given real ones. A classifier's keep their targets."""

    def __call__(self, examples: Examples, strength: float, key: jax.Array, /) -> Examples:
        """The synthetic examples.

        examples: real ones, n of them. strength: in the mechanism's unit: a severity, a temperature, a number of words.
        key: of all that is random. Raises ValueError for a strength that it cannot have.
        """
        ...


def check_enough(source: str, count: int, wanted: int, repeat: bool) -> None:
    """Raises ValueError if a contributor asks a source for more than it has, unless it may be repeated.

    source: its name, for the message. count: examples that it has. wanted: examples that are asked for.
    """
    if wanted > count and not repeat:
        raise ValueError(
            f"{source} has {count} examples, a contributor asks for {wanted}: expected a larger source, smaller "
            "contributors (contributors.axes.size), or contributors.repeat=True"
        )
