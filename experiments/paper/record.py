"""Which study is behind which lines of the gallery: its command, and what it costs."""

from pathlib import Path

from experiments.paper import chosen_methods as chosen
from experiments.paper.entry import Entry
from experiments.runtime.results import LAST, read_alone, select

ROOT = Path(__file__).parent.parent.parent
GALLERY = ROOT / "experiments" / "gallery"
FRESH = "seed=3000,salt=b"  # of the tables; development seeds are 0 to 9
ANEW = "seed=3000,salt=c"  # of tables whose split for FRESH has been looked at
LATEST = "seed=3000,salt=d"  # and that for ANEW too
DECODER = ",truth_seeds=2,model=decoder"  # from scratch
BESIDE = {"images": chosen.SHORT, "sentiment": chosen.FEW}  # methods of unions, which of reviews cost much
ALONE = {"images": "images-mixed", "sentiment": "sentiment"}  # config -> the entry whose truth is of each set alone


def _valued(
    name: str,
    about: str,
    config: str,
    draws: int,
    options: str = "",
    methods: tuple[str, ...] = (),
    *,
    trial: str = "",
    fresh: str = FRESH,
) -> Entry:
    """A valuation.

    trial: options instead of these for a trial, where these name data that are not made in memory. fresh: the seed of
    its first draw, which is 3000, and the salt of its split.
    """
    argument = f"--config=configs/{config}.py:{{scale}},draws={{draws}},{fresh}"
    chosen = (f"--config.methods={','.join(methods)}",) if methods else ()
    return Entry(
        name,
        about,
        "valuation",
        "experiments.run",
        (argument + options, *chosen),
        draws=(3000, draws),
        tiny=(argument + trial, *chosen) if trial else (),
    )


def _along(name: str, config: str, draws: int) -> tuple[Entry, Entry]:
    along = f"{config}-along"
    return (
        _valued(
            along,
            f"and if contributors of {config} differ in one thing only?",
            config,
            draws,
            ",axes=True",
            chosen.ALONG,
        ),
        Entry(
            name,
            f"what can each method see of {config}?",
            "axes",
            "experiments.studies.valuation.axes",
            (f"--values={{workdir}}/{along}",),
            after=(along,),
            data=False,
        ),
    )


def _adapted(config: str, of: str) -> Entry:
    about = f"the same for {of} and the last blocks of a language model"
    options = ",model=smollm2,truth_seeds=2"
    return _valued(f"{config}-smollm2", about, config, 3, options, chosen.ON_STATES, fresh=ANEW)


def _table(name: str, dataset: str, made: str) -> Entry:
    about = f"the same for rows of {dataset}"
    return _valued(name, about, "tables", 5, f",dataset={dataset}", trial=f",dataset={made}")


def _added(config: str, beside: int) -> Entry:
    name, about = f"{config}-added-{beside}", f"what does it add to {beside} real examples of {config}?"
    options, trial = (f",truth=added,beside={count}" for count in (beside, beside // 20))
    return _valued(name, about, config, 5, options, BESIDE[config], trial=trial)


def _two(config: str, alone: str, beside: int) -> Entry:
    """alone: the entry of contributors of `config` alone."""
    second = f"{config}-added-{beside}"
    return Entry(
        f"two-truths-{config}-{beside}",
        f"does the worth of a contributor alone tell what it adds to {beside} real examples of {config}?",
        "two_truths",
        "experiments.studies.valuation.two_truths",
        (f"--first={{workdir}}/{alone}", f"--second={{workdir}}/{second}"),
        after=(alone, second),
        data=False,
    )


ENTRIES = (
    _valued(
        "images-mixed", "which contributor of digits is worth training on?", "images", 5, methods=chosen.IN_CLASSES
    ),
    _valued("images-equal", "the same at equal size", "images", 5, ",size=500", chosen.SHORT, trial=",size=50"),
    _valued(
        "images-condensed", "the same with condensed digits", "images", 5, ",condensed=True", chosen.SHORT, fresh=LATEST
    ),
    _valued("strings", "the same for strings of digits", "composition", 5, "", chosen.SHORT, fresh=LATEST),
    _valued("images-convnet", "the same for a ConvNet", "images", 3, ",model=convnet", chosen.OF_CONVNET),
    Entry(
        "images-cifar10",
        "the same for small photographs and a ConvNet, on an accelerator",
        "valuation",
        "experiments.run",
        (
            f"--config=configs/images.py:{{scale}},draws={{draws}},{FRESH},dataset=cifar10",
            f"--config.methods={','.join(chosen.PHOTOGRAPHS)}",
            "--config.validation_sizes=100,",
        ),
        draws=(3000, 1),
        tiny=(f"--config=configs/images.py:tiny,draws=1,{FRESH},model=convnet", "--config.methods=surrogate,size"),
        accelerator=True,
    ),
    _valued("sentiment", "the same for film reviews", "sentiment", 5, methods=chosen.IN_CLASSES),
    _valued("sentiment-cost", "what does the default cost on reviews?", "sentiment", 1, methods=chosen.TIMED),
    _valued("instructions", "the same for requests and answers", "instructions", 8, DECODER, chosen.CHEAP),
    _valued("reasoning", "the same for problems and solutions", "reasoning", 8, DECODER, chosen.CHEAP),
    _valued("instructions-union", "and by all methods, on three draws?", "instructions", 3, DECODER, chosen.OF_TEXTS),
    _valued("reasoning-union", "the same for problems and solutions", "reasoning", 3, DECODER, chosen.OF_TEXTS),
    _adapted("instructions", "requests and answers"),
    _adapted("reasoning", "problems and solutions"),
    _table("tables-mroz", "mroz", "made_classes"),
    _table("tables-breast-cancer", "breast_cancer", "made_classes"),
    _table("tables-nhefs", "nhefs", "made_numbers"),
    _table("tables-diabetes", "diabetes", "made_numbers"),
    _valued("effects", "the same for patients, of whom the effect of a treatment is learned", "effects", 5),
    _valued("causal-tables", "the same where the effect is known", "effects", 5, ",data=known"),
    Entry(
        "known-effects",
        "do learners of effects find the one that is known, and miss it as on paper?",
        "known_effects",
        "experiments.benchmarks.known_effects",
        ("--seed=3000",),
        tiny=("--scale=tiny", "--draws=2", "--rows=100"),
    ),
    *_along("axes", "images", 5),
    *_along("sentiment-axes", "sentiment", 3),
    Entry(
        "stability",
        "is a value stable, and what does a budget buy?",
        "stability",
        "experiments.studies.valuation.stability",
        ("--values={workdir}/images-mixed", "--draws=2"),
        after=("images-mixed",),
    ),
    Entry(
        "images-development",
        "digits on development seeds, on which choices are made",
        "valuation",
        "experiments.run",
        ("--config=configs/images.py:{scale},draws={draws},seed=0",),
        draws=(0, 4),
    ),
    Entry(
        "score-ablation",
        "what does each choice inside the score do?",
        "score_ablation",
        "experiments.studies.valuation.score_ablation",
        ("--values={workdir}/images-development",),
        after=("images-development",),
    ),
    Entry(
        "lora-everywhere",
        "is the truth of the last blocks that of LoRA in all blocks?",
        "lora_everywhere",
        "experiments.studies.valuation.lora_everywhere",
        ("--run={workdir}/instructions-smollm2", "--contributors=12", *(f"--draw={3000 + i}" for i in range(3))),
        after=("instructions-smollm2",),
        tiny=("--run={workdir}/instructions-smollm2", "--steps=3"),
        accelerator=True,
    ),
    *(_added(config, n) for config in ("images", "sentiment") for n in (100, 500)),
    *(_two(config, alone, n) for config, alone in ALONE.items() for n in (100, 500)),
    Entry(
        "relabelling",
        "when does it pay to relabel a source?",
        "relabelling",
        "experiments.run",
        (f"--config=configs/relabelling.py:{{scale}},{FRESH}",),
    ),
    Entry(
        "condensed",
        "what do condensed images teach?",
        "condensed",
        "experiments.benchmarks.condensed",
        ("--parts=accuracy",),
        tiny=("--scale=tiny", "--parts=accuracy", "--salts=d", "--seeds=1"),
    ),
    Entry(
        "condensed-support",
        "and what does the weight of the CMI do to the support they cover?",
        "condensed",
        "experiments.benchmarks.condensed",
        ("--parts=support", "--seeds=1"),
        tiny=("--scale=tiny", "--parts=support", "--salts=d", "--seeds=1"),
    ),
    Entry(
        "mixing",
        "how much synthetic data to mix in?",
        "mixing",
        "experiments.run",
        (f"--config=configs/mixing.py:{{scale}},{FRESH}",),
    ),
    Entry(
        "interaction",
        "are unions of sources worth more than their parts?",
        "interaction",
        "experiments.run",
        (f"--config=configs/interaction.py:{{scale}},draws=24,{LATEST}",),
        tiny=(f"--config=configs/interaction.py:tiny,{LATEST}",),
    ),
    Entry(
        "own-sources",
        "are the values of one's own files right?",
        "own_sources",
        "experiments.benchmarks.own_sources",
        ("--seed=3000", "--truth_seeds=5"),
        tiny=("--dataset=templates", "--part=0.02", "--truth_seeds=2"),
    ),
    Entry(
        "examples",
        "what are single examples worth?",
        "examples",
        "experiments.run",
        ("--config=configs/examples.py:{scale},seed=3000",),
    ),
    Entry(
        "phases",
        "do networks learn in three phases?",
        "phases",
        "experiments.run",
        ("--config=configs/phases.py:{scale}",),
    ),
    Entry(
        "language",
        "what is left of the tail?",
        "language",
        "experiments.run",
        ("--config=configs/language.py:{scale}",),
    ),
    Entry(
        "coverage",
        "how often is the fit of the laws right?",
        "coverage",
        "experiments.studies.phases.coverage",
        data=False,
        tiny=("--draws=2",),
    ),
    Entry(
        "bound", "how loose is the bound?", "bound", "experiments.studies.bound.study", data=False, tiny=("--draws=20",)
    ),
    Entry(
        "scale",
        "what do a million examples cost?",
        "scale",
        "experiments.benchmarks.scale",
        tiny=("--parts=sizes", "--sizes=1000"),
    ),
)


def recorded(name: str) -> list[dict]:
    """The lines of gallery/<name>.jsonl; none if there is no such file."""
    path = GALLERY / f"{name}.jsonl"
    return read_alone(path) if path.is_file() else []


def seconds(entry: Entry) -> float | None:
    """What the recorded run of it took on a CPU; None where none is recorded, or a part of one on an accelerator."""
    runs = select(recorded(entry.name), kind=LAST)
    return sum(line["seconds"] for line in runs) if runs and not elsewhere(entry) else None


def elsewhere(entry: Entry) -> str:
    """The device of its recorded lines that is no CPU; "" where there is none."""
    devices = dict.fromkeys(line["device"] for line in recorded(entry.name))
    return next((device for device in devices if " x cpu, " not in device), "")
