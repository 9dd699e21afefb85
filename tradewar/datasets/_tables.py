"""Read the compiled tables and what is known about them.

Every table is ``tables/<name>.npz`` (plain arrays, no pickles) with an entry in
``tables/metadata.json``: source, licence, year, unit, counts, notes and the checksums of the
source files it was made from.  Imports nothing of the package but its errors.
"""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewar.errors import DataError

__all__ = ["TABLES", "load_table", "metadata", "table_names"]

TABLES = Path(__file__).parent / "tables"


@functools.cache
def _metadata() -> dict[str, dict[str, Any]]:
    with (TABLES / "metadata.json").open(encoding="utf-8") as file:
        tables: dict[str, dict[str, Any]] = json.load(file)["tables"]
    return tables


def table_names() -> tuple[str, ...]:
    """Name every table of the package, in alphabetical order."""
    return tuple(sorted(_metadata()))


def _known(name: str) -> str:
    if name not in _metadata():
        raise DataError(f"no table {name!r}; there are: {', '.join(table_names())}")
    return name


def metadata(name: str) -> dict[str, Any]:
    """Tell what is known about a table.

    Parameters
    ----------
    name : str
        One of `table_names`.

    Returns
    -------
    dict
        ``what, source, licence, year, tariff_date, unit`` (dict column -> unit), ``rows``,
        ``counts`` (dict), ``checks`` and ``notes`` (lists), ``inputs`` (dict file -> sha256).
        A copy: changing it changes nothing.

    Raises
    ------
    DataError
        If there is no such table; the message lists those there are.
    """
    return copy.deepcopy(_metadata()[_known(name)])


def load_table(name: str) -> dict[str, NDArray[Any]]:
    """Read the arrays of a table.

    Parameters
    ----------
    name : str
        One of `table_names`.

    Returns
    -------
    dict
        Column name -> one-dimensional array (more dimensions where the metadata says so),
        read-only.  Labels are unicode strings; columns that end in ``_code`` hold positions in
        the label column of that name.

    Raises
    ------
    DataError
        If there is no such table; the message lists those there are.
    """
    return dict(_arrays(_known(name)))


@functools.lru_cache(maxsize=4)
def _arrays(name: str) -> dict[str, NDArray[Any]]:
    """Read a table; the last few are kept, as several data sets begin with the same one."""
    with np.load(TABLES / f"{name}.npz", allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    for array in arrays.values():
        array.flags.writeable = False
    return arrays
