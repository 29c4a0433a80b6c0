import pytest

from configs import images
from configs.common import parse_arg
from experiments import sweep


def parse(arg):
    return parse_arg(arg, scales=("tiny", "small"), draws=1, rate=0.5, name="mlp", fast=False)


def test_scale_and_options_take_the_type_of_their_default():
    options = parse("tiny,draws=3,rate=1e-3,name=conv,fast=true")
    assert options.to_dict() == {"scale": "tiny", "draws": 3, "rate": 1e-3, "name": "conv", "fast": True}


@pytest.mark.parametrize("arg", [None, "", " "])
def test_small_is_the_default(arg):
    assert parse(arg).scale == "small"


@pytest.mark.parametrize(
    ("arg", "words"),
    [
        ("tinny", "did you mean 'tiny'"),
        ("small,drawz=2", "did you mean 'draws'"),
        ("small,draws", "has no value"),
        ("small,draws=two", "expected int"),
        ("small,fast=maybe", "unknown value of fast"),
    ],
)
def test_a_mistake_says_what_was_meant(arg, words):
    with pytest.raises(ValueError, match=words):
        parse(arg)


def test_a_locked_config_knows_its_keys():
    config = images.get_config("tiny,draws=2").lock()
    assert (config.draws, config.dataset) == (2, "templates")
    with pytest.raises(AttributeError, match="training"):
        config.trainning = 1


def test_every_sweep_entry_is_a_config():
    runs = []
    images.sweep(lambda name, arg, changes=None: runs.append(images.get_config(arg).contributors.axes.size))
    assert runs == [(100, 1000), (500, 500), (100, 1000)]


def test_a_sweep_is_a_list_of_locked_configs():
    found = {entry.name: entry.config for entry in sweep.entries(images.__file__, "sweep_ablation")}
    assert found["proxy-share-0.2"].options.proxy_training.share == 0.2
    assert found["score_kappa-joint-mmd"].options.score_kappa.joint is True
    assert found["initialisations-10"].initialisations == 10
    with pytest.raises(ValueError, match="did you mean 'sweep_ablation'"):
        sweep.entries(images.__file__, "sweep_ablatoin")


def test_a_sweep_that_changes_a_key_that_is_not_there_names_its_entry(tmp_path):
    text = "from configs.images import get_config\n\n\ndef sweep(add):\n    add('odd', 'tiny', {'training.stesp': 3})\n"
    (tmp_path / "odd.py").write_text(text)
    with pytest.raises(ValueError, match=r"entry odd of sweep: .*stesp"):
        sweep.entries(str(tmp_path / "odd.py"), "sweep")
