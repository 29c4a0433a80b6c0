"""Instruction following: which contributor of real and generated pairs of request and answer is worth training on?

    python -m experiments.run --config=configs/instructions.py:small --workdir=out/instructions

tiny: pairs made in memory, seconds. small: 61 subtasks of Natural Instructions (a 358 MB archive), answers that a
language model wrote, SmolLM2 (93 MB) whose last two blocks are adapted. paper: Natural-Instructions and Magpie of the
Hugging Face hub (pip install datasets huggingface_hub; or folders: config.folders.real, .synthetic) and a pretrained
decoder of the Llama or Qwen family in a folder (config.model.folder), on as many accelerators as share its weights; not
run by us.

Options: a scale (tiny, small, paper), draws=1, seed=1000, contributors=12, truth_seeds=3, size=500 to give all
contributors that size, truth=own_set|leave_one_out|none, or truth=added with beside=100, the real examples that each is
added to, salt=b to split the data anew, model=smollm2|decoder|folder (decoder: two layers from scratch), and
features=states|tf_idf|smollm2 (of MMD and Gaussian kernels; states: those before the adapted blocks).
"""

import ml_collections

from configs.common import contributors, one_of, shrink, tables, valuation, valuation_arg

MODELS = ("decoder", "smollm2", "folder")  # from scratch; LoRA beside SmolLM2; LoRA beside config.model.folder

METHODS_BESIDE_STATES = (  # no more than one gradient of every example, at its start
    *("surrogate", "ntk_utility", "ngram_utility", "knn_lm", "token_ridge", "rbf_utility", "linear_utility"),
    *("proxy_training", "score_scale_free", "score_disagreement", "mmd_only", "mmd_size"),
    *("size", "real_count", "real_share", "random"),
)

sweep = tables


def sweep_training(add) -> None:
    """Learning rates and steps of the adapted model on a development draw: nats per byte before and after."""
    alone = {"methods": ("size",), "choice": "size", "validation_sizes": (), "split.test": 100}
    for rate, steps in ((1e-3, 100), (3e-3, 50), (3e-3, 100)):
        changes = {"training.learning_rate": rate, "training.steps": steps, **alone}
        add(f"{rate:g}-{steps}", "small,seed=0,truth_seeds=1,contributors=4", changes)


def get_config(arg: str | None = None) -> ml_collections.ConfigDict:
    options = valuation_arg(arg, contributors=12, features="", model="")
    config = valuation("instructions", options)

    config.dataset = {"tiny": "templates", "small": "natural_instructions", "paper": "hub"}[options.scale]
    config.folders = {"real": "", "synthetic": ""}  # of data sets of a hub, or huggingface:OWNER/NAME
    config.most = 100_000  # rows read of each
    config.split = {"validation": 200, "test": 500, "salt": options.salt}
    config.validation_sizes = {"tiny": (), "small": (50, 100, 200), "paper": ()}[options.scale]
    config.tokens = {
        "vocabulary": 2048,  # learned from the train pool
        "length": 96,
        "instruction": 24,  # the most of them that an instruction may take
        "response": 48,
        "special": ("", "", ""),  # tokens of a pretrained decoder before the prompt, before and after the response
    }
    usual = {"tiny": "decoder", "small": "smollm2", "paper": "folder"}[options.scale]
    config.model = {
        "name": one_of("model", options.model or usual, MODELS),
        **{"width": 128, "layers": 2, "heads": 4, "hidden": 512},  # of a decoder from scratch
        **{"folder": "", "dtype": "bfloat16"},  # of a pretrained one
        **{"rank": 16, "adapted": ("q", "k", "v", "o"), "last": 0},  # of LoRA: in so many blocks, 0: in all
        "states": 0,  # bytes on disk that states before the adapted blocks may take; 0: nothing is kept
    }
    # of the responses; a pretrained decoder can be asked for rouge_l, exact_match
    config.metric = "minus_nats_per_byte"
    usual = "states" if config.model.name == "smollm2" else "tf_idf"
    features = one_of("features", options.features or usual, ("tf_idf", "smollm2", "states"))
    config.features = {"name": features, "dimensions": 256, "layer": "blocks.14", "tokens": 0}
    config.training = {"steps": 300, "batch": 16, "learning_rate": 1e-3}
    config.training.sharded = False  # whether all devices share one training and the weights of a pretrained decoder
    config.training.pieces = 1  # of a batch, one in memory at a time; of a pretrained decoder
    config.temperatures = (0.7, 1.0)  # at which the language model was sampled
    config.initialisations = 1

    mechanisms = ("truncation", "generated", "generated")
    config.contributors = contributors(options, size=(100, 500), mechanism=mechanisms, kept=(0, 0, 1, 2, 4))
    config.contributors.repeat = options.scale != "paper"  # a source that is too small; else that is an error

    if config.model.name == "smollm2":  # what comes before the last blocks is computed once and kept
        config.model.update({"dtype": "float32", "last": 2, "states": 4 * 2**30})
        config.training.update({"steps": 100, "batch": 8, "learning_rate": 3e-3})
        config.split.test = 300  # few: each takes the logits of the whole vocabulary
        config.methods, config.validation_methods = METHODS_BESIDE_STATES, ("surrogate", "ngram_utility")
        config.tokens.special = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
    if options.scale == "tiny":
        config.split.update({"validation": 40, "test": 60})
        config.tokens.update({"vocabulary": 400, "length": 40, "instruction": 4, "response": 16})
        config.model.update({"width": 16, "layers": 1, "heads": 2, "hidden": 32})
        config.training.steps, config.training.batch, config.features.dimensions = 20, 8, 32
        shrink(config, given=options.size, size=(20, 60), rank=4, dimensions=32)
    if options.scale == "paper":
        config.folders.real = "huggingface:Muennighoff/natural-instructions"  # task_name, definition, inputs, targets
        config.folders.synthetic = "huggingface:Magpie-Align/Magpie-Pro-300K-Filtered"  # instruction, response
        config.split.update({"validation": 1000, "test": 2000})
        config.tokens.update({"length": 1024, "instruction": 256, "response": 512})
        config.tokens.special = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")  # of Qwen 2 and 3
        config.training = {"steps": 1000, "batch": 16, "learning_rate": 2e-4, "sharded": True, "pieces": 1}
        config.memory = 24 * 2**30  # one example of 1,536 tokens of a 7B decoder takes up to 14 GB for its gradient
        config.temperatures = (1.0,)
        config.contributors.axes.size = (options.size, options.size) if options.size else (1_000, 10_000)
    return config
