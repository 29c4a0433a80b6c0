"""Your own files: which source is worth it, how much of it to mix in, and what more real examples would buy.

    python -m experiments.run --config=configs/sources.py --config.real=real.csv --config.sources=a.csv,b.jsonl \
        --workdir=out/mine

Files of rows (CSV, JSON lines, Parquet): texts with labels, pairs of prompt and response, or tables with a target. Kind
and columns are found out, and printed; config.kind and config.columns say otherwise. Nothing is trained unless
config.check (are the answers right?) or config.train (how good is the learner now?) asks for it.
"""

import ml_collections

from configs.common import parse_arg


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.name = config.experiment = "sources"
    config.scale = parse_arg(arg, scales=("small",)).scale  # there is but one, and every key is set after it
    config.real = ""  # file of real examples
    config.sources = ""  # files of sources: a.csv,b.jsonl; quotes around a path that holds a comma
    config.validation = ""  # file of real examples that are held out; "": some of the real file, by their content
    config.kind = ""  # text, pairs or table; "": found out
    config.columns = {
        "text": "",
        "label": "",
        "prompt": "",
        "context": "",
        "response": "",
        "target": "",
    }  # "": found out
    config.target = ""  # class or number, of a table; "": found out
    config.ignore = ""  # columns of a table that are left out: id,date
    config.leave_out_rows = False  # whether rows with nothing in a cell or an unknown label are left out; else an error
    config.salt = ""  # of the hashes by which validation is held out: another word, another split
    config.held_out = 0  # real examples for validation; 0: a quarter, at most 2,000
    config.leave_out_leaks = False  # real examples and those of sources that stand in validation, or nearly so
    config.leave_out_copies = False  # examples of sources that have a near copy among the real ones
    config.show_examples = True  # whether reports and results hold texts of the examples
    config.minutes = 10.0  # that the work may take; what does not fit is left out, and named
    config.memory, config.available = 0, 0  # bytes: of a chunk of gradients; that the work may take in all; 0: what is
    config.seed = 0  # of everything random
    config.blocks = 8  # of examples, that the jackknife leaves out one by one
    config.orders = 3  # of the real examples, that learning curves are means over
    config.exact, config.points = 4000, 1024  # examples in all that are fitted exactly, at most; else inducing points
    config.ridge = 0.0  # of kernel fits, in mean diagonals; 0: what does best on the real examples alone
    config.check = False  # whether a few models are trained, on R and on R + S, to see how right the answers are
    config.check_sources, config.check_seeds = 5, 3  # at most so many sources, so many trainings of each
    config.train = False  # whether one model is trained on the real examples, from which forecasts then start
    config.times = (2.0, 4.0, 10.0)  # as many real examples as there are: what they would buy
    config.prices, config.budget = "", 0.0  # of an example: "real=0.5,a=0.01", `real` and the names of sources

    config.text = {
        "tokens": {"vocabulary": 4000, "length": 256},  # words
        "counted": 5000,  # texts of each set that words are counted on, at most
        "model": {"widths": (64,)},
        "training": {"steps": 300, "batch": 64, "learning_rate": 3e-3},
    }
    config.pairs = {
        "tokens": {"vocabulary": 2048, "length": 128, "instruction": 8, "response": 64},
        "counted": 5000,
        "features": {"dimensions": 256},
        "model": {"width": 128, "layers": 2, "heads": 4, "hidden": 512},
        "training": {"steps": 300, "batch": 16, "learning_rate": 1e-3},
    }
    config.table = {
        "model": {"widths": (128, 128)},
        "training": {"steps": 1000, "batch": 128, "learning_rate": 1e-3},
    }
    return config
