"""What every compiled table needs: the source folder, a table under construction, its checks."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.errors import DataError

__all__ = ["Arrays", "Source", "Table", "labels"]

Arrays = dict[str, NDArray[Any]]


@dataclass
class Table:
    """Arrays of one table and what is known about them."""

    name: str
    what: str
    source: str
    licence: str
    year: int
    unit: dict[str, str]
    arrays: Arrays
    rows: int
    tariff_date: str | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    inputs: tuple[str, ...] = ()

    def check(self, what: str, found: float, expected: float, tolerance: float = 0.0) -> None:
        """Record a number that must come out, or stop: a table that misses it is not written.

        Sums of floats are recorded to 9 decimals, so that the record is the same everywhere.
        """
        if not abs(found - expected) <= tolerance:
            raise DataError(f"{self.name}: {what}: found {found}, expected {expected}")
        self.checks.append(
            {"what": what, "found": round(found, 9), "expected": expected, "tolerance": tolerance}
        )


class Source:
    """The folder of source files; remembers the checksum of each file it opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sha256: dict[str, str] = {}

    def open(self, name: str) -> io.BytesIO:
        """Read a file whole and note its checksum."""
        try:
            content = (self.folder / name).read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {self.folder / name}: {error.strerror}") from error
        self.sha256[name] = hashlib.sha256(content).hexdigest()
        return io.BytesIO(content)

    def csv(self, name: str, numbers: Mapping[str, type] | None = None) -> pd.DataFrame:
        """Read a CSV as text, so that codes keep their zeros, with `numbers` as int or float.

        Only empty fields are missing: Namibia's NA stays a label.  Numbers are converted here,
        as parsers differ between versions in the last bit.
        """
        file: io.BufferedIOBase = self.open(name)
        if name.endswith(".gz"):
            file = gzip.GzipFile(fileobj=file)
        frame = pd.read_csv(file, dtype=str, keep_default_na=False, na_values=[""])
        for column, kind in (numbers or {}).items():
            frame[column] = [kind(text) for text in frame[column].fillna("nan").tolist()]
        return frame

    def csv_rows(self, name: str) -> list[list[str]]:
        """Read a CSV without a heading as lists of text."""
        text = self.open(name).read().decode("utf-8-sig")
        return [row for row in csv.reader(text.splitlines()) if row]


def labels(values: Any) -> tuple[NDArray[np.str_], NDArray[np.intp]]:
    """Sort distinct strings; return them and the position of each value among them."""
    array = np.asarray(values, dtype=str)
    found, position = np.unique(array, return_inverse=True)
    return found, position
