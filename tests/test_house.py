"""Who may import whom, in which order the rooms stand, and which test looks at which module."""

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "configs": {"configs"},
    "models": {"models"},
    "theory": {"theory"},
    "valuation": {"valuation"},
    "experiments": {"configs", "models", "theory", "valuation", "experiments"},
}
FLOORS = (  # of experiments/, from the ground; a room imports what stands below it, never what stands beside or above
    {"runtime"},
    {"reporting"},
    {"data", "training"},
    {"synthetic"},
    {"tasks"},
    {"studies", "benchmarks"},
    {"commands"},  # the modules that lie in experiments/ itself
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for folder in MAY_IMPORT for path in (ROOT / folder).rglob("*.py"))
# test file -> the modules that it looks at beside the one of its name, where those have no test file
ALSO = {
    "configs/test_common.py": "configs.images experiments.sweep",
    "experiments/benchmarks/test_attribution.py": (
        "experiments.benchmarks.adapted_steps experiments.runtime.apart experiments.benchmarks.cost "
        "experiments.benchmarks.discrepancy "
        "experiments.benchmarks.language_model experiments.benchmarks.workloads"
    ),
    "experiments/benchmarks/test_own_sources.py": "experiments.runtime.speed",
    "experiments/benchmarks/test_scale.py": (
        "experiments.benchmarks.scale_agreement experiments.benchmarks.scale_data experiments.benchmarks.scale_report"
    ),
    "experiments/data/test_images.py": (
        "experiments.data.builders.archived experiments.data.builders.cifar10 experiments.data.builders.mnist5k"
    ),
    "experiments/data/test_tables.py": "experiments.data.patients",
    "experiments/data/test_own_files.py": (
        "experiments.data.cells experiments.data.own_kinds experiments.data.own_rows"
    ),
    "experiments/data/test_reviews.py": "experiments.data.builders.movie_reviews experiments.synthetic.ngrams",
    "experiments/data/test_rows.py": ("experiments.data.columns experiments.data.csv_rows experiments.data.json_rows"),
    "experiments/paper/test_pages.py": (
        "experiments.paper.chosen_methods experiments.paper.entry experiments.paper.figures experiments.paper.record "
        "experiments.paper.study_tables experiments.paper.tables"
    ),
    "experiments/paper/test_shares.py": "experiments.paper.__main__",
    "experiments/runtime/test_kinds.py": (
        "experiments.runtime.kinds.benchmarks experiments.runtime.kinds.bound "
        "experiments.runtime.kinds.examples experiments.runtime.kinds.finished_runs "
        "experiments.runtime.kinds.interaction experiments.runtime.kinds.kind "
        "experiments.runtime.kinds.language experiments.runtime.kinds.mixing experiments.runtime.kinds.phases "
        "experiments.runtime.kinds.relabelling "
        "experiments.runtime.kinds.sources experiments.runtime.kinds.valuation"
    ),
    "experiments/runtime/test_launch.py": "experiments.report experiments.run",
    "experiments/runtime/test_mesh.py": "experiments.runtime.processes valuation.workers",
    "experiments/studies/examples/test_study.py": (
        "configs.examples experiments.data.digits8 experiments.studies.examples.judge "
        "experiments.studies.examples.report experiments.studies.examples.scorers"
    ),
    "experiments/studies/interaction/test_study.py": (
        "configs.interaction experiments.studies.interaction.judge experiments.studies.interaction.report "
        "experiments.studies.interaction.sets"
    ),
    "experiments/studies/language/test_study.py": (
        "configs.language experiments.studies.language.figures experiments.studies.language.rank_errors "
        "experiments.studies.language.rank_study experiments.studies.language.report"
    ),
    "experiments/studies/mixing/test_judge.py": "experiments.studies.mixing.laws",
    "experiments/studies/mixing/test_study.py": (
        "configs.mixing experiments.studies.mixing.figures experiments.studies.mixing.report "
        "experiments.studies.mixing.sets"
    ),
    "experiments/studies/phases/test_study.py": (
        "configs.phases experiments.studies.phases.curve_fits experiments.studies.phases.curves "
        "experiments.studies.phases.facts experiments.studies.phases.figures "
        "experiments.studies.phases.law_figures experiments.studies.phases.nextword "
        "experiments.studies.phases.numbers experiments.studies.phases.reading "
        "experiments.studies.phases.report experiments.studies.phases.simulation "
        "experiments.synthetic.sampling models.recall"
    ),
    "experiments/studies/sources/test_answer_file.py": (
        "experiments.studies.sources.answer experiments.studies.sources.schema"
    ),
    "experiments/studies/sources/test_decision.py": (
        "experiments.studies.sources.leaks experiments.studies.sources.looks"
    ),
    "experiments/studies/sources/test_report.py": (
        "experiments.studies.sources.appendix experiments.studies.sources.figures "
        "experiments.studies.sources.sections experiments.studies.sources.words"
    ),
    "experiments/studies/sources/test_laws.py": "experiments.studies.sources.learning experiments.studies.sources.plan",
    "experiments/studies/sources/test_study.py": (
        "configs.sources experiments.sources experiments.studies.sources.amounts "
        "experiments.studies.sources.assembly experiments.studies.sources.costs "
        "experiments.studies.sources.reading experiments.studies.sources.steps experiments.studies.sources.values "
        "experiments.studies.sources.work"
    ),
    "experiments/tasks/test_own_data.py": (
        "experiments.studies.sources.drivers experiments.tasks.own_pairs experiments.tasks.own_tables "
        "experiments.tasks.own_texts"
    ),
    "experiments/studies/relabelling/test_study.py": (
        "configs.relabelling experiments.studies.relabelling.judge experiments.studies.relabelling.report "
        "experiments.training.relabelling"
    ),
    "experiments/studies/valuation/test_stability.py": (
        "experiments.studies.valuation.stability_report experiments.studies.valuation.stability_summaries"
    ),
    "experiments/studies/valuation/test_study.py": (
        "experiments.studies.valuation.agreement_figures experiments.studies.valuation.contributor_figures "
        "experiments.studies.valuation.covariates "
        "experiments.studies.valuation.descriptions experiments.studies.valuation.figures "
        "experiments.studies.valuation.ground_truth "
        "experiments.studies.valuation.reading experiments.studies.valuation.report "
        "experiments.studies.valuation.summaries experiments.studies.valuation.values_report "
        "experiments.synthetic.autoencoder"
    ),
    "experiments/synthetic/test_condensation.py": "experiments.synthetic.alignment",
    "experiments/tasks/test_images.py": "experiments.synthetic.condensed experiments.synthetic.kept",
    "experiments/synthetic/test_generate.py": (
        "experiments.synthetic.corpus experiments.synthetic.language_model experiments.synthetic.prompts "
        "experiments.synthetic.selection"
    ),
    "experiments/synthetic/test_tables_copula.py": "experiments.synthetic.table_columns",
    "experiments/tasks/test_composition.py": "configs.composition",
    "experiments/tasks/test_effects.py": "configs.effects",
    "experiments/tasks/test_tables.py": "configs.tables",
    "experiments/tasks/test_adaptation.py": (
        "experiments.studies.valuation.lora_everywhere experiments.studies.valuation.references "
        "experiments.tasks.response_head"
    ),
    "experiments/tasks/test_instructions.py": (
        "configs.instructions experiments.data.builders.natural_instructions experiments.tasks.response_metrics"
    ),
    "experiments/tasks/test_mixture.py": (
        "experiments.runtime.rng experiments.synthetic.corruptions experiments.synthetic.mechanism "
        "experiments.tasks.task"
    ),
    "experiments/tasks/test_reasoning.py": (
        "configs.reasoning experiments.data.builders.math_steps experiments.data.builders.strategy_qa"
    ),
    "experiments/tasks/test_sentiment.py": (
        "configs.sentiment experiments.synthetic.review_templates experiments.synthetic.review_texts "
        "experiments.tasks.frozen_features experiments.tasks.sentiment_sources "
        "experiments.tasks.task_on_states"
    ),
    "experiments/training/test_fit.py": "experiments.training.loop",
    "models/test_classifiers.py": "models.convnet models.cvae models.layers models.losses models.mlp models.resnet",
    "models/test_decoder.py": "models.functional models.lora",
    "theory/test_bound.py": (
        "experiments.studies.bound.figures experiments.studies.bound.simulation "
        "experiments.studies.bound.study theory.bound_terms"
    ),
    "theory/test_fit.py": (
        "experiments.studies.phases.coverage theory.estimates theory.laws theory.likelihood theory.profile theory.ratio"
    ),
    "theory/test_phases.py": "theory.arguments theory.power_sums",
    "theory/test_tail.py": "theory.rank_counts",
    "valuation/methods/test_every_method.py": "valuation.methods.loss valuation.methods.mmd valuation.methods.score",
    "valuation/methods/test_union_methods.py": (
        "valuation.methods.deviation valuation.methods.influence valuation.methods.logra "
        "valuation.methods.tracin valuation.methods.trak"
    ),
    "valuation/covariates/test_measure.py": "valuation.covariates.of_problem",
    "valuation/methods/test_union_game.py": (
        "valuation.methods.banzhaf valuation.methods.leave_one_out valuation.methods.shapley valuation.union_surrogates"
    ),
    "valuation/test_gradients.py": "models.transformer valuation.factors valuation.stream",
    "valuation/test_kronecker.py": "valuation.fisher valuation.methods.ekfac valuation.summed",
    "valuation/test_mean_gradients.py": ("valuation.methods.gradient_cosine valuation.methods.gradient_matching"),
    "valuation/test_needs.py": "valuation.needs_of_rivals",
    "valuation/test_objective.py": (
        "valuation.objective.classification valuation.objective.next_token valuation.objective.protocol "
        "valuation.objective.regression"
    ),
    "valuation/test_subsets.py": "valuation.union_counts valuation.union_fits",
    "valuation/test_problem.py": "valuation.examples valuation.feature_space",
    "valuation/test_transport.py": "valuation.methods.lava",
}
NAMED_ELSEWHERE = {name: test for test, names in ALSO.items() for name in names.split()}


def module(path: Path) -> str:
    """The dotted name of a file; that of its folder for an __init__.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in FILES}


@functools.cache
def imported(path: Path) -> frozenset[str]:
    """Dotted names of what a file imports; `from a import b` is a.b where that is a module of ours, else a."""
    tree = ast.parse(path.read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in MODULES else node.module for name in whole}
    return frozenset(names)


def room(name: str) -> str | None:
    """The room of experiments/ that a module belongs to; None for what is not in experiments/."""
    parts = name.split(".")
    if parts[0] != "experiments" or len(parts) == 1:
        return None
    return parts[1] if parts[1] in FLOOR else "commands"


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """A way from every module back to itself, for those that have one."""
    found = []
    for start in edges:
        ways, seen = [[start]], set()
        while ways:
            way = ways.pop()
            for following in edges.get(way[-1], ()):
                if following == start:
                    found.append([*way, start])
                elif following not in seen:
                    seen.add(following)
                    ways.append([*way, following])
    return found


def test_imports_keep_the_walls():
    wrong = []
    for path in FILES:
        folder = path.relative_to(ROOT).parts[0]
        tops = {name.split(".")[0] for name in imported(path)}
        wrong += [f"{path}: {top}" for top in tops & {*MAY_IMPORT, "tests"} - MAY_IMPORT[folder]]
        wrong += [f"{path}: flax"] if folder != "models" and "flax" in tops else []
        wrong += [] if path.read_text().strip() else [f"{path} is empty"]
    assert wrong == []


def test_no_import_runs_up_and_no_study_imports_another():
    wrong = []
    for name, path in MODULES.items():
        for other in imported(path):
            here, there = room(name), room(other)
            if here is None or there is None or here == "commands":
                continue
            if here == there == "studies":
                up = name.split(".")[2:3] != other.split(".")[2:3]
            else:
                up = here != there and FLOOR[there] >= FLOOR[here]
            if up:
                wrong.append(f"{name} imports {other}")
    assert wrong == []


def test_only_commands_import_a_benchmark_and_no_package_imports_a_study():
    for name, path in MODULES.items():
        rooms = {room(other) for other in imported(path)}
        assert room(name) in ("benchmarks", "commands") or "benchmarks" not in rooms, name
        assert path.name != "__init__.py" or "studies" not in rooms, name


def test_there_is_no_circle_and_none_is_hidden_inside_a_function():
    edges = {name: (imported(path) & MODULES.keys()) - {name} for name, path in MODULES.items()}
    assert circles(edges) == []


def test_every_room_says_what_belongs_into_it():
    for path in FILES:
        if path.name == "__init__.py":
            assert len(ast.get_docstring(ast.parse(path.read_text())) or "") > 40, path


def test_every_module_has_a_test_of_its_name_or_is_named_in_the_list():
    assert sorted(set(NAMED_ELSEWHERE) - set(MODULES)) == [], "modules that are gone"
    users = {name: {other for other, path in MODULES.items() if name in imported(path)} for name in MODULES}
    missing, unread = [], []
    for name, path in MODULES.items():
        mirror = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
        if path.name == "__init__.py" or mirror.exists():
            continue
        if name not in NAMED_ELSEWHERE:
            missing.append(name)
            continue
        test = ROOT / "tests" / NAMED_ELSEWHERE[name]
        near = {name} | users[name] | {far for user in users[name] for far in users[user]}
        if not near & imported(test) and name not in test.read_text():  # a command may be run as a process
            unread.append(name)
    assert (missing, unread) == ([], [])
