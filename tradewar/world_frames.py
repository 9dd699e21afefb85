"""What a world shows: labels, frames of flows, income and production, checks, the printed table."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tradewar import world_balance, world_checks
from tradewar._display import money_scale, percent
from tradewar.data import TradeData
from tradewar.schema import with_units
from tradewar.world_balance import Accounts, Tables
from tradewar.world_checks import Check

__all__ = ["ARRAYS", "WorldFrames"]

ARRAYS = ("trade", "tariff", "export_tax", "theta", "rents", "scale", "value_added", "input_use")
NO_DEFICIT = 1e-9  # of income: a deficit within rounding


class WorldFrames:
    """The reading half of `World`: frames made on demand from its private arrays."""

    __slots__ = ()
    _data: TradeData
    _trade: np.ndarray  # [importer, exporter, product], value_unit
    _tariff: np.ndarray  # the same axes, fraction; 0 where there is no flow
    _export_tax: np.ndarray | None
    _theta: np.ndarray  # [product]
    _rents: np.ndarray  # [product], share of revenue
    _scale: np.ndarray  # [product]
    _value_added: np.ndarray  # [country, product], share of cost
    _input_use: np.ndarray  # [country, input, user], share of cost
    _final_share: np.ndarray  # [country, product]
    _deficit: np.ndarray  # [country], value_unit
    _expenditure: np.ndarray  # [country, product], duty included
    _output: np.ndarray  # [country, product], producer revenue
    _labour_income: np.ndarray  # [country]
    _income: np.ndarray  # [country], equal to final spending
    _checks: tuple[Check, ...]  # what was supplied against what the flows imply
    _report: tuple[tuple[str, float, str, str], ...]

    # ---- what it holds ------------------------------------------------------------------------

    @property
    def countries(self) -> tuple[str, ...]:
        """Countries, sorted: the order of every private array."""
        return tuple(self._data._countries)

    @property
    def products(self) -> tuple[str, ...]:
        """Products (sectors), sorted."""
        return tuple(self._data._products)

    @property
    def _countries(self) -> tuple[str, ...]:
        return self.countries

    @property
    def _products(self) -> tuple[str, ...]:
        return self.products

    @property
    def value_unit(self) -> str:
        """Unit of all values."""
        return self._data.value_unit

    @property
    def source(self) -> str:
        """Where the tables come from."""
        return self._data.source

    @property
    def licence(self) -> str:
        """Licence of the source."""
        return self._data.licence

    @property
    def year(self) -> int | None:
        """Year of the tables."""
        return self._data.year

    @property
    def tariff_date(self) -> str:
        """Date the tariffs stood on."""
        return self._data.tariff_date

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, filled in or left out."""
        return self._data.notes

    @property
    def extra(self) -> Mapping[str, Any]:
        """Side tables of a dataset."""
        return self._data.extra

    @property
    def _tables(self) -> Tables:
        return Tables(*(getattr(self, "_" + name) for name in ARRAYS))

    @property
    def _accounts(self) -> Accounts:
        return world_balance.accounts(self._tables)

    @property
    def flows(self) -> pd.DataFrame:
        """Flows above zero: exporter importer product value tariff, and export_tax where any."""
        return self._data.to_frame()

    @property
    def income(self) -> pd.DataFrame:
        """Income and spending by country.

        Returns
        -------
        DataFrame
            Index country; income (final spending), labour_income (value added), rents,
            tariff_revenue, export_tax_revenue, deficit (income is the sum of these five), exports
            and imports at border prices without home sales, all in `value_unit`.
        """
        acc = self._accounts
        pair = self._trade.sum(axis=2)
        home = np.diagonal(pair)
        frame = pd.DataFrame(
            {
                "income": acc.income,
                "labour_income": acc.labour_income,
                "rents": acc.rents,
                "tariff_revenue": acc.tariff_revenue,
                "export_tax_revenue": acc.export_revenue,
                "deficit": acc.deficit,
                "exports": pair.sum(axis=0) - home,
                "imports": pair.sum(axis=1) - home,
            },
            index=pd.Index(self.countries, name="country", dtype=str),
        )
        return with_units(frame, self.value_unit)

    @property
    def industries(self) -> pd.DataFrame:
        """Production and spending by country and product.

        Returns
        -------
        DataFrame
            country product output (producer revenue) value_added_share (of cost) expenditure
            (purchases, duty included) final_share (of final spending).
        """
        names, goods = self._data._countries, self._data._products
        frame = pd.DataFrame(
            {
                "country": names.repeat(len(goods)),
                "product": np.tile(goods, len(names)),
                "output": self._output.ravel(),
                "value_added_share": self._value_added.ravel(),
                "expenditure": self._expenditure.ravel(),
                "final_share": self._final_share.ravel(),
            }
        )
        return with_units(frame, self.value_unit)

    @property
    def inputs(self) -> pd.DataFrame:
        """Input use: country input user input_share (of the user's cost), zeros left out."""
        n, k, j = np.nonzero(self._input_use)
        names, goods = self._data._countries, self._data._products
        frame = pd.DataFrame(
            {
                "country": names.take(n),
                "input": goods.take(k),
                "user": goods.take(j),
                "input_share": self._input_use[n, k, j],
            }
        )
        return with_units(frame, self.value_unit)

    @property
    def parameters(self) -> pd.DataFrame:
        """Index product: theta, substitution (theta + 1), rent_share (of revenue), scale."""
        frame = pd.DataFrame(
            {
                "theta": self._theta,
                "substitution": self._theta + 1.0,
                "rent_share": self._rents,
                "scale": self._scale,
            },
            index=pd.Index(self.products, name="product", dtype=str),
        )
        frame.attrs["unit"] = dict.fromkeys(frame.columns, "pure number")
        return frame

    def check(self) -> pd.DataFrame:
        """Check every identity and sign.

        Returns
        -------
        DataFrame
            check, value (the largest violation, or the least or largest number), tolerance, ok,
            where (labels of the worst place, or of the first five).  All values are pure numbers.
            Rows that are not ok are worth a look; under ``balance="raise"`` identities always hold.
            No table tells whether exporter and importer are transposed: the last row names a flow
            to compare with what you know.
        """
        rows = world_checks.checks(
            self._tables, self._final_share, self._deficit, self.countries, self.products
        )
        frame = pd.DataFrame([*self._checks, *rows], columns=list(Check._fields))
        frame.attrs["unit"] = {"value": "pure number", "tolerance": "pure number"}
        return frame

    @property
    def report(self) -> pd.DataFrame:
        """What reading and balancing changed: item, value, unit, where; empty where nothing."""
        return pd.DataFrame(list(self._report), columns=["item", "value", "unit", "where"])

    # ---- how it looks -------------------------------------------------------------------------

    def summary(self) -> pd.DataFrame:
        """Give the small table that stands for the world: index item, column value (text)."""
        acc = self._accounts
        foreign = self._trade.sum() - np.einsum("nnj->", self._trade)
        money = money_scale(self.value_unit, float(acc.income.sum()))
        duty = float(acc.tariff_revenue.sum() / foreign) if foreign > 0 else 0.0
        worst = int(np.argmax(np.abs(acc.deficit)))
        deficit = f"{money.text(acc.deficit[worst])} ({self.countries[worst]})"
        if np.abs(acc.deficit / acc.income).max() <= NO_DEFICIT:
            deficit = "none"
        low, high = self._theta.min(), self._theta.max()
        inputs = float((self._input_use.sum(axis=1) * (1 - self._rents) * self._output).sum())
        rows = {
            "countries": f"{len(self.countries):,}",
            "products": f"{len(self.products):,}",
            "flows": f"{len(self._data):,}",
            "value added": money.text(float(acc.labour_income.sum())),
            "trade between countries": money.text(float(foreign)),
            "mean tariff on it": percent(duty),
            "inputs, share of output": percent(inputs / float(self._output.sum())),
            "largest deficit": deficit,
            "theta": f"{low:g}" if low == high else f"{low:g} to {high:g}",
        }
        if self._rents.any():
            rows["rents, share of revenue"] = percent(float(acc.rents.sum() / self._output.sum()))
        if self._scale.any():
            rows["scale elasticity"] = f"up to {self._scale.max():g}"
        failed = int((~self.check()["ok"]).sum())
        rows["checks"] = "all hold" if not failed else f"{failed} to look at: see check()"
        return pd.DataFrame({"value": rows}).rename_axis("item")

    def _heading(self) -> str:
        return " ".join(str(x) for x in ("World", self.year or "", self.source) if x)

    def __repr__(self) -> str:
        body = self.summary()["value"]
        lines = [f"{item:<26}{text}" for item, text in body.items()]
        return "\n".join([self._heading(), *lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        heading = f"<p><b>{html.escape(self._heading())}</b></p>"
        return heading + self.summary().to_html(header=False) + notes
