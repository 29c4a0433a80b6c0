"""Single examples: do attribution methods foretell what models trained on half of the examples say of a test example?

    python -m experiments.run --config=configs/examples.py:small --workdir=out/examples

Digits of 8 x 8 pixels (a 9 MB archive, of which a table is read) and an MLP. 40 random halves, 3 seeds each (LDS);
what is lost when the best or the worst examples by each method are left out, or nothing else is kept; how well each
method finds labels that were made wrong. small: about 700 small trainings, minutes on two cores. tiny: arrays made in
memory, seconds.

Options: a scale (tiny, small), seed=0 (0 to 9 are for development, tables use 3000 and on), repeats=3, the seeds of
every training.
"""

import ml_collections

from configs.common import parse_arg, repeated


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    tiny = (arg or "").startswith("tiny")
    options = parse_arg(arg, scales=("tiny", "small"), seed=0, repeats=2 if tiny else 3)
    config = repeated("examples", options)
    config.dataset = "digits8"  # of scikit-learn's wheel; "made": clouds of points
    config.split = {"validation": 148, "test": 149}  # of 1,797 digits; the others are trained on
    config.model = {"widths": (256, 128)}
    config.training = {"steps": 400, "batch": 64, "learning_rate": 1e-3}
    config.subsets = 40  # random halves
    config.checkpoints = 3  # of one training on all examples
    config.shares = (0.05, 0.1, 0.2, 0.4)  # of the examples that are left out, or kept alone
    config.wrong = 0.1  # share of labels made wrong, where they are to be found
    config.bootstrap = 1000
    if options.scale == "tiny":
        config.dataset, config.split = "made", {"validation": 20, "test": 20}
        config.examples = 100
        config.model.widths, config.training.steps, config.training.batch = (16,), 20, 16
        config.subsets, config.shares, config.bootstrap = 6, (0.2, 0.4), 50
    return config
