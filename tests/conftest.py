"""Checks that hold for every test: shapes of public functions, no key used twice, one compile cache."""

import os
import resource
from pathlib import Path

# Set in the environment, so that processes started by tests have them too. Most of a cold run is compilation, and XLA's
# short way through it costs a fifth of the usual one. What XLA_FLAGS says already comes last and wins:
# XLA_FLAGS="--xla_backend_optimization_level=3 --xla_cpu_use_fusion_emitters=true" tests what users run.
os.environ["XLA_FLAGS"] = " ".join(
    ["--xla_backend_optimization_level=0", "--xla_cpu_use_fusion_emitters=false", os.environ.get("XLA_FLAGS", "")]
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")  # even a small one costs more than a read

import jax
import pytest
from jaxtyping import install_import_hook

jax.config.update("jax_num_cpu_devices", 8)

install_import_hook(["theory", "valuation", "models"], "beartype.beartype")


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """Every compiled function keeps 1.5 MB and more: a process that has held 2 GB lets go of them after each file."""
    yield
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 2_000_000:
        jax.clear_caches()


@pytest.fixture(scope="module", autouse=True)
def keys(request):
    """No key is used twice. A module without keys may say KEYS = False: the check slows down every call of a jit."""
    jax.config.update("jax_debug_key_reuse", getattr(request.module, "KEYS", True))


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield
