"""Recipes of the tables about quantity controls: soybeans and rare earths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tradewar.datasets._compile_base import Source, Table, labels
from tradewar.errors import DataError, first_five

__all__ = ["rare_earths", "soybeans"]

BASE_MONTH = "2025-10"  # months from this one on were published after 25 October 2025

BEANS_FILE = "china_soybean_imports_2015_2024_by_partner.csv"
BEANS_MONTHLY_FILE = "monthly/china_soybean_imports_monthly_by_origin_2024_09_2025_12.csv"
BALANCE_FILE = "usda_psd_soybean_balances.csv"
TARIFF_FILE = "tariffs/china_tariff_changes_2018_2019_hs10.csv.gz"
MINE_FILE = "usgs_rare_earth_mine_production_2023_2024.csv"
MAGNET_FILE = "monthly/china_rare_earth_magnet_exports_2024_2026.csv"

WITS_ISO3 = {
    "Argentina": "ARG",
    "Austria": "AUT",
    "Belgium": "BEL",
    "Benin": "BEN",
    "Brazil": "BRA",
    "Canada": "CAN",
    "Chile": "CHL",
    "China": "CHN",
    "Ethiopia(excludes Eritrea)": "ETH",
    "France": "FRA",
    "Germany": "DEU",
    "Ghana": "GHA",
    "Italy": "ITA",
    "Kazakhstan": "KAZ",
    "Malawi": "MWI",
    "Malaysia": "MYS",
    "Mozambique": "MOZ",
    "Nigeria": "NGA",
    "Other Asia, nes": "S19",
    "Poland": "POL",
    "Russian Federation": "RUS",
    "South Africa": "ZAF",
    "Tanzania": "TZA",
    "Ukraine": "UKR",
    "United States": "USA",
    "Uruguay": "URY",
}
# "other" is what a column of a balance does not name, and so a different group in each.
WORLD_OTHER = {"Total": "WLD", "World": "WLD", "World total (rounded)": "WLD", "Other": "other"}
COUNTRY_ISO3 = WORLD_OTHER | {
    "Argentina": "ARG",
    "Australia": "AUS",
    "Bolivia": "BOL",
    "Brazil": "BRA",
    "Burma": "MMR",
    "Canada": "CAN",
    "China": "CHN",
    "Egypt": "EGY",
    "European Union": "EU27",
    "Germany": "DEU",
    "Greenland": "GRL",
    "India": "IND",
    "Iran": "IRN",
    "Japan": "JPN",
    "Korea": "KOR",
    "Madagascar": "MDG",
    "Malaysia": "MYS",
    "Mexico": "MEX",
    "Nigeria": "NGA",
    "Paraguay": "PRY",
    "Russia": "RUS",
    "South Africa": "ZAF",
    "Taiwan": "TWN",
    "Tanzania": "TZA",
    "Thailand": "THA",
    "Turkey": "TUR",
    "Ukraine": "UKR",
    "United States": "USA",
    "Vietnam": "VNM",
}
ITEMS = {
    "Production": "production",
    "Imports": "imports",
    "Exports": "exports",
    "Crush": "crush",
    "Ending Stocks": "ending_stocks",
}

CUSTOMS_TEXT = "China customs, kg, through a public collection"
DERIVED_TEXT = "derived: Brazil's quantity over Brazil's share, both as collected"
PRESS_TEXT = "China customs as reported by the press, rounded"
YEAR_TEXT = "China customs, total of the year, as reported by the press"

# Typed, and not in the source folder.
MAGNETS_2024 = 58_152  # t, rare-earth magnets exported by China in 2024
MAGNETS_2024_TEXT = "stated; Adamas Intelligence, from China customs (typed, not in the file)"
# How rows of the magnet file were derived from figures of 2026 or of the whole of 2025.
FROM_LATER = ("5238/0.984", "406/0.694", "16001/1.048", "5933/0.797", "280/1.314", "15268")


def coded(values: Sequence[str], known: dict[str, str], file: str) -> pd.Series:
    """Recode names; a name without a label is an error."""
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise DataError(f"{file}: no label in _compile_controls.py: {first_five(unknown)}")
    return pd.Series([known[value] for value in values], dtype=str)


# ---- soybeans ---------------------------------------------------------------------------------


def soybeans(src: Source) -> list[Table]:
    """Make the tables of `china_soybeans`."""
    return [beans_by_year(src), beans_by_month(src), balances(src)]


def beans_by_year(src: Source) -> Table:
    """Take China's imports of soybeans by partner and year."""
    raw = src.csv(BEANS_FILE, {"year": int, "value_kusd": float, "qty_kg": float})
    raw["partner"] = raw["partner"].str.strip()  # the total is " World"
    total = raw[raw["partner"] == "World"].set_index("year")[["value_kusd", "qty_kg"]]
    rows = raw[raw["partner"] != "World"].reset_index(drop=True)
    rows["exporter"] = coded(rows["partner"].tolist(), WITS_ISO3, BEANS_FILE)
    rows = rows.sort_values(["year", "exporter"], ignore_index=True)
    bad = rows.duplicated(["year", "exporter"]) | (rows["qty_kg"] < 0) | (rows["hs6"] != "120100")
    if bad.any():
        raise DataError(f"{BEANS_FILE}: duplicate, negative or not HS 120100: {rows[bad]}")
    duty = src.csv(TARIFF_FILE, {"mfn_20180101": float, "chg_20180706_s301_34bn": float})
    duty = duty[duty["hs10"].isin(["1201901000", "1201902000"])]

    exporter, code = labels(rows["exporter"])
    gap = rows.groupby("year")[["value_kusd", "qty_kg"]].sum() / total - 1
    tonnes = rows.pivot(index="year", columns="exporter", values="qty_kg") / 1e9
    table = Table(
        name="china_soybeans",
        what="China's imports of soybeans (HS 1201) by partner, 2015-2024; more tables beside it",
        source="UN Comtrade, China's imports of HS 120100, through World Bank WITS",
        licence="facts, a small extract, cited",
        year=2024,
        tariff_date="MFN rate of 2017",
        unit={
            "quantity": "kg (six significant digits in the source)",
            "value": "USD, cost, insurance and freight included (CIF)",
        },
        arrays={
            "exporter": exporter,
            "exporter_code": code.astype(np.uint8),
            "year": rows["year"].to_numpy(np.int16),
            "quantity": rows["qty_kg"].to_numpy(np.float64),
            "value": np.rint(rows["value_kusd"].to_numpy() * 1000).astype(np.int64),
        },
        rows=len(rows),
        inputs=(BEANS_FILE, TARIFF_FILE),
    )
    home = rows[rows["exporter"] == "CHN"]
    table.counts = {
        "years": len(total),
        "partners": len(exporter),
        "re_imports": len(home),
        "re_imports_t": round(float(home["qty_kg"].sum()) / 1000, 3),
        "largest_gap_of_parts_to_total": float(np.abs(gap.to_numpy()).max().round(9)),
    }
    table.check("total 2024, Mt", float(total["qty_kg"][2024]) / 1e9, 105.0, 0.05)
    table.check("... from the US", float(tonnes["USA"][2024]), 22.1, 0.05)
    table.check("... from Brazil", float(tonnes["BRA"][2024]), 74.6, 0.05)
    table.check("total 2017, Mt", float(total["qty_kg"][2017]) / 1e9, 95.5, 0.05)
    table.check("... from the US", float(tonnes["USA"][2017]), 32.85, 0.005)
    table.check("from the US 2018, Mt", float(tonnes["USA"][2018]), 16.64, 0.005)
    table.check("from Brazil 2017, Mt", float(tonnes["BRA"][2017]), 50.9, 0.05)
    table.check("from Brazil 2018, Mt", float(tonnes["BRA"][2018]), 66.1, 0.05)
    table.check("parts less total, share", table.counts["largest_gap_of_parts_to_total"], 0, 1e-5)
    table.check("MFN rate of soybeans not for seed, %", float(duty["mfn_20180101"].max()), 3)
    table.check("... smallest", float(duty["mfn_20180101"].min()), 3)
    added = duty["chg_20180706_s301_34bn"]
    table.check("added on US goods on 6 July 2018, points", float(added.min()), 25)
    table.check("... largest", float(added.max()), 25)
    table.notes = [
        "Values are China's import values (CIF): the exporter's price and freight.",
        f"{table.counts['re_imports']} rows are China's re-imports of its own beans "
        f"({table.counts['re_imports_t']:,.0f} t in ten years).",
        "MFN duty 3 % (HS 120190 but for seed) and 25 points more on US beans from 6 July 2018: "
        "tariff lists in Bown, Jung and Zhang (PIIE, 2019).",
    ]
    return table


def beans_by_month(src: Source) -> Table:
    """Take China's imports of soybeans by month and origin."""
    raw = src.csv(BEANS_MONTHLY_FILE, {"thousand_tonnes": float})
    raw["origin"] = coded(raw["origin"].tolist(), COUNTRY_ISO3, BEANS_MONTHLY_FILE)
    raw = raw.sort_values(["period", "origin"], ignore_index=True)
    if raw.duplicated(["period", "origin"]).any():
        raise DataError(f"{BEANS_MONTHLY_FILE}: a month has an origin twice")
    world = raw["origin"] == "WLD"
    collected = raw["source"].str.startswith("agwaterdesk")
    yearly = raw["period"].str.len() == 4
    texts = (CUSTOMS_TEXT, DERIVED_TEXT, PRESS_TEXT, YEAR_TEXT)
    basis = np.where(collected & world, 1, np.where(collected, 0, np.where(yearly, 3, 2)))
    exporter, code = labels(raw["origin"])
    table = Table(
        name="china_soybeans_monthly",
        what="China's imports of soybeans by month and origin, September 2024 to December 2025",
        source="China customs, through a public collection (to September 2025) and the press",
        licence="facts, a small extract, cited",
        year=2025,
        unit={
            "quantity": "t",
            "derived": "1: computed from other figures",
            "hindsight": "1: published after 25 October 2025",
            "basis": "what the figure is",
        },
        arrays={
            "period": raw["period"].to_numpy(dtype=str),
            "exporter": exporter,
            "exporter_code": code.astype(np.uint8),
            "quantity": np.rint(raw["thousand_tonnes"].to_numpy() * 1000).astype(np.int64),
            "derived": (basis == 1).astype(np.uint8),
            "hindsight": (yearly | (raw["period"] >= BASE_MONTH)).to_numpy(np.uint8),
            "basis": np.array(texts),
            "basis_code": basis.astype(np.uint8),
        },
        rows=len(raw),
        inputs=(BEANS_MONTHLY_FILE,),
    )
    months = raw[~yearly]
    freeze = months[(months["origin"] == "USA") & (months["period"] >= "2025-09")]
    of_2025 = months[months["period"].str.startswith("2025")]
    summed = of_2025.groupby("origin")["thousand_tonnes"].sum()
    stated = raw[yearly].set_index("origin")["thousand_tonnes"]
    table.counts = {
        "months": int(months["period"].nunique()),
        "derived": int((basis == 1).sum()),
        "hindsight": int(table.arrays["hindsight"].sum()),
        "sum_of_months_2025_over_total": {
            k: round(float(summed[k] / stated[k]), 5) for k in ("BRA", "USA", "WLD")
        },
    }
    table.check("months", table.counts["months"], 16)
    table.check("from the US, September to December 2025", freeze["thousand_tonnes"].sum(), 0)
    for key, ratio in table.counts["sum_of_months_2025_over_total"].items():
        table.check(f"months of 2025 over the year's total, {key}", ratio, 1, 2e-3)
    table.notes = [
        "Totals of the months to September 2025 are derived, not stated: Brazil's quantity over "
        "Brazil's share.",
        "Argentina is known from September 2025 on only: other months are missing, not zero.",
        "Figures of October 2025 and later, and the totals of 2025, are hindsight.",
    ]
    return table


def balances(src: Source) -> Table:
    """Take USDA's soybean balances by country and marketing year."""
    raw = src.csv(BALANCE_FILE, {"value": float})
    raw["country"] = coded(raw["country"].tolist(), COUNTRY_ISO3, BALANCE_FILE)
    raw["item"] = coded(raw["metric"].tolist(), ITEMS, BALANCE_FILE)
    raw["marketing_year"] = raw["year"].str[-7:]
    raw["vintage"] = np.where(raw["year"].str.startswith("Sep"), "2025-09", "2025-11")
    raw = raw.sort_values(["marketing_year", "vintage", "item", "country"], ignore_index=True)
    keys = ["marketing_year", "vintage", "item"]
    if raw.duplicated([*keys, "country"]).any():
        raise DataError(f"{BALANCE_FILE}: a figure stands twice")
    world = raw["country"] == "WLD"
    gap = (raw[~world].groupby(keys)["value"].sum() - raw[world].set_index(keys)["value"]).abs()
    item, item_code = labels(raw["item"])
    country, country_code = labels(raw["country"])
    table = Table(
        name="usda_soybeans",
        what="soybean production, trade, crush and stocks by country, 2021/22 to 2025/26",
        source="US Department of Agriculture, Production, Supply and Distribution (oilseeds)",
        licence="public domain",
        year=2025,
        unit={"quantity": "t, marketing year", "vintage": "month of the forecast of 2025/26"},
        arrays={
            "marketing_year": raw["marketing_year"].to_numpy(dtype=str),
            "vintage": raw["vintage"].to_numpy(dtype=str),
            "item": item,
            "item_code": item_code.astype(np.uint8),
            "country": country,
            "country_code": country_code.astype(np.uint8),
            "quantity": np.rint(raw["value"].to_numpy() * 1000).astype(np.int64),
        },
        rows=len(raw),
        counts={"largest_gap_of_parts_to_total_thousand_t": float(gap.max())},
        inputs=(BALANCE_FILE,),
    )
    table.check("parts less world total, thousand t", float(gap.max()), 0, 2)
    table.notes = [
        "Marketing years differ by country and are not calendar years: a sum over countries is of "
        "different twelve months.",
        "Of 2025/26 there are two forecasts, of September and of November 2025; the second is "
        "hindsight. Earlier years stand as USDA had them in November 2025.",
        "Imports of the US and Brazil are not listed (they are in 'other').",
    ]
    return table


# ---- rare earths ------------------------------------------------------------------------------


def rare_earths(src: Source) -> list[Table]:
    """Make the tables of `rare_earths`; US imports are in us_imports_2024."""
    return [magnets(src), mines(src)]


def magnets(src: Source) -> Table:
    """Take China's exports of rare-earth magnets by month."""
    raw = src.csv(MAGNET_FILE, {"tonnes": float})
    extra: dict[str, Any] = {
        "period": "2024",
        "destination": "World",
        "tonnes": float(MAGNETS_2024),
        "basis": MAGNETS_2024_TEXT,
    }
    raw = pd.concat([raw, pd.DataFrame([extra])], ignore_index=True)
    raw["destination"] = coded(raw["destination"].tolist(), COUNTRY_ISO3, MAGNET_FILE)
    raw = raw.sort_values(["period", "destination"], ignore_index=True)
    if raw.duplicated(["period", "destination"]).any():
        raise DataError(f"{MAGNET_FILE}: a figure stands twice")
    derived = raw["basis"].str.startswith("derived")
    later = derived & raw["basis"].map(lambda text: any(part in text for part in FROM_LATER))
    after = raw["period"].isin(["2025"]) | (raw["period"] >= BASE_MONTH)
    after &= ~raw["period"].isin(["2025-H1", "2025-Q1"])
    importer, importer_code = labels(raw["destination"])
    basis, basis_code = labels(raw["basis"])
    table = Table(
        name="rare_earths",
        what="China's exports of rare-earth magnets by month, 2024 to March 2026; mine production "
        "and US imports beside it",
        source="China customs, as reported by the press; total of 2024: Adamas Intelligence",
        licence="facts, a small extract, cited",
        year=2025,
        unit={
            "quantity": "t",
            "derived": "1: computed from other figures, as basis says",
            "hindsight": "1: published after 25 October 2025, or computed from what was",
        },
        arrays={
            "period": raw["period"].to_numpy(dtype=str),
            "importer": importer,
            "importer_code": importer_code.astype(np.uint8),
            "quantity": raw["tonnes"].to_numpy(float),
            "derived": derived.to_numpy(np.uint8),
            "hindsight": (after | later).to_numpy(np.uint8),
            "basis": basis,
            "basis_code": basis_code.astype(np.uint8),
        },
        rows=len(raw),
        inputs=(MAGNET_FILE,),
    )
    world = raw[raw["destination"] == "WLD"].set_index("period")["tonnes"]
    mean, may = world["2024"] / 12, world["2025-05"]
    first_half = [f"2025-{month:02d}" for month in (4, 5, 6)]
    table.counts = {
        "derived": int(derived.sum()),
        "hindsight": int(table.arrays["hindsight"].sum()),
        "monthly_mean_2024": float(mean),
        "may_2025_over_mean_2024": round(float(may / mean), 4),
    }
    table.check("exports 2024, t", float(world["2024"]), 58152)
    table.check("monthly mean 2024, t", float(mean), 4846, 0.5)
    table.check("May 2025, t", float(may), 1238)
    table.check("... against the mean, %", round(float(100 * (may / mean - 1)), 1), -74.5, 0.05)
    summed = float(world["2025-Q1"] + world[first_half].sum())
    table.check("quarter and months less first half of 2025, t", summed - world["2025-H1"], 0, 2)
    table.notes = [
        "2024 by month is known for July and October only; the mean of 2024 is the year's total "
        "over 12.",
        "Derived rows are computed from growth rates or remainders, as column basis says; those "
        "from figures of late 2025 or 2026 are marked as hindsight too.",
        "Tonnes of magnets, not of rare earths contained; nothing by element or grade, and the "
        "licences of April 2025 cover only magnets with the listed elements.",
    ]
    return table


def mines(src: Source) -> Table:
    """Take mine production of rare earths by country."""
    text = {f"mine_production_{y}_t_reo": float for y in ("2023", "2024e")}
    raw = src.csv(MINE_FILE, {**text, "reserves_t_reo": float})
    raw["country"] = coded(raw["country"].tolist(), COUNTRY_ISO3, MINE_FILE)
    raw = raw.sort_values("country", ignore_index=True)
    table = Table(
        name="rare_earth_mines",
        what="mine production and reserves of rare earths by country, 2023 and 2024",
        source="US Geological Survey, Mineral Commodity Summaries 2025",
        licence="public domain",
        year=2024,
        unit=dict.fromkeys(("y2023", "y2024", "reserves"), "t, rare-earth oxide equivalent"),
        arrays={
            "country": raw["country"].to_numpy(dtype=str),
            "y2023": raw["mine_production_2023_t_reo"].to_numpy(float),
            "y2024": raw["mine_production_2024e_t_reo"].to_numpy(float),
            "reserves": raw["reserves_t_reo"].to_numpy(float),
        },
        rows=len(raw),
        inputs=(MINE_FILE,),
    )
    by = raw.set_index("country")["mine_production_2024e_t_reo"]
    table.check("China 2024, t", float(by["CHN"]), 270000)
    table.check("parts over world 2024 (rounded)", float(by.drop("WLD").sum() / by["WLD"]), 1, 0.02)
    table.notes = [
        "Mine production of 2024 is an estimate; the world total is rounded by the source.",
        "All rare earths together: China's share of the heavy ones, on which the licences bear, "
        "is larger, and Burma's ore is separated in China.",
    ]
    return table
