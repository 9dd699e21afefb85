"""Real trade data that comes with the package, ready for a solver.

`us_imports_2024`, `world_trade_2022`, `bilateral_2023` and `china_imports_from_us_2017` return a
`TradeData` each; `icio_2022`, `icio_2017` and `bilateral_2023_world` a `World`; `china_soybeans`
and `rare_earths` a set of frames with a way to a `TradeData`; `trade_war_2018_19` are scenarios;
`list` tells what there is.  ``tradewar.datasets._compile`` makes the tables from public statistics;
they keep the licences of their sources, see `.source` and `.licence`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tradewar.data import TradeData
from tradewar.datasets._china import china_imports_from_us_2017
from tradewar.datasets._controls import ChinaSoybeans, RareEarths, china_soybeans, rare_earths
from tradewar.datasets._names import HS2_NAMES
from tradewar.datasets._tables import load_table, metadata
from tradewar.datasets._worlds import (
    bilateral_2023_world,
    icio_2017,
    icio_2022,
    trade_war_2018_19,
)
from tradewar.errors import DataError
from tradewar.records import ESTIMATED

__all__ = [
    "ChinaSoybeans",
    "RareEarths",
    "bilateral_2023",
    "bilateral_2023_world",
    "chapter_names",
    "china_imports_from_us_2017",
    "china_soybeans",
    "hs6_to_icio22",
    "icio_2017",
    "icio_2022",
    "list",
    "october_2025_added",
    "rare_earths",
    "trade_war_2018_19",
    "us_imports_2024",
    "world_trade_2022",
]

_VALUE_UNIT = {
    "us_imports_2024": "USD",
    "world_trade_2022": "million USD",
    "bilateral_2023": "thousand USD",
    "china_soybeans": "t; USD",
    "rare_earths": "t; USD",
    "icio_2022": "million USD",
    "icio_2017": "million USD",
    "china_imports_from_us_2017": "thousand USD",
}
_TARIFFS = ("collected_2024", "october_2025")
_OCTOBER = "us_added_2025_10_14"


def list() -> pd.DataFrame:
    """List the data sets.

    Returns
    -------
    DataFrame
        name (the function that loads it), what, year, unit (of values), source, licence, rows
        (flows in the table).

    Examples
    --------
    >>> list()["name"].tolist()[:3]
    ['us_imports_2024', 'world_trade_2022', 'bilateral_2023']
    """
    rows = []
    for name, unit in _VALUE_UNIT.items():
        known = metadata(name)
        row = {key: known[key] for key in ("what", "year", "source", "licence", "rows")}
        rows.append({"name": name, "unit": unit, **row})
    columns = ["name", "what", "year", "unit", "source", "licence", "rows"]
    return pd.DataFrame(rows)[columns]


def us_imports_2024(*, tariffs: str = "collected_2024") -> TradeData:
    """Load US imports for consumption of 2024 by HS6 product and 50 partners.

    Parameters
    ----------
    tariffs : {"collected_2024", "october_2025"}, default "collected_2024"
        Duty collected in 2024 over customs value, by flow; or that plus the partner's added duty
        of 14 October 2025 (`october_2025_added`), the same on all its goods.  Values are those of
        2024 either way: they have not adjusted to the duties of October 2025.  To let them
        adjust, solve a `Scenario` from the 2024 data and `rebase`.

    Returns
    -------
    TradeData
        USD; importer USA; partners by ISO3 code, the European Union as EU27; HS6 products outside
        HS 98-99.  One destination and no home sales.  ``.extra`` holds

        ``partners``
            exporter, value and duty (USD, all goods), held_out (USD, HS 98-99), products,
            collected_rate (fraction, outside HS 98-99), added_october_2025 (fraction);
        ``held_out``
            HS 98-99: exporter, chapter, value, duty (USD);
        ``counts``
            what was dropped and counted when the table was compiled.

    Raises
    ------
    DataError
        `tariffs` is not one of the two.

    Examples
    --------
    >>> data = us_imports_2024()
    >>> data.report.products, data.report.exporters, data.tariff_date
    (5479, 50, '2024')
    """
    if tariffs not in _TARIFFS:
        raise DataError(f"tariffs={tariffs!r}: give {_TARIFFS[0]!r} or {_TARIFFS[1]!r}")
    table, known = load_table("us_imports_2024"), metadata("us_imports_2024")
    exporter = table["exporter_code"]
    value = table["value"].astype(np.float64)
    rate = table["duty"] / value
    source, licence, date = known["source"], known["licence"], known["tariff_date"]
    notes = [*known["notes"]]
    if tariffs == "october_2025":
        added = metadata(_OCTOBER)
        rate += october_2025_added().to_numpy()[exporter]
        source += f"; added duty: {added['source']}"
        licence += f"; added duty: {added['licence']}"
        date = added["tariff_date"]
        notes.append(
            "Tariffs are the rates collected in 2024 plus the partner's added duty of 14 October "
            "2025, the same on all its goods; values are still those of 2024, before any "
            "response to it. The usual way is a Scenario from the 2024 data."
        )
        notes += added["notes"]
    return TradeData._from_arrays(
        exporter=exporter,
        importer=np.full(len(value), len(table["exporter"])),
        product=table["product_code"],
        value=value,
        tariff=rate,
        countries=[*table["exporter"].tolist(), "USA"],
        products=table["product"].tolist(),
        value_unit=_VALUE_UNIT["us_imports_2024"],
        source=source,
        licence=licence,
        year=known["year"],
        tariff_date=date,
        notes=tuple(notes),
        default_elasticities="us_2018_19",
        extra={
            "partners": _us_partners(table),
            "held_out": _held_out(),
            "counts": known["counts"],
        },
    )


def _held_out() -> pd.DataFrame:
    """Give US imports under HS 98-99: exporter chapter value duty."""
    frame = pd.DataFrame(load_table("us_held_out_2024"))
    frame.attrs["unit"] = {"value": "USD", "duty": "USD"}
    return frame


def _us_partners(table: dict[str, Any]) -> pd.DataFrame:
    """Sum up US imports by partner."""
    exporter, n = table["exporter_code"], len(table["exporter"])
    value, duty = (
        np.bincount(exporter, weights=table[name], minlength=n) for name in ("value", "duty")
    )
    held = _held_out().groupby("exporter")[["value", "duty"]].sum().reindex(table["exporter"])
    held = held.fillna(0.0)
    frame = pd.DataFrame(
        {
            "exporter": table["exporter"],
            "value": value + held["value"].to_numpy(),
            "duty": duty + held["duty"].to_numpy(),
            "held_out": held["value"].to_numpy(),
            "products": np.bincount(exporter, minlength=n),
            "collected_rate": duty / value,
            "added_october_2025": october_2025_added().to_numpy(),
        }
    )
    money = dict.fromkeys(("value", "duty", "held_out"), "USD")
    rates = dict.fromkeys(("collected_rate", "added_october_2025"), "fraction")
    frame.attrs["unit"] = {**money, "products": "count", **rates}
    return frame


def october_2025_added() -> pd.Series:
    """Give the duty that the United States added since 2024, in force on 14 October 2025.

    Returns
    -------
    Series, fraction of customs value
        Index exporter (the 50 partners of `us_imports_2024`), name added: the mean over all goods
        of the partner with 2024 weights, exempt goods included.  Some oil exporters look too
        high; see ``.attrs["notes"]``.

    Examples
    --------
    >>> f"{october_2025_added()['CHN']:.4f}"
    '0.3102'
    """
    table, known = load_table(_OCTOBER), metadata(_OCTOBER)
    index = pd.Index(table["exporter"].tolist(), name="exporter", dtype=str)
    added = pd.Series(table["added"].copy(), index=index, name="added")
    added.attrs = {key: known[key] for key in ("source", "licence", "tariff_date", "notes")}
    added.attrs["unit"] = "fraction"
    return added


def world_trade_2022() -> TradeData:
    """Load goods trade of 80 economies and the rest of the world in 2022, home sales included.

    Many destinations and a home good: deflection and what home producers gain are identified.

    Returns
    -------
    TradeData
        Million USD at basic prices; 27 goods sectors of ICIO as products.  Partly estimated:
        every cross-border flow is flagged, see ``.report``, ``.notes`` and estimated_share below.
        ROW has no home sales: its trade within itself is not in the source.
        Tariffs are known for importer USA alone (collected in 2024, by partner and sector) and
        are 0.0 elsewhere: points that a scenario adds are exact, levels of other importers and
        ``set=`` or ``scale=`` rules on them are not.  ``.extra`` holds

        ``sectors``
            product, name, coarse (sector of the 22), group, cp2015 (trade elasticity),
            estimated_share (of cross-border value);
        ``us_tariff``
            exporter, product, tariff (fraction), basis (what the rate was collected from);
        ``counts``
            what was dropped and counted when the table was compiled.

    Examples
    --------
    >>> data = world_trade_2022()
    >>> data.report.countries, data.report.products, data.report.home_sales
    (81, 27, True)
    """
    table, known = load_table("world_trade_2022"), metadata("world_trade_2022")
    duty, basis = load_table("us_tariff_icio_2024"), metadata("us_tariff_icio_2024")
    country, products = table["country"].tolist(), table["product"].tolist()
    exporter, importer, product = (
        table[f"{name}_code"].astype(np.int32) for name in ("exporter", "importer", "product")
    )
    rates = np.zeros((len(country), len(products)))
    place = [{label: k for k, label in enumerate(labels)} for labels in (country, products)]
    at = tuple(
        np.array([where[label] for label in duty[name].tolist()])
        for where, name in zip(place, ("exporter", "product"), strict=True)
    )
    rates[at] = duty["tariff"]
    from_abroad = exporter != importer
    tariff = np.where(
        (importer == country.index("USA")) & from_abroad, rates[exporter, product], 0.0
    )

    sectors = pd.DataFrame(load_table("icio_sectors"))
    sectors["estimated_share"] = table["estimated_share"]
    text = np.array([part.partition(" ")[2] for part in basis["unit"]["basis"].split("; ")])
    us_tariff = pd.DataFrame({**duty, "basis": text[duty["basis"]]})
    us_tariff.attrs["unit"] = {"tariff": "fraction"}
    borrowed = basis["counts"]["collected from customs partners outside the 80 economies"]
    return TradeData._from_arrays(
        exporter=exporter,
        importer=importer,
        product=product,
        value=table["value"].astype(np.float64),
        tariff=tariff,
        flags=from_abroad.astype(np.uint8) * np.uint8(ESTIMATED),
        countries=country,
        products=products,
        value_unit=_VALUE_UNIT["world_trade_2022"],
        source=f"{known['source']}; US tariffs: {basis['source']}",
        licence=f"{known['licence']} (OECD); US tariffs: {basis['licence']}",
        year=known["year"],
        tariff_date=f"{basis['tariff_date']} (importer USA only)",
        notes=(
            "Base tariffs of importers other than the USA are not in this table and stand at 0: "
            "added points are exact, levels are not.",
            "US tariffs are what customs collected in 2024 on 2022 flows; members of the European "
            f"Union carry the rate of EU27, and {borrowed} of {basis['rows']:,} pairs of partner "
            "and sector, ROW included, the mean of the partners that customs names outside the 80 "
            "economies (.extra['us_tariff'] says which).",
            *known["notes"],
        ),
        default_elasticities="world",
        extra={"sectors": sectors, "us_tariff": us_tariff, "counts": known["counts"]},
    )


def bilateral_2023() -> TradeData:
    """Load total goods trade between 194 economies in 2023, with their GDP.

    Returns
    -------
    TradeData
        Thousand USD; one product, ``TOTAL``; no home sales, no Taiwan.  Tariffs are not part of
        the source and stand at 0.0.  ``.extra["gdp"]`` is a Series by country (USD, current);
        ``.extra["counts"]`` what was counted when the table was compiled.

    Examples
    --------
    >>> data = bilateral_2023()
    >>> data.report.countries, data.products.tolist(), data.value_unit
    (194, ['TOTAL'], 'thousand USD')
    """
    table, known = load_table("bilateral_2023"), metadata("bilateral_2023")
    country = table["country"].tolist()
    n = len(table["value"])
    index = pd.Index(country, name="country", dtype=str)
    gdp = pd.Series(table["gdp"].copy(), index=index, name="gdp")
    gdp.attrs["unit"] = known["unit"]["gdp"]
    return TradeData._from_arrays(
        exporter=table["exporter_code"],
        importer=table["importer_code"],
        product=np.zeros(n, np.int32),
        value=table["value"] / 1000,
        tariff=np.zeros(n),
        countries=country,
        products=["TOTAL"],
        value_unit=_VALUE_UNIT["bilateral_2023"],
        source=known["source"],
        licence=known["licence"],
        year=known["year"],
        tariff_date="",
        notes=(
            "Tariffs are not in this table and stand at 0: added points are exact, levels are not.",
            *known["notes"],
        ),
        default_elasticities=None,
        extra={"gdp": gdp, "counts": known["counts"]},
    )


def hs6_to_icio22() -> pd.Series:
    """Give the ICIO goods sector of each HS6 product, a rule of thumb.

    Returns
    -------
    Series of str
        Index product (HS6), name sector: one of 21 goods sectors, D (electricity) or OTH (none of
        them, HS 98-99 among others).

    Examples
    --------
    >>> hs6_to_icio22()["850440"]
    'C27'
    """
    table = load_table("hs6_to_icio22")
    index = pd.Index(table["product"].tolist(), name="product", dtype=str)
    sector = table["sector"][table["sector_code"]]
    return pd.Series(sector.tolist(), index=index, name="sector", dtype=str)


def chapter_names() -> pd.Series:
    """Give a short name of each chapter of the Harmonized System.

    Returns
    -------
    Series of str
        Index chapter (two digits, 01 to 99 without 77), name what.

    Examples
    --------
    >>> chapter_names()["85"]
    'Electrical and electronic'
    """
    names = pd.Series(HS2_NAMES, name="what", dtype=str)
    return names.rename_axis("chapter")
