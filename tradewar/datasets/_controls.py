"""Data for quantity controls: `china_soybeans` and `rare_earths`, small sets of tables.

Each is an object whose properties are frames, made anew at every call, with a way to the
`TradeData` that a solver takes.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tradewar.data import TradeData
from tradewar.datasets._tables import load_table, metadata
from tradewar.errors import DataError, first_five

__all__ = ["ChinaSoybeans", "RareEarths", "china_soybeans", "rare_earths"]

MFN = 0.03  # China's duty on soybeans not for seed, every year here
DUTY_YEARS = (2018, 2019)  # years in part of which US beans paid 25 points more
ITEMS = ("production", "imports", "crush", "exports", "ending_stocks")

# Freight of a bulk carrier of beans, USD/t: assumptions in round numbers for 2017-18.
FREIGHT = (
    ("USA", "CHN", 40.0, "assumed; US Gulf to Japan was 43-44, Pacific Northwest to Japan 24-25"),
    ("BRA", "CHN", 35.0, "assumed; Santos to Shanghai a little below the US Gulf"),
    ("ARG", "CHN", 40.0, "assumed; as from the US"),
    ("ROW", "CHN", 40.0, "assumed; as from the US"),
    ("USA", "ROW", 25.0, "assumed; US Gulf to Europe was 20 in 2019, to Mexico less, to Asia more"),
    (
        "BRA",
        "ROW",
        20.0,
        "assumed; 5 less than from the US, as to China, so that both sold to both",
    ),
    ("ARG", "ROW", 25.0, "assumed; as from the US"),
    ("ROW", "ROW", 25.0, "assumed; as from the US"),
)
FREIGHT_NOTE = (
    "Freight is an assumption in round numbers, guided by what USDA's Grain Transportation Report "
    "quoted in June 2018 (to Japan) and October 2019 (to Europe); it is not part of the customs "
    "data. Read results for how they change with it."
)
# Exports to all destinations, t, typed from the publications named.
EXPORTS = (
    (2017, "BRA", 68_148_000.0, "SECEX, in USDA, Brazil Soybean Transportation, 6 September 2018"),
    (2018, "BRA", 83_300_000.0, "SECEX, in USDA, Brazil Soybean Transportation, 25 March 2020"),
    (2017, "USA", 55_400_000.0, "Jamali Jaghdani, Prehn and Kuhn, abstract, Tropentag (rounded)"),
)
EXPORTS_NOTE = (
    "Exports to all destinations (frame exports) are typed from publications that quote Brazilian "
    "and US statistics; they are not customs data of this set."
)


def _frame(columns: dict[str, Any], unit: dict[str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    frame.attrs["unit"] = unit
    return frame


class _Tables:
    """What sets of tables have in common."""

    __slots__ = ()
    _names: ClassVar[tuple[str, ...]] = ()
    _title: ClassVar[str] = ""
    _more_notes: ClassVar[tuple[str, ...]] = ()

    def __len__(self) -> int:
        """Count the rows of the main table, as `list` does."""
        return int(metadata(self._names[0])["rows"])

    def _join(self, key: str) -> str:
        texts = [str(metadata(name)[key]) for name in self._names]
        return "; ".join(dict.fromkeys(texts))

    @property
    def source(self) -> str:
        """Where the figures come from."""
        return self._join("source")

    @property
    def licence(self) -> str:
        """Licences of the sources."""
        return self._join("licence")

    @property
    def year(self) -> int:
        """Year of the main table, its last one."""
        return int(metadata(self._names[0])["year"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What is derived, assumed, missing or hindsight."""
        found = [note for name in self._names for note in metadata(name)["notes"]]
        return (*found, *self._more_notes)

    @property
    def units(self) -> dict[str, dict[str, str]]:
        """Unit of each column, by frame."""
        return {name: getattr(self, name).attrs["unit"] for name in self._frames()}

    @property
    def counts(self) -> dict[str, dict[str, Any]]:
        """What was counted when the tables were compiled, by table."""
        return {name: metadata(name)["counts"] for name in self._names}

    def _frames(self) -> tuple[str, ...]:
        raise NotImplementedError

    def __repr__(self) -> str:
        rows = [
            f"  .{name:<15} {len(frame):>4} rows  {', '.join(frame.columns)}"
            for name in self._frames()
            for frame in [getattr(self, name)]
        ]
        notes = [f"note: {note}" for note in self.notes]
        return "\n".join([f"{self._title}, {self.source}", *rows, *notes])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


# ---- soybeans ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class ChinaSoybeans(_Tables):
    """China's imports of soybeans, and what surrounds them; see `china_soybeans`."""

    _names: ClassVar[tuple[str, ...]] = (
        "china_soybeans",
        "china_soybeans_monthly",
        "usda_soybeans",
    )
    _title: ClassVar[str] = "Soybeans of China"
    _more_notes: ClassVar[tuple[str, ...]] = (FREIGHT_NOTE, EXPORTS_NOTE)

    def _frames(self) -> tuple[str, ...]:
        return ("imports", "monthly", "totals_2025", "balances", "exports", "freight")

    @property
    def imports(self) -> pd.DataFrame:
        """Imports by year and partner: year exporter quantity value unit_value.

        Quantity in t, value in USD (CIF), unit value in USD/t.  Exporter CHN is re-imports.
        """
        table = load_table("china_soybeans")
        tonnes, value = table["quantity"] / 1000, table["value"].astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            unit_value = np.where(tonnes > 0, value / tonnes, np.nan)
        columns = {
            "year": table["year"].astype(int),
            "exporter": table["exporter"][table["exporter_code"]],
            "quantity": tonnes,
            "value": value,
            "unit_value": unit_value,
        }
        return _frame(columns, {"quantity": "t", "value": "USD, CIF", "unit_value": "USD/t, CIF"})

    def _months(self) -> pd.DataFrame:
        table = load_table("china_soybeans_monthly")
        columns = {
            "period": table["period"],
            "exporter": table["exporter"][table["exporter_code"]],
            "quantity": table["quantity"].astype(float),
            "derived": table["derived"].astype(bool),
            "hindsight": table["hindsight"].astype(bool),
            "basis": table["basis"][table["basis_code"]],
        }
        return _frame(columns, {"quantity": "t"})

    @property
    def monthly(self) -> pd.DataFrame:
        """Imports by month: period exporter quantity derived hindsight basis.

        Quantity in t; exporter WLD is the total.  A month without a row is unknown, not zero.
        """
        frame = self._months()
        return frame[frame["period"].str.len() == 7].reset_index(drop=True)

    @property
    def totals_2025(self) -> pd.DataFrame:
        """Imports of the year 2025 by exporter, hindsight; columns as in `monthly`."""
        frame = self._months()
        return frame[frame["period"] == "2025"].reset_index(drop=True)

    @property
    def usda(self) -> pd.DataFrame:
        """All of USDA's figures: marketing_year vintage item country quantity (t) hindsight."""
        table = load_table("usda_soybeans")
        columns = {
            "marketing_year": table["marketing_year"],
            "vintage": table["vintage"],
            "item": table["item"][table["item_code"]],
            "country": table["country"][table["country_code"]],
            "quantity": table["quantity"].astype(float),
        }
        frame = _frame(columns, {"quantity": "t, marketing year"})
        frame["hindsight"] = (frame["marketing_year"] == "2025/26") & (
            frame["vintage"] == "2025-11"
        )
        return frame

    @property
    def balances(self) -> pd.DataFrame:
        """Balances of the US, Brazil, Argentina and China, t, one row a marketing year.

        country marketing_year vintage opening_stocks production imports crush exports
        ending_stocks other hindsight; other = opening stocks + production + imports - crush -
        exports - ending stocks, which is seed, feed and waste, less imports where they are not
        listed (NaN).  Opening stocks are the last year's ending stocks, NaN in the first.
        """
        usda = self.usda
        usda = usda[usda["country"].isin(["USA", "BRA", "ARG", "CHN"])]
        keys = ["country", "marketing_year", "vintage", "hindsight"]
        wide = usda.pivot(index=keys, columns="item", values="quantity").reset_index()
        for item in ITEMS:
            if item not in wide:
                wide[item] = np.nan
        final = wide[~wide["vintage"].eq("2025-09")].set_index(["country", "marketing_year"])
        last = [
            final["ending_stocks"].get((row.country, _year_before(str(row.marketing_year))), np.nan)
            for row in wide.itertuples()
        ]
        wide["opening_stocks"] = last
        wide["other"] = (
            wide["opening_stocks"]
            + wide["production"]
            + wide["imports"].fillna(0.0)
            - wide["crush"]
            - wide["exports"].fillna(0.0)
            - wide["ending_stocks"]
        )
        names = ["country", "marketing_year", "vintage", "opening_stocks", *ITEMS, "other"]
        frame = wide[[*names, "hindsight"]].rename_axis(columns=None)
        frame.attrs = {"unit": dict.fromkeys((*ITEMS, "opening_stocks", "other"), "t")}
        return frame

    @property
    def exports(self) -> pd.DataFrame:
        """Exports to all destinations: year exporter quantity (t) basis; typed, see notes."""
        columns = dict(
            zip(("year", "exporter", "quantity", "basis"), zip(*EXPORTS, strict=True), strict=True)
        )
        return _frame(columns, {"quantity": "t"})

    @property
    def freight(self) -> pd.DataFrame:
        """Freight, *assumed*: exporter importer cost (USD/t) basis."""
        columns = dict(
            zip(("exporter", "importer", "cost", "basis"), zip(*FREIGHT, strict=True), strict=True)
        )
        return _frame(columns, {"cost": "USD/t, assumed"})

    def trade(
        self,
        *,
        year: int = 2017,
        keep: Sequence[str] = ("USA", "BRA", "ARG"),
        us_added: float | None = None,
    ) -> TradeData:
        """Give a year of imports as data for `solve_pe`.

        Parameters
        ----------
        year : int, default 2017
            2015 to 2024.
        keep : sequence of str, default ("USA", "BRA", "ARG")
            Exporters of their own; all others are ROW.
        us_added : float, fraction, optional
            Duty on US beans above the MFN rate of 3 %.  Default 0; in 2018 and 2019 it must be
            said, as 25 points were in force for part of the year.

        Returns
        -------
        TradeData
            USD, CIF; importer CHN; product "1201".  One destination, no home sales, no default
            elasticities.  China's re-imports are left out.

        Raises
        ------
        DataError
            No such year or exporter, or `us_added` is missing.

        Examples
        --------
        >>> data = china_soybeans().trade(year=2017)
        >>> (data.flows.set_index("exporter")["value"] / 1e9).round(1).to_dict()
        {'ARG': 2.7, 'BRA': 20.9, 'ROW': 2.1, 'USA': 13.9}
        """
        imports = self.imports
        years = sorted(set(imports["year"]))
        if year not in years:
            raise DataError(f"year={year!r}: China's soybeans are known for {years[0]}-{years[-1]}")
        if us_added is None and year in DUTY_YEARS:
            raise DataError(
                f"year={year}: US beans paid up to 25 points above the MFN rate in part of it; "
                "give us_added=, a fraction (0.0 leaves it out)"
            )
        flows = imports[(imports["year"] == year) & (imports["exporter"] != "CHN")]
        wanted = [keep] if isinstance(keep, str) else [*keep]
        unknown = [label for label in wanted if label not in set(flows["exporter"])]
        if unknown:
            raise DataError(f"keep: China bought no soybeans in {year} from {first_five(unknown)}")
        exporter = flows["exporter"].where(flows["exporter"].isin(wanted), "ROW")
        value = flows.groupby(exporter)["value"].sum()
        rate = np.where(value.index == "USA", MFN + (us_added or 0.0), MFN)
        known = metadata("china_soybeans")
        notes = [
            "Values are CIF: freight to China is inside, and a duty is due on it too.",
            "China's re-imports of its own beans are left out.",
        ]
        if us_added:
            notes.append(f"US beans: MFN rate and {100 * us_added:g} points more.")
        n = len(value)
        return TradeData._from_arrays(
            exporter=np.arange(n),
            importer=np.full(n, n),
            product=np.zeros(n, np.int32),
            value=value.to_numpy(),
            tariff=rate,
            countries=[*value.index, "CHN"],
            products=["1201"],
            value_unit="USD",
            source=known["source"],
            licence=known["licence"],
            year=year,
            tariff_date=f"{year}, MFN rate of 3 %",
            notes=tuple(notes),
        )


def _year_before(marketing_year: str) -> str:
    """Give "2023/24" for "2024/25"."""
    start = int(marketing_year[:4]) - 1
    return f"{start}/{(start + 1) % 100:02d}"


def china_soybeans() -> ChinaSoybeans:
    """Load China's imports of soybeans by partner and month, balances and freight.

    Returns
    -------
    ChinaSoybeans
        Frames, with units in ``.attrs["unit"]`` and in ``.units``:

        ``imports``
            by year 2015-2024 and partner: quantity (t), value (USD, CIF), unit_value;
        ``monthly``, ``totals_2025``
            September 2024 to December 2025 by month, and the year 2025: quantity (t), derived,
            hindsight (published after 25 October 2025), basis;
        ``balances``, ``usda``
            of the US, Brazil, Argentina and China by marketing year, and all figures of USDA;
        ``exports``
            of the US and Brazil to all destinations in 2017 and 2018 (t), typed;
        ``freight``
            USD/t, *assumed*.

        ``trade(year=)`` gives a `TradeData`; ``source``, ``licence``, ``year``, ``notes``,
        ``counts``.

    Examples
    --------
    >>> beans = china_soybeans().imports.query("year == 2024")
    >>> (beans.set_index("exporter")["quantity"][["USA", "BRA"]] / 1e6).round(1).to_dict()
    {'USA': 22.1, 'BRA': 74.6}
    """
    return ChinaSoybeans()


# ---- rare earths ------------------------------------------------------------------------------

US_PRODUCTS = {
    "280530": "Rare-earth metals, scandium and yttrium",
    "284610": "Cerium compounds",
    "284690": "Compounds of other rare earths, yttrium, scandium",
    "850511": "Permanent magnets of metal",
}
HS_NOTES = (
    "HS 850511 is permanent magnets of metal: neodymium and samarium magnets, but alnico too; "
    "ferrite magnets are in 850519. HS does not tell grades or elements apart.",
    "US imports of magnets inside motors, loudspeakers and other goods are in no row.",
)
MISSING = (
    "China's share of world separation and of world magnet making is not in the sources of this "
    "package and stands at NaN; its shares of US imports are no substitute for it."
)


@dataclass(frozen=True, slots=True, repr=False)
class RareEarths(_Tables):
    """Rare earths and magnets: US imports, China's part, exports by month; see `rare_earths`."""

    _names: ClassVar[tuple[str, ...]] = ("rare_earths", "rare_earth_mines")
    _title: ClassVar[str] = "Rare earths"
    _more_notes: ClassVar[tuple[str, ...]] = (*HS_NOTES, MISSING)

    def _frames(self) -> tuple[str, ...]:
        return ("us_imports", "china_shares", "magnet_exports", "mines")

    def _us(self) -> TradeData:
        from tradewar.datasets import us_imports_2024

        return us_imports_2024().subset(product=[*US_PRODUCTS])

    @property
    def us_imports(self) -> pd.DataFrame:
        """US imports of 2024: product what exporter value (USD) share (of the product)."""
        flows = self._us().flows.drop(columns=["importer", "tariff"])
        flows.insert(1, "what", flows["product"].map(US_PRODUCTS))
        flows["share"] = flows["value"] / flows.groupby("product")["value"].transform("sum")
        flows = flows.sort_values(["product", "value"], ascending=[True, False], ignore_index=True)
        columns = flows[["product", "what", "exporter", "value", "share"]]
        columns.attrs = {"unit": {"value": "USD, customs value", "share": "fraction"}}
        return columns

    @property
    def china_shares(self) -> pd.DataFrame:
        """China's part by stage: stage share (fraction, NaN where no source) of basis."""
        mine = self.mines.set_index("country")["y2024"]
        flows = self.us_imports
        flows["stage"] = flows["product"].str[:4]
        by = flows.groupby(["stage", flows["exporter"] == "CHN"])["value"].sum().unstack()
        us = by[True] / by.sum(axis=1)
        census, none = "US Census Bureau, 2024", "no source in this package"
        rows = [
            ("mine", mine["CHN"] / mine["WLD"], "world mine production, 2024", "USGS, estimate"),
            ("separation", np.nan, "world separation", none),
            ("metals", us["2805"], "US imports of HS 280530", census),
            ("compounds", us["2846"], "US imports of HS 2846", census),
            ("magnet making", np.nan, "world output of magnets", none),
            ("magnets", us["8505"], "US imports of HS 850511", census),
        ]
        names = ("stage", "share", "of", "basis")
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        return _frame(columns, {"share": "fraction"})

    @property
    def magnet_exports(self) -> pd.DataFrame:
        """China's exports of magnets: period importer quantity (t) derived hindsight basis.

        Periods are months (2025-05), quarters, halves and years; importer WLD is the total.
        """
        table = load_table("rare_earths")
        columns = {
            "period": table["period"],
            "importer": table["importer"][table["importer_code"]],
            "quantity": table["quantity"].copy(),
            "derived": table["derived"].astype(bool),
            "hindsight": table["hindsight"].astype(bool),
            "basis": table["basis"][table["basis_code"]],
        }
        return _frame(columns, {"quantity": "t"})

    @property
    def monthly_mean_2024(self) -> float:
        """China's exports of magnets in a mean month of 2024, t."""
        return float(metadata("rare_earths")["counts"]["monthly_mean_2024"])

    @property
    def mines(self) -> pd.DataFrame:
        """Mine production: country y2023 y2024 reserves, t of rare-earth oxide."""
        table = load_table("rare_earth_mines")
        columns = {name: table[name].copy() for name in ("country", "y2023", "y2024", "reserves")}
        return _frame(columns, metadata("rare_earth_mines")["unit"])

    def trade(self, product: Any = "*") -> TradeData:
        """Give US imports of 2024 as data for `solve_pe`.

        Parameters
        ----------
        product : str or list of str, default "*"
            HS6 code or prefix: 280530, 284610, 284690 ("2846" is both), 850511; all by default.

        Returns
        -------
        TradeData
            USD; importer USA; part of `us_imports_2024`, with its default elasticities.

        Raises
        ------
        DataError
            Another product.

        Examples
        --------
        >>> data = rare_earths().trade("850511")
        >>> f"{data.flows['value'].sum() / 1e6:.1f}", data.report.exporters
        ('453.2', 31)
        """
        data = self._us()
        if product != "*":
            data = data.subset(product=product)
        own = tuple(note for note in data.notes if "Partners outside" in note)
        return data._with(meta=replace(data._meta, notes=(*own, *HS_NOTES), extra={}))


def rare_earths() -> RareEarths:
    """Load US imports of rare earths and magnets, China's part, and Chinese exports by month.

    Returns
    -------
    RareEarths
        Frames, with units in ``.attrs["unit"]`` and in ``.units``:

        ``us_imports``
            2024 by product (HS 280530, 284610, 284690, 850511) and partner: value (USD), share;
        ``china_shares``
            by stage: share (fraction), of what, basis; NaN where this package has no source;
        ``magnet_exports``
            of China by month and destination: quantity (t), derived, hindsight, basis;
        ``mines``
            mine production by country, 2023 and 2024 (t of oxide), and reserves.

        ``trade("850511")`` gives a `TradeData`; ``monthly_mean_2024``, ``source``, ``licence``,
        ``year``, ``notes``, ``counts``.

    Examples
    --------
    >>> ree = rare_earths()
    >>> world = ree.magnet_exports.query("importer == 'WLD'").set_index("period")["quantity"]
    >>> f"{world['2025-05'] / ree.monthly_mean_2024 - 1:.1%}"
    '-74.5%'
    """
    return RareEarths()
