"""Answer 1: what each source is worth beside the real examples."""

from experiments.studies.sources.answer import Drivers, Example, Value
from experiments.studies.sources.fits import Fits, whole
from experiments.tasks.own_data import Prepared
from valuation.intervals import difference


def value_of(
    prepared: Prepared,
    fits: Fits,
    blocks: int,
    drivers: Drivers,
    examples: tuple[list[Example], list[Example]],
) -> Value:
    """What a source is worth. fits: of fits.beside_real. blocks: that the jackknife leaves out of each set.

    drivers, examples: of the source. `dropped` and its interval are left open: they need all sources at once.
    """
    with_source, alone = whole(fits), whole(fits, 1)
    own, metric = (
        difference(fits.evaluate, fits.blocks, with_source, alone, unit=unit, about=blocks)
        for unit in ("own", "metric")
    )
    low, high = own.interval
    return Value(
        source=prepared.problem.contributors[fits.numbers[1]].name,
        value=own.value,
        value_interval=own.interval,
        gain=metric.value,
        interval=metric.interval,
        predicted=prepared.offset + fits.evaluate(with_source).utility(),
        dropped=None,
        dropped_interval=None,
        verdict="helps" if low > 0 else "harms" if high < 0 else "open",
        drivers=drivers,
        nearest=examples[0],
        strangest=examples[1],
    )
