"""Checks that hold for every test: shapes of public functions, one compile cache, keys that are used once."""

import gc
import os
import resource
from pathlib import Path

# Set in the environment, so that processes started by tests have them too. Most of a cold run is compilation, and XLA's
# short way through it costs a fifth of the usual one; a program compiled in one piece, not cut up for many threads, a
# quarter less again. What XLA_FLAGS says already comes last and wins:
# XLA_FLAGS="--xla_backend_optimization_level=3 --xla_cpu_use_fusion_emitters=true" tests what users run.
os.environ["XLA_FLAGS"] = " ".join(
    ["--xla_backend_optimization_level=0", "--xla_cpu_use_fusion_emitters=false",
     "--xla_cpu_parallel_codegen_split_count=1", os.environ.get("XLA_FLAGS", "")]
)  # fmt: skip
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")  # even a small one costs more than a read
os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")  # programs without the lines that they come from

import jax
import pytest
from jaxtyping import install_import_hook
from matplotlib.figure import Figure

jax.config.update("jax_num_cpu_devices", 8)

gc.set_threshold(100_000, 10, 10)  # tracing makes many small objects: looking for garbage took a tenth of the time

install_import_hook(["theory", "valuation", "models"], "beartype.beartype")


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """Every compiled function keeps 1.5 MB and more: a process that has held 2 GB lets go of them after each file."""
    yield
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 2_000_000:
        jax.clear_caches()


@pytest.fixture
def each_key_once():
    """A key that is used twice fails the test: for tests of what draws random numbers, since others take twice as long.

    JAX then looks at each step of all that is traced, and calls no compiled function its short way.
    """
    jax.config.update("jax_debug_key_reuse", True)
    yield
    jax.config.update("jax_debug_key_reuse", False)


def _unrendered():
    """Figures are made, and their files are empty: most of a small run would be rendering."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", lambda self, file, **_: None)
        yield


unrendered = pytest.fixture(_unrendered)
unrendered_here = pytest.fixture(_unrendered, scope="module")


@pytest.fixture(scope="module")
def quick_fits():
    """Fits of scaling laws are thousands of calls of two functions, which run three times as fast with more effort."""
    from theory import likelihood  # after the hook

    with pytest.MonkeyPatch.context() as patch:
        for name in ("_log_errors", "_grid_shapes"):
            plain = getattr(likelihood, name).__wrapped__
            options = {"xla_backend_optimization_level": 1}
            patch.setattr(likelihood, name, jax.jit(plain, static_argnums=0, compiler_options=options))
        yield


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield
