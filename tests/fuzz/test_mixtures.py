"""Contributors of any description are what it says, or are refused in one line that names what is wrong with it."""

import functools

import jax
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from experiments.tasks import mixture
from experiments.tasks.task import other_labels
from tests.fuzz.refusals import result_or_none
from valuation.problem import Examples

CLASSES, COUNT = 3, 40
share = st.sampled_from((0.0, 1.0, 0.5, 0.999, 1e-9, -0.1, 1.1, float("nan"), float("inf"))) | st.floats(0, 1)
specs = st.builds(
    mixture.Spec,
    name=st.sampled_from(("a", "", "é")),
    size=st.sampled_from((0, 1, 2, COUNT, COUNT + 1, -1, 10**9)) | st.integers(1, COUNT),
    real_share=share,
    mechanism=st.sampled_from(("truncation", "noise", "noise", "nothing")),
    strength=st.floats(0, 2),
    kept=st.integers(-1, CLASSES + 1),
    label_noise=share,
    duplicates=share,
)


@functools.cache
def train() -> Examples:
    rng = np.random.default_rng(0)
    return Examples(rng.normal(size=(COUNT, 2)).astype(np.float32), (np.arange(COUNT) % CLASSES).astype(np.int32))


def noisy(examples: Examples, strength: float, key: jax.Array) -> Examples:
    return examples._replace(inputs=examples.inputs + np.float32(strength))


@given(made=st.lists(specs, min_size=1, max_size=4), seed=st.integers(0, 9))
def test_contributors_are_what_their_specs_say_or_refused(made, seed):
    data = train()
    built = result_or_none(
        mixture.build,
        jax.random.key(seed),
        made,
        data,
        np.asarray(data.targets),
        {"noise": noisy},
        functools.partial(other_labels, classes=CLASSES),
    )
    if built is None:
        return
    pool, contributors = built
    assert np.isfinite(pool.inputs).all()
    for spec, one in zip(made, contributors, strict=True):
        distinct = max(1, round(spec.size * (1 - spec.duplicates)))
        assert one.index.shape == one.targets.shape == one.real.shape == (spec.size,)
        assert ((one.index >= 0) & (one.index < len(pool.inputs))).all()
        assert ((one.targets >= 0) & (one.targets < CLASSES)).all()
        assert one.real[:distinct].sum() == round(distinct * spec.real_share)
        real = one.real[:distinct]
        wrong = one.targets[:distinct][real] != data.targets[one.index[:distinct][real]]
        assert wrong.sum() <= round(distinct * spec.label_noise)
        if spec.mechanism == mixture.TRUNCATION and spec.kept:
            assert len({*data.targets[one.index[~one.real]].tolist()}) <= spec.kept


@given(
    count=st.integers(0, 5),
    size=st.tuples(st.integers(-1, 50), st.integers(-1, 50)),
    mechanisms=st.lists(st.sampled_from(("truncation", "noise")), max_size=2),
    kept=st.lists(st.integers(0, CLASSES), max_size=2),
    shares=st.lists(st.floats(0, 1), max_size=2),
)
def test_a_draw_stays_within_its_axes_or_is_refused(count, size, mechanisms, kept, shares):
    axes = {"size": size, "mechanism": tuple(mechanisms), "kept": tuple(kept), "real_share": tuple(shares)}
    drawn = result_or_none(mixture.draw, jax.random.key(0), count, axes, {"noise": (1.0, 2.0)})
    for spec in drawn or ():
        assert size[0] <= spec.size <= size[1]
        assert spec.real_share in shares
        assert spec.mechanism in mechanisms
        assert spec.kept in kept
        assert spec.strength in ((1.0, 2.0) if spec.mechanism == "noise" else (0.0,))
