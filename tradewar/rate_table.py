"""RateTable: rates flow by flow, as one argument of a rule.

A schedule sets thousands of different rates; as one rule a flow they would be slow to run and
unreadable.  A table is compared and hashed by what it holds, written to JSON and read back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from tradewar.errors import ScenarioError
from tradewar.frames import Keys, Table

__all__ = ["RateTable"]

KEYS = ("importer", "exporter", "product")
DENSE = 16  # cells of a lookup by place for each flow; beyond, flows are searched


class RateTable:
    """Rates by importer, exporter and product; immutable.

    Attributes
    ----------
    labels : tuple of three tuples of str
        Importers, exporters, products, each sorted.
    codes : three int32 arrays, shape (R,)
        Position of each row's label, sorted by product, exporter, importer.
    rate : float64 array, shape (R,), fraction > -1
    """

    __slots__ = ("_digest", "codes", "labels", "rate")
    labels: tuple[tuple[str, ...], ...]
    codes: tuple[np.ndarray, ...]
    rate: np.ndarray
    _digest: str

    def __init__(self, keys: tuple[Keys, Keys, Keys], rate: np.ndarray) -> None:
        labels, codes = [], []
        for key in keys:
            used = np.unique(key.codes)
            names = np.array([key.labels[k] for k in used.tolist()], dtype=str)
            order = np.argsort(names)
            place = np.zeros(int(used.max(initial=0)) + 1, dtype=np.int32)
            place[used[order]] = np.arange(len(used), dtype=np.int32)
            labels.append(tuple(names[order].tolist()))
            codes.append(place[key.codes])
        order = np.lexsort((codes[0], codes[1], codes[2]))
        codes = [code[order] for code in codes]
        values = np.ascontiguousarray(rate[order], dtype=np.float64)
        same = np.ones(max(len(values) - 1, 0), dtype=bool)
        for code in codes:
            same &= code[1:] == code[:-1]
        if same.any():
            k = int(np.flatnonzero(same)[0])
            named = " ".join(names[code[k]] for names, code in zip(labels, codes, strict=True))
            raise ScenarioError(f"the table of rates has {named} twice; give each flow one rate")
        bad = np.flatnonzero(~(np.isfinite(values) & (values > -1)))
        if bad.size:
            k = int(bad[0])
            named = " ".join(names[code[k]] for names, code in zip(labels, codes, strict=True))
            raise ScenarioError(f"the rate of {named} is {values[k]:g}: give fractions above -1")
        digest = hashlib.sha256(json.dumps(labels).encode())
        for array in (*codes, values):
            array.flags.writeable = False
            digest.update(array.tobytes())
        for name, part in (
            ("labels", tuple(labels)),
            ("codes", tuple(codes)),
            ("rate", values),
            ("_digest", digest.hexdigest()),
        ):
            object.__setattr__(self, name, part)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"RateTable is immutable: cannot set {name!r}")

    @classmethod
    def of(cls, given: Any) -> RateTable:
        """Read a frame importer exporter product tariff, what `as_plain` gave, or a table."""
        if isinstance(given, RateTable):
            return given
        if isinstance(given, str):
            try:
                given = json.loads(given)
            except json.JSONDecodeError as error:
                raise ScenarioError(f"rates= is text, but no JSON of a table: {error}") from None
        if isinstance(given, Mapping):
            try:
                keys = [
                    Keys(np.asarray(given[k]["codes"], np.int64), list(given[k]["labels"]))
                    for k in KEYS
                ]
                return cls((keys[0], keys[1], keys[2]), np.asarray(given["tariff"], np.float64))
            except (KeyError, TypeError, IndexError) as error:
                raise ScenarioError(f"rates= is no table of rates: {error!r}") from None
        try:
            table = Table(given, required=(*KEYS, "tariff"), what="the table of rates")
            keys = [table.keys(name) for name in KEYS]
            rate = table.number("tariff")
        except ValueError as error:
            raise ScenarioError(str(error)) from None
        return cls((keys[0], keys[1], keys[2]), rate)

    def as_plain(self) -> dict[str, Any]:
        """Give the table as lists, for JSON."""
        keys = {
            name: {"labels": list(labels), "codes": codes.tolist()}
            for name, labels, codes in zip(KEYS, self.labels, self.codes, strict=True)
        }
        return {**keys, "tariff": self.rate.tolist()}

    def to_frame(self) -> pd.DataFrame:
        """Give the table as a long frame: importer exporter product tariff (fraction)."""
        columns = {
            name: pd.Index(labels, dtype=str).take(codes)
            for name, labels, codes in zip(KEYS, self.labels, self.codes, strict=True)
        }
        frame = pd.DataFrame({**columns, "tariff": self.rate.copy()})
        frame.attrs["unit"] = {"tariff": "fraction"}
        return frame

    def find(
        self, countries: list[str], products: list[str], codes: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the flows that the table names.

        Parameters
        ----------
        countries, products : list of str
            Labels of the data.
        codes : three int arrays, shape (F,)
            Importer, exporter and product of each flow, codes into those.

        Returns
        -------
        flows : int64 array
            Positions of flows, rising.
        rows : int64 array
            The table's row of each.
        """
        spaces = (countries, countries, products)
        theirs, mine = [], []
        for names, labels, code, own in zip(spaces, self.labels, codes, self.codes, strict=True):
            place = {label: k for k, label in enumerate(labels)}
            to_ours = np.array([place.get(name, -1) for name in names], dtype=np.int64)
            theirs.append(to_ours[code])
            mine.append(own.astype(np.int64))
        known = (theirs[0] >= 0) & (theirs[1] >= 0) & (theirs[2] >= 0)
        flows = np.flatnonzero(known)
        n, m = len(self.labels[0]), len(self.labels[1])
        wanted = (theirs[2][flows] * m + theirs[1][flows]) * n + theirs[0][flows]
        have = (mine[2] * m + mine[1]) * n + mine[0]  # rising: rows are sorted so
        cells = n * m * len(self.labels[2])
        if cells <= DENSE * max(len(have), len(wanted)):
            row = np.full(cells, -1, dtype=np.int64)
            row[have] = np.arange(len(have))
            at = row[wanted]
            hit = at >= 0
        else:
            at = np.minimum(np.searchsorted(have, wanted), max(len(have) - 1, 0))
            hit = have[at] == wanted if len(have) else np.zeros(len(wanted), dtype=bool)
        return flows[hit], at[hit]

    def __len__(self) -> int:
        return len(self.rate)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RateTable) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __reduce__(self) -> tuple[Any, ...]:
        keys = tuple(
            Keys(code, list(names)) for code, names in zip(self.codes, self.labels, strict=True)
        )
        return RateTable, (keys, self.rate)

    def __repr__(self) -> str:
        low, high = float(self.rate.min(initial=np.inf)), float(self.rate.max(initial=-np.inf))
        names = ", ".join(self.labels[0][:3]) + (", ..." if len(self.labels[0]) > 3 else "")
        return (
            f"<{len(self):,} rates from {low:.4g} to {high:.4g}: importer {names}; "
            f"{len(self.labels[1])} exporters, {len(self.labels[2]):,} products>"
        )
