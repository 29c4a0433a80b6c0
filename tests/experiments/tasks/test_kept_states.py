"""Token states on disk: computed once, read again, whatever a killed process left; too many and wrong ones refused."""

import jax
import numpy as np
import pytest

from experiments.tasks import frozen_features, kept_states
from experiments.tasks.kept_states import Source
from models.decoder import decoder
from models.trunk import cut
from tests.models.test_decoder import TOKENS, spread
from tests.models.test_trunk import CONFIG, CUT

LENGTHS = np.array([7, 4, 1, 6, 7])
ROWS = np.where(np.arange(7) < LENGTHS[:, None], TOKENS + 1, 0)
SOURCE = Source(cut(spread(decoder(CONFIG, jax.random.key(0))), CUT)[0], "some", CUT, CONFIG.width)
MOST = 10**6


def nothing(*_):
    pytest.fail("nothing is computed again")


def forgetful(source):
    """The source without its trunk: what is asked for must be there."""
    return source._replace(trunk=source.trunk._replace(apply=nothing))


def test_states_are_those_of_the_trunk_and_are_computed_once(tmp_path, capsys):
    states = kept_states.kept_states(SOURCE, tmp_path, MOST)
    found = states(ROWS[[0, 1, 2, 1]])
    assert "states of 3 rows before block 1: 12 tokens" in capsys.readouterr().out
    whole = np.asarray(jax.jit(SOURCE.trunk.apply)({}, SOURCE.trunk.frozen, ROWS))
    for row, got in zip((0, 1, 2, 1), found.astype(np.float32), strict=True):
        np.testing.assert_allclose(got[: LENGTHS[row]], whole[row, : LENGTHS[row]], rtol=2**-8, atol=1e-5)
        assert not got[LENGTHS[row] :].any()
    again = kept_states.kept_states(SOURCE, tmp_path, MOST)(ROWS)  # two rows are new
    assert "states of 2 rows" in capsys.readouterr().out
    last = kept_states.kept_states(forgetful(SOURCE), tmp_path, 0)(ROWS[[4, 1, 0]])
    np.testing.assert_array_equal(last, again[[4, 1, 0]])
    np.testing.assert_array_equal(again[[0, 1, 2, 1]], found)
    np.testing.assert_array_equal(states(ROWS), again)  # which another has written since
    assert states(ROWS[:0]).shape == (0, 7, CONFIG.width)
    features = frozen_features.mean_states(states, ROWS)(ROWS)
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-5)
    raw = np.stack([again[row, :count].astype(np.float32).mean(0) for row, count in enumerate(LENGTHS)])
    np.testing.assert_allclose(features, (raw - raw.mean(0)) / raw.std(0), atol=1e-3)


def test_a_killed_process_costs_its_last_rows_only(tmp_path, monkeypatch):
    """Whole records count whose states are there; what is after them is written over."""
    expected = kept_states.kept_states(SOURCE, tmp_path, MOST)(ROWS[:3])
    (index,), (data,) = (list(tmp_path.glob(f"*.{name}")) for name in ("index", "states"))
    size, bytes_a_token = data.stat().st_size, 2 * CONFIG.width
    with index.open("ab") as one, data.open("ab") as other:
        one.write(b"half a record")
        other.write(b"half a state")
    np.testing.assert_array_equal(kept_states.kept_states(forgetful(SOURCE), tmp_path, 0)(ROWS[:3]), expected)
    kept_states.kept_states(SOURCE, tmp_path, MOST)(ROWS)
    assert data.stat().st_size == size + 13 * bytes_a_token
    np.testing.assert_array_equal(kept_states.kept_states(forgetful(SOURCE), tmp_path, 0)(ROWS[:3]), expected)
    with data.open("r+b") as other:
        other.truncate(size)  # the disk lost what the index knows
    np.testing.assert_array_equal(kept_states.kept_states(SOURCE, tmp_path, MOST)(ROWS)[:3], expected)
    before = data.read_bytes()
    monkeypatch.setattr(kept_states.shutil, "disk_usage", lambda _: kept_states.shutil._ntuple_diskusage(9, 9, 0))
    with pytest.raises(ValueError, match=r"GB, the disk of .* has 0 GB: make room there, or choose another --data_dir"):
        kept_states.kept_states(SOURCE, tmp_path, MOST)(ROWS + (ROWS > 0))
    monkeypatch.undo()
    with monkeypatch.context() as patch:
        patch.setattr(kept_states.Path, "open", full)
        with pytest.raises(ValueError, match=r"cannot be written .*No space left.*nothing of it is computed again"):
            kept_states._append(data.with_suffix(""), {}, [], kept_states.Index(0, {}, 0, 0))
    assert data.read_bytes() == before


def test_a_record_is_read_once(tmp_path):
    states = kept_states.kept_states(SOURCE, tmp_path, MOST)
    expected = states(ROWS)
    (index,) = tmp_path.glob("*.index")
    about, content = index.read_bytes().split(b"\n", 1)
    index.write_bytes(about + b"\n" + bytes(len(content)))  # in place: who read it before knows it still
    np.testing.assert_array_equal(states(ROWS), expected)
    index.rename(tmp_path / "old")
    (tmp_path / "new").write_bytes(about + b"\n" + content)
    (tmp_path / "new").rename(index)  # another file of that name is read anew
    np.testing.assert_array_equal(states(ROWS[::-1]), expected[::-1])


def full(*_):
    raise OSError(28, "No space left on device")


def test_what_cannot_be_kept_is_refused_before_work(tmp_path):
    few = kept_states.kept_states(forgetful(SOURCE), tmp_path, 10)
    with pytest.raises(ValueError, match=r"more than the 1e-08 GB of config\.model\.states: raise it"):
        few(ROWS)
    with pytest.raises(ValueError, match="row 1 has no token: a text that is empty"):
        few(np.array([[1, 2], [0, 0]]))
    kept_states.kept_states(SOURCE, tmp_path, MOST)(ROWS)
    (index,) = tmp_path.glob("*.index")
    content = index.read_bytes()
    for old, new, message in (
        (b'"some"', b'"else"', "is of other states .weights 'else', expected 'some'.: give it its name back"),
        (b'"block": 1', b'"block": 0', "is of other states .block 0, expected 1."),
        (b"{", b"?", "cannot be read .*remove it and"),
    ):
        index.write_bytes(content.replace(old, new, 1))
        with pytest.raises(ValueError, match=message):
            kept_states.kept_states(forgetful(SOURCE), tmp_path, MOST)(ROWS)
