"""``import tradewar`` is quiet and light."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tradewar as tw

PARENT = str(Path(tw.__file__).parents[1])
LIMIT = 0.1  # seconds that the import may add to `import numpy, pandas`
TRIES = 7

TIMED = """
import time
import numpy, pandas
start = time.perf_counter()
import tradewar
print(time.perf_counter() - start)
"""

LOADED = """
import sys, threading, warnings
import numpy, pandas
before = set(sys.modules)
filters = list(warnings.filters)
import tradewar
assert warnings.filters == filters, "the import changed the warning filters"
assert threading.active_count() == 1, "the import started a thread"
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before}))
"""


def run(code: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that finds the tested package."""
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": PARENT, **variables},
        check=False,
    )


@pytest.mark.native
def test_import_is_light(tmp_path):
    # Bytecode is kept, as in an installed package, whatever this machine's settings are.
    cache = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    run(TIMED, **cache)
    times = [float(run(TIMED, **cache).stdout) for _ in range(TRIES)]
    assert min(times) <= LIMIT


@pytest.mark.native
def test_import_is_quiet():
    result = run("import tradewar", "-W", "error")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.native
def test_import_loads_no_heavy_package():
    result = run(LOADED)
    assert result.returncode == 0, result.stderr
    loaded = set(result.stdout.split())
    heavy = {"matplotlib", "scipy", "polars", "pyarrow", "tqdm", "IPython", "multiprocessing"}
    assert not loaded & heavy
    assert "tradewar" in loaded


@pytest.mark.native
def test_core_can_be_imported_first():
    result = run("from tradewar import _core; print(_core.__version__)")
    assert (result.stdout.strip(), result.stderr) == (tw.__version__, "")
