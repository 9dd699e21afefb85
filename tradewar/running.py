"""What every solver call shares: threads, progress bars, versions, and the checks of options."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from tradewar.errors import DataError

__all__ = ["bar", "check_choices", "check_count", "check_tol", "threads_of", "versions"]

ON_ERROR = ("raise", "record")


def threads_of(threads: int | None) -> int:
    """Give the number of threads wanted: None is all cores this process may use."""
    if threads is not None:
        return int(threads)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def bar(items: Any, total: int, unit: str) -> Any:
    """Make a progress bar; tqdm is imported here and nowhere else."""
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise DataError("progress=True needs tqdm: pip install tqdm") from error
    return tqdm(items, total=total, unit=unit)


def versions(core: str) -> dict[str, str]:
    """Name the versions that a result depends on; `core` is that of the extension."""
    return {
        "tradewar": core,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
    }


def check_choices(choices: Iterable[tuple[str, Any, Iterable[str]]]) -> None:
    """Refuse an option that is none of its choices: (name, given, known)."""
    for name, got, known in choices:
        if got not in known:
            raise DataError(f"{name}={got!r}: choose one of {', '.join(map(repr, known))}")


def check_count(name: str, given: Any, otherwise: str) -> None:
    """Refuse what is no whole number above 0; None passes where `otherwise` says what it means."""
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
    if (given is None and otherwise) or (whole and given >= 1):
        return
    tail = f", or None for {otherwise}" if otherwise else ""
    raise DataError(f"{name}={given!r}: give a whole number >= 1{tail}")


LOOSEST = 1e-4  # of a market's value: above it a solution is no better than its linearisation


def check_tol(tol: Any) -> None:
    """Refuse a tolerance that is no number above 0, or too loose to call its end a solution."""
    if not (isinstance(tol, int | float) and 0 < tol <= LOOSEST):
        raise DataError(f"tol={tol!r}: give a number between 0 and {LOOSEST:g}")
