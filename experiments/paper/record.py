"""Which study is behind which lines of the gallery: its command, and what it costs."""

from pathlib import Path
from typing import NamedTuple

from experiments.runtime.results import LAST, read_alone, select

ROOT = Path(__file__).parent.parent.parent
GALLERY = ROOT / "experiments" / "gallery"
FRESH = "seed=3000,salt=b"  # of the tables; development seeds are 0 to 9
CHEAP = (
    "surrogate", "ntk_utility", "rbf_utility", "linear_utility", "proxy_training", "score_scale_free", "score_kappa",
    "score_disagreement", "davinz", "mmd_only", "mmd_size", "size", "real_count", "real_share", "random",
)  # fmt: skip
MARGINS = ("rbf_margin", "rbf_relative")
SHORT = (*CHEAP[:3], "ntk_relative", *MARGINS, *CHEAP[3:4], "knn_utility", *CHEAP[4:])
CONVNET = (
    *CHEAP[:2], "ntk_flow", "rbf_utility", *MARGINS, "linear_utility", "knn_utility", "proxy_training",
    "score_disagreement", "size", "random",
)  # fmt: skip


class Entry(NamedTuple):
    """A study behind the pages.

    name: of its folder in the workdir, and of its lines, gallery/<name>.jsonl. about: what it answers.
    module, arguments: of the command; {workdir} stands for the folder of all studies, {scale} for the scale, {draws}
    for the number of draws, which a trial has one of. tiny: arguments instead of these for a trial, where no config has
    that scale.
    after: entries whose finished runs it reads. draws: into which it can be cut, the first one and their number.
    study: whose kinds of lines it writes, where parts of it can be merged; data: whether it reads archives.
    """

    name: str
    about: str
    module: str
    arguments: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    draws: tuple[int, int] = (0, 0)
    study: str = ""
    data: bool = True
    tiny: tuple[str, ...] = ()

    def command(self, workdir: str, scale: str) -> list[str]:
        """What follows python -m: module, arguments, --workdir."""
        draws = 1 if scale == "tiny" else self.draws[1]
        arguments = self.tiny if self.tiny and scale == "tiny" else self.arguments
        given = [argument.format(workdir=workdir, scale=scale, draws=draws) for argument in arguments]
        return [self.module, *given, f"--workdir={workdir}/{self.name}"]


def _valued(name: str, about: str, config: str, draws: int, options: str = "", methods: tuple[str, ...] = ()) -> Entry:
    argument = f"--config=configs/{config}.py:{{scale}},draws={{draws}},{FRESH}{options}"
    chosen = (f"--config.methods={','.join(methods)}",) if methods else ()
    return Entry(name, about, "experiments.run", (argument, *chosen), draws=(3000, draws), study="valuation")


def _added(beside: int) -> Entry:
    options = f",truth=added,beside={beside}"
    return _valued(f"images-added-{beside}", f"what does it add to {beside} real digits?", "images", 5, options, SHORT)


def _two(beside: int) -> Entry:
    first, second = "images-mixed", f"images-added-{beside}"
    return Entry(
        f"two-truths-{beside}",
        f"does the worth of a contributor alone tell what it adds to {beside} real digits?",
        "experiments.studies.valuation.two_truths",
        (f"--first={{workdir}}/{first}", f"--second={{workdir}}/{second}"),
        after=(first, second),
        data=False,
    )


ENTRIES = (
    _valued("images-mixed", "which contributor of digits is worth training on?", "images", 5),
    _valued("images-equal", "the same at equal size", "images", 5, ",size=500", SHORT),
    _valued("images-convnet", "the same for a ConvNet", "images", 3, ",model=convnet", CONVNET),
    _valued("sentiment", "the same for film reviews", "sentiment", 5),
    _valued(
        "instructions", "the same for requests and answers", "instructions", 8, ",truth_seeds=2,model=decoder", CHEAP
    ),
    _valued("reasoning", "the same for problems and solutions", "reasoning", 8, ",truth_seeds=2,model=decoder", CHEAP),
    _valued("images-along", "and if contributors differ in one thing only?", "images", 5, ",axes=True"),
    Entry(
        "axes",
        "what can each method see?",
        "experiments.studies.valuation.axes",
        ("--values={workdir}/images-along",),
        after=("images-along",),
        data=False,
    ),
    Entry(
        "stability",
        "is a value stable, and what does a budget buy?",
        "experiments.studies.valuation.stability",
        ("--values={workdir}/images-mixed", "--draws=3"),
        after=("images-mixed",),
    ),
    *(_added(n) for n in (100, 500)),
    *(_two(n) for n in (100, 500)),
    Entry(
        "mixing",
        "how much synthetic data to mix in?",
        "experiments.run",
        (f"--config=configs/mixing.py:{{scale}},{FRESH}",),
    ),
    Entry(
        "own-sources",
        "are the values of one's own files right?",
        "experiments.benchmarks.own_sources",
        ("--seed=3000", "--truth_seeds=5"),
        tiny=("--dataset=templates", "--part=0.02", "--truth_seeds=2"),
    ),
    Entry(
        "examples",
        "what are single examples worth?",
        "experiments.run",
        ("--config=configs/examples.py:{scale},seed=3000",),
    ),
    Entry("phases", "do networks learn in three phases?", "experiments.run", ("--config=configs/phases.py:{scale}",)),
    Entry("language", "what is left of the tail?", "experiments.run", ("--config=configs/language.py:{scale}",)),
    Entry(
        "coverage",
        "how often is the fit of the laws right?",
        "experiments.studies.phases.coverage",
        data=False,
        tiny=("--draws=2",),
    ),
    Entry("bound", "how loose is the bound?", "experiments.studies.bound.study", data=False, tiny=("--draws=20",)),
    Entry(
        "scale",
        "what do a million examples cost?",
        "experiments.benchmarks.scale",
        tiny=("--parts=sizes", "--sizes=1000"),
    ),
)


def recorded(name: str) -> list[dict]:
    """The lines of gallery/<name>.jsonl; none if there is no such file."""
    path = GALLERY / f"{name}.jsonl"
    return read_alone(path) if path.is_file() else []


def seconds(entry: Entry) -> float | None:
    """What the recorded run of it took; None where none is recorded."""
    runs = select(recorded(entry.name), kind=LAST)
    return sum(line["seconds"] for line in runs) if runs else None
