"""The table of every public column: axes, unit, sign and meaning.

Units are written with placeholders: ``value`` stands for the data's `value_unit`.  `units` fills
them in for a frame's ``.attrs["unit"]``.  Rates, shares and elasticities are fractions and pure
numbers; ``_new`` is after the change, ``_ratio`` is new / baseline, ``_change`` is new - baseline.
Axes: n importer, i exporter, m market (product).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

__all__ = ["COLUMNS", "KEYS", "Column", "table", "units", "with_units"]

KEYS = ("exporter", "importer", "product")


class Column(NamedTuple):
    """One public column.

    Attributes
    ----------
    name : str
        The same wherever the quantity appears.
    axes : str
        What one number belongs to: ``"n i m"`` a flow, ``"n m"`` a destination of a product,
        ``"i m"`` an origin of a product, ``"c"`` a country, ``"m"`` a product.
    unit : str
        ``"value"`` is the data's value_unit; ``"fraction"``, ``"ratio"``, ``"count"``, ``"label"``.
    sign : str
        Range or meaning of the sign.
    text : str
        What it is.
    """

    name: str
    axes: str
    unit: str
    sign: str
    text: str


_FLOW = "n i m"
_TABLE = [
    ("exporter", _FLOW, "label", "", "country of origin"),
    ("importer", _FLOW, "label", "", "country of destination; equal to exporter: home sales"),
    ("product", "m", "label", "", "product; HS codes are zero-padded strings"),
    ("country", "c", "label", "", "country"),
    ("value", _FLOW, "value", ">= 0", "trade at the exporter's border price"),
    ("value_new", _FLOW, "value", ">= 0", "the same after the change, at the new border price"),
    ("tariff", _FLOW, "fraction", "> -1", "ad valorem import duty on the border value"),
    ("tariff_new", _FLOW, "fraction", "> -1", "the same after the change"),
    ("export_tax", _FLOW, "fraction", "> -1", "ad valorem export tax on the producer price"),
    ("quantity_ratio", _FLOW, "ratio", ">= 0", "quantity after / before"),
    ("producer_price_ratio", "i m", "ratio", ">= 0", "price the producer receives"),
    ("border_price_ratio", _FLOW, "ratio", ">= 0", "price at the exporter's border"),
    ("buyer_price_ratio", _FLOW, "ratio", ">= 0", "price buyers pay, duty and other costs in"),
    ("revenue", _FLOW, "value", "> 0 collected", "import duty"),
    ("revenue_new", _FLOW, "value", "> 0 collected", "import duty after the change"),
    ("revenue_change", _FLOW, "value", "> 0 more collected", "change in import duty collected"),
    ("export_tax_revenue", _FLOW, "value", "> 0 collected", "export tax"),
    ("export_tax_revenue_new", _FLOW, "value", "> 0 collected", "export tax after the change"),
    ("rent", _FLOW, "value", ">= 0", "rent of quantity controls after the change"),
    ("price_index_ratio", "n m", "ratio", "> 0", "price index of the product in a destination"),
    ("expenditure", "n m", "value", "> 0", "buyers' spending, duty included"),
    ("expenditure_new", "n m", "value", ">= 0", "the same after the change"),
    ("consumer_surplus_change", "n m", "value", "> 0 buyers gain", "change in buyers' surplus"),
    ("producer_surplus_change", "i m", "value", "> 0 producers gain", "change in surplus"),
    ("welfare_change", "c", "value", "> 0 gain", "surplus changes, revenue change and rent"),
    ("converged", "m", "flag", "", "the market was solved to the tolerance"),
    ("iterations", "m", "count", ">= 0", "iterations of the solver"),
    ("residual", "m", "ratio", ">= 0", "largest |ln demand - ln supply| over exporters"),
    ("buyers", _FLOW, "value", "> 0 cost", "extra duty borne by buyers through prices"),
    ("exporters", _FLOW, "value", "> 0 cost", "extra duty borne by exporters through prices"),
    ("lost_old_revenue", _FLOW, "value", "<= 0 lost", "old duty on trade that is gone"),
    ("trade_cost", _FLOW, "value", "< 0 cost", "buyers' payment that went into other trade costs"),
    ("licence_rent", _FLOW, "value", "<= 0", "buyers' payment that went to import licences"),
    ("bystander_prices", _FLOW, "value", "> 0 cost", "paid more to origins not targeted"),
    ("importer_share", _FLOW, "fraction", "", "part of the extra duty per unit borne by buyers"),
    ("log_pass_through", _FLOW, "ratio", "", "d ln buyer price / d ln (1 + tariff)"),
    ("loss", _FLOW, "value", "> 0 lost", "target's loss, at base buyer prices"),
    ("diversion", _FLOW, "value", "> 0 gained", "change in trade through the change in shares"),
    ("scale", _FLOW, "value", "< 0 lost", "change in trade through the change in total demand"),
    ("substitution", _FLOW, "value", "> 0 gained", "Hicksian: change at constant utility"),
    ("expansion", _FLOW, "value", "> 0 gained", "Hicksian: change through the price index"),
    ("share", _FLOW, "fraction", "", "part of the whole"),
    ("income", "c", "value", "> 0", "final spending: earned, collected or borrowed"),
    ("labour_income", "c", "value", "> 0", "value added"),
    ("rents", "c", "value", ">= 0", "pure profits in producer revenue"),
    ("tariff_revenue", "c", "value", "> 0 collected", "import duty"),
    ("deficit", "c", "value", "> 0 spends more", "spending minus income"),
    ("exports", "c", "value", ">= 0", "sales to other countries at border prices"),
    ("imports", "c", "value", ">= 0", "purchases from other countries at border prices"),
    ("output", "c m", "value", ">= 0", "producer revenue"),
    ("value_added_share", "c m", "fraction", ">= 0", "value added in cost"),
    ("final_share", "c m", "fraction", ">= 0", "part of final spending"),
    ("input_share", "c m m", "fraction", "", "input in the cost of its user"),
    ("ev", "c", "value", "> 0 gain", "welfare change as money at baseline prices"),
    ("real_wage_change", "c", "fraction", "> 0 gain", "wage after tax over consumer prices"),
    ("wage_ratio", "c", "ratio", "> 0", "wage, in units of world value added"),
    ("income_new", "c", "value", "> 0", "final spending after the change"),
    ("tariff_revenue_new", "c", "value", "> 0 collected", "import duty after the change"),
    ("deficit_new", "c", "value", "> 0 spends more", "spending minus income after the change"),
    ("exports_new", "c", "value", ">= 0", "exports after the change"),
    ("imports_new", "c", "value", ">= 0", "imports after the change"),
    ("price_ratio", "c m", "ratio", "> 0", "price of the composite good that is bought"),
    ("cost_ratio", "c m", "ratio", "> 0", "unit cost of production"),
    ("output_new", "c m", "value", ">= 0", "producer revenue after the change"),
    ("labour_income_new", "c m", "value", ">= 0", "value added after the change"),
    ("employment_ratio", "c m", "ratio", ">= 0", "labour at work"),
    ("value_change", _FLOW, "value", "> 0 more", "change in value"),
    ("spending", _FLOW, "value", ">= 0", "what buyers pay, duty in"),
    ("spending_new", _FLOW, "value", ">= 0", "the same after the change"),
    ("coverage", _FLOW, "fraction", "0 to 1", "part of a flow that a rule names by HS code"),
]

COLUMNS: dict[str, Column] = {row[0]: Column(*row) for row in _TABLE}


def units(names: Iterable[str], value_unit: str) -> dict[str, str]:
    """Give the unit of each column for ``frame.attrs["unit"]``; labels are left out.

    Parameters
    ----------
    names : iterable of str
        Columns; one that the table does not know is skipped.
    value_unit : str
        Unit of values, for example ``"USD"``.

    Examples
    --------
    >>> units(["exporter", "value", "tariff"], "USD")
    {'value': 'USD', 'tariff': 'fraction'}
    """
    known = (COLUMNS[name] for name in names if name in COLUMNS)
    return {
        column.name: value_unit if column.unit == "value" else column.unit
        for column in known
        if column.unit != "label"
    }


def with_units(frame: pd.DataFrame, value_unit: str) -> pd.DataFrame:
    """Set ``frame.attrs["unit"]`` by the frame's column names and return the frame."""
    frame.attrs["unit"] = units(frame.columns, value_unit)
    return frame


def table() -> pd.DataFrame:
    """Give the whole table as a frame: name, axes, unit, sign, text."""
    return pd.DataFrame(_TABLE, columns=list(Column._fields))
