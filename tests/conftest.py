"""Checks that hold for every test: shapes of public functions, no key used twice, one compile cache."""

import os
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".jax_cache"))

import jax
import pytest
from jaxtyping import install_import_hook

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
jax.config.update("jax_debug_key_reuse", True)

install_import_hook(["theory", "valuation", "models"], "beartype.beartype")


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield
