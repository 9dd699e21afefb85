"""The records that go with flows: their layout, what is known about them, and their report."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from tradewar.data import TradeData

# Bits that mark rows of a TradeData.
FILLED, ESTIMATED, INTRA = 1, 2, 4


class Layout(NamedTuple):
    """Where each market's exporters, importers and flows stand; flows sorted by market, exporter.

    Attributes
    ----------
    market_ptr : int64 array, shape (M + 1,)
        Flows of market m are ``market_ptr[m]:market_ptr[m + 1]``.
    exp_ptr : int64 array, shape (M + 1,)
        Exporter slots of market m.
    exp_code : int32 array, shape (NE,)
        Country of each exporter slot.
    row_ptr : int64 array, shape (NE + 1,)
        Flows of exporter slot e are ``row_ptr[e]:row_ptr[e + 1]``.
    imp_ptr : int64 array, shape (M + 1,)
        Importer slots of market m.
    imp_code : int32 array, shape (NI,)
        Country of each importer slot.
    col : int32 array, shape (F,)
        Importer of each flow, counted within its market.
    """

    market_ptr: np.ndarray
    exp_ptr: np.ndarray
    exp_code: np.ndarray
    row_ptr: np.ndarray
    imp_ptr: np.ndarray
    imp_code: np.ndarray
    col: np.ndarray


@dataclass(frozen=True, slots=True)
class Meta:
    """What is known about the flows beside the numbers."""

    value_unit: str = "USD"
    source: str = ""
    licence: str = ""
    year: int | None = None
    tariff_date: str = ""
    notes: tuple[str, ...] = ()
    default_elasticities: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataReport:
    """What a TradeData holds; prints as a table.

    Attributes
    ----------
    rows, zero_rows : int
        Flows, and those among them with a value of zero.
    value, home_value : float
        Sum of all flows and of home sales, in `value_unit`.
    value_unit : str
    countries, exporters, destinations, products : int
        Distinct labels.
    one_destination : bool
        No product has more than one destination: `supply` is then *residual* export supply.
    one_destination_products : int
        Products with a single destination.
    home_sales : bool
        Some rows have exporter == importer: `demand` is then the elasticity of total demand.
    home_rows : int
    filled_tariffs : int
        Rows whose missing tariff was filled in.
    estimated_rows : int
        Rows added or marked as estimates.
    intra_rows : int
        Home rows that hold flows between members of an aggregate.
    """

    rows: int
    zero_rows: int
    value: float
    value_unit: str
    countries: int
    exporters: int
    destinations: int
    products: int
    one_destination: bool
    one_destination_products: int
    home_sales: bool
    home_rows: int
    home_value: float
    filled_tariffs: int
    estimated_rows: int
    intra_rows: int

    def to_frame(self) -> pd.DataFrame:
        """Give the report as a frame with columns item and value."""
        items = [f.name for f in fields(self)]
        return pd.DataFrame({"item": items, "value": [getattr(self, item) for item in items]})

    def lines(self) -> list[tuple[str, str]]:
        """Give the report as pairs of label and text."""
        destinations = f"{self.destinations:,}"
        if self.one_destination:
            destinations += " (one for each product)"
        elif self.one_destination_products:
            destinations += f" (one only for {self.one_destination_products:,} products)"
        home = "none"
        if self.home_sales:
            home = f"{self.home_rows:,} rows, {self.home_value:,.6g} {self.value_unit}"
        pairs = [
            ("flows", f"{self.rows:,} ({self.zero_rows:,} of them zero)"),
            ("value", f"{self.value:,.6g} {self.value_unit}"),
            ("countries", f"{self.countries:,} ({self.exporters:,} export)"),
            ("destinations", destinations),
            ("products", f"{self.products:,}"),
            ("home sales", home),
        ]
        counts = {
            "tariffs filled in": self.filled_tariffs,
            "estimated": self.estimated_rows,
            "trade within aggregates": self.intra_rows,
        }
        return pairs + [(label, f"{n:,} rows") for label, n in counts.items() if n]

    def __repr__(self) -> str:
        return "\n".join(f"{label:<24}{text}" for label, text in self.lines())

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th>{html.escape(label)}</th><td>{html.escape(text)}</td></tr>"
            for label, text in self.lines()
        )
        return f"<table>{cells}</table>"


def count(data: TradeData) -> DataReport:
    """Count rows, zeros, destinations and home sales of flows."""
    home = np.flatnonzero(data._exporter == data._importer)
    per_product = np.diff(data._layout.imp_ptr)

    def flagged(bit: int) -> int:
        return 0 if data._flags is None else int(np.count_nonzero(data._flags & bit))

    return DataReport(
        rows=len(data),
        zero_rows=len(data) - int(np.count_nonzero(data._value)),
        value=float(data._value.sum()),
        value_unit=data.value_unit,
        countries=len(data._countries),
        exporters=len(np.unique(data._layout.exp_code)),
        destinations=len(np.unique(data._layout.imp_code)),
        products=len(data._products),
        one_destination=bool((per_product <= 1).all()),
        one_destination_products=int(np.count_nonzero(per_product == 1)),
        home_sales=bool(home.size),
        home_rows=int(home.size),
        home_value=float(data._value[home].sum()),
        filled_tariffs=flagged(FILLED),
        estimated_rows=flagged(ESTIMATED),
        intra_rows=flagged(INTRA),
    )
