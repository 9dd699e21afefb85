"""Recipe of the base tariffs of the world of 2022, block by block, each cell with its source."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.datasets._agreements import AGREEMENTS, SCOPES
from tradewar.datasets._compile_base import Source, Table
from tradewar.datasets._compile_icio2017 import COUNTRY as COUNTRY_2017
from tradewar.datasets._compile_icio2017 import TARIFF_FILE, read_tariffs_2017
from tradewar.datasets._compile_icio2022 import GE_FILE, GOODS, World2022, sums
from tradewar.datasets._compile_us import SECTOR_FILE, US_FILE
from tradewar.datasets._names import ICIO_SECTORS
from tradewar.errors import DataError, first_five

__all__ = ["SOURCES", "base_tariffs"]

Array = NDArray[np.float64]

TRAINS_FILE = "trains_2023_ahs_10x10_regions_9_groups.csv"
WITS_FILE = "tariffs/wits_average_applied_tariff_by_stage_2016_2021.csv"
RETALIATION_FILE = "china_tariff_on_us_2018_2019_by_icio_sector.csv"

SOURCES = (
    "none",
    "collected",
    "statutory",
    "TRAINS",
    "TRAINS, partner ROW",
    "estimated",
    "agreement",
)
NONE, COLLECTED, STATUTORY, TRAINS, BORROWED, ESTIMATED, AGREEMENT = range(len(SOURCES))

GROUPS = {
    "Food": ("A01_02", "A03", "C10T12"),
    "Energy": ("B05_06", "C19"),
    "Mining": ("B07_08",),
    "Textiles": ("C13T15",),
    "Paper": ("C16", "C17_18"),
    "Chemical": ("C20", "C21", "C22"),
    "Construction": ("C23",),
    "Metal": ("C24", "C25"),
    "Manufacture": ("C26", "C27", "C28", "C29", "C30", "C31T33"),
}
REPORTERS = {
    "United States": "USA",
    "China": "CHN",
    "EuropeanUnion --- EuropeanUnion": "EU27",
    "Japan": "JPN",
    "Canada": "CAN",
    "Mexico": "MEX",
    "India": "IND",
    "Brazil": "BRA",
    "United Kingdom": "GBR",
    "RestOfTheWorld --- RestOfTheWorld": "ROW",
}
PATTERNED = ("BRA", "CHN", "EU27", "IND", "JPN")  # take the sector pattern of 2017 inside a group
STEEPEST = {"Food": 2.0}  # a pattern that would have to be scaled by more does not fit the group
STEEPEST_ELSEWHERE = 5.0
FREE_MINING = ("JPN", "MEX")  # a blank of the source in Mining: no duty
SCALED = "KOR VNM TWN TUR AUS THA RUS IDN SGP MYS CHE SAU PHL NOR ZAF CHL ARG".split()
NOT_IN_WITS = "TWN"
NO_US_TRADE = {"SGP B05_06", "VNM B05_06", "ZAF B05_06", "CHE A03", "RUS A03", "RUS C19"}
DIGITS = 8

# Figures that must come out: means of TRAINS in percent; factors to the WITS mean without zeros.
DRAFT = {
    "EU27": 1.49,
    "JPN": 1.90,
    "CAN": 2.71,
    "MEX": 2.05,
    "IND": 4.82,
    "BRA": 9.68,
    "GBR": 1.21,
    "ROW": 4.40,
}
DRAFT_FACTOR = {
    "KOR": 1.63,
    "VNM": 0.27,
    "TUR": 0.95,
    "AUS": 0.23,
    "THA": 0.88,
    "RUS": 0.88,
    "IDN": 0.39,
    "SGP": 0.0,
    "MYS": 0.90,
    "CHE": 0.38,
    "SAU": 0.83,
    "PHL": 0.37,
    "NOR": 0.79,
    "ZAF": 1.27,
    "CHL": 0.10,
    "ARG": 1.41,
}


@dataclass
class Rates:
    """Base tariffs under construction: [importer, exporter, goods sector]."""

    country: list[str]
    value: Array  # flows, the weights; own trade is zero
    rate: Array
    source: NDArray[np.uint8]
    agreement: NDArray[np.uint8]
    treaties: list[str] = field(default_factory=lambda: [""])
    factor: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def sectors(self) -> list[str]:
        """The goods sectors."""
        return list(ICIO_SECTORS)[:GOODS]

    def at(self, country: str) -> int:
        """Give the position of a country."""
        return self.country.index(country)

    @property
    def order(self) -> list[tuple[str, int]]:
        """Countries with their positions."""
        return [(c, k) for k, c in enumerate(self.country)]

    def mean(self, importer: str, exporter: str | None = None, rate: Array | None = None) -> float:
        """Weigh the rates of an importer, in all or on one exporter, by its imports of goods."""
        n = self.at(importer)
        rate = self.rate[n] if rate is None else rate
        rows = slice(None) if exporter is None else slice(self.at(exporter), self.at(exporter) + 1)
        paid = sums((rate[rows] * self.value[n, rows]).reshape(1, -1))[0]
        return float(paid / sums(self.value[n, rows].reshape(1, -1))[0])


def read_trains(src: Source) -> dict[tuple[str, str, str], float]:
    """Read applied rates by reporter, partner and group, as fractions."""
    frame = src.csv(TRAINS_FILE, {"Weighted Average": float})
    who = [frame[f"{side} Name"].str.strip().map(REPORTERS) for side in ("Reporter", "Partner")]
    if who[0].isna().any() or who[1].isna().any() or not frame["Product"].isin(GROUPS).all():
        raise DataError(f"{TRAINS_FILE}: an unknown reporter, partner or group")
    keys = list(zip(who[0], who[1], frame["Product"], strict=True))
    if len(set(keys)) != len(keys):
        raise DataError(f"{TRAINS_FILE}: a pair stands twice")
    return {k: v / 100 for k, v in zip(keys, frame["Weighted Average"].tolist(), strict=True)}


def read_wits(src: Source) -> dict[str, tuple[float, int]]:
    """Read each reporter's weighted average of applied tariffs: fraction, last year there is."""
    frame = src.csv(WITS_FILE, {"year": int, "percent": float})
    frame = frame[(frame["category"] == "All Products")]
    frame = frame[frame["indicator"] == "Weighted Average (%)"].sort_values("year")
    last = frame.groupby("iso3").last()
    return {
        c: (p / 100, y) for c, p, y in zip(last.index, last["percent"], last["year"], strict=True)
    }


def trains_rows(rates: Rates, trains: dict[tuple[str, str, str], float], reporter: str) -> Array:
    """Give a reporter's rates on every exporter [i, j], the group's rate in each of its sectors."""
    out = np.zeros_like(rates.rate[0])
    blank = []
    for i, partner in enumerate(rates.country):
        known = partner if partner in REPORTERS.values() else "ROW"
        if known == reporter and reporter != "ROW":
            continue
        for group, members in GROUPS.items():
            rate = trains.get((reporter, known, group))
            if rate is None and not (group == "Mining" and reporter in FREE_MINING):
                blank.append((reporter, known, group))
            for sector in members:
                out[i, rates.sectors.index(sector)] = rate or 0.0
    if blank:
        raise DataError(f"{TRAINS_FILE}: no rate for {first_five(blank)}")
    return out


def shape_groups(
    rates: Rates, importer: str, flat: Array, pattern: Array
) -> tuple[Array, list[str]]:
    """Spread each group's rate over its sectors by the pattern of 2017, keeping the group's mean.

    The mean is weighted by the flows; exporters that share the rate of ROW are one pool.  Where a
    pattern would have to be scaled by more than `STEEPEST`, crops and fish take its rates as they
    stand and food takes the rest (India's rate on British food, 141 %, is that on whisky); other
    groups keep the flat rate.

    Returns
    -------
    rates : shape (exporter, sector)
    unfit : list of str
        Where the pattern did not fit.
    """
    out = flat.copy()
    unfit: list[str] = []
    pools: dict[str, list[int]] = {}
    for i, partner in enumerate(rates.country):
        if partner != importer:
            pools.setdefault(partner if partner in REPORTERS.values() else "ROW", []).append(i)
    for partner, pool in pools.items():
        value = rates.value[rates.at(importer), pool]
        for group, members in GROUPS.items():
            js = [rates.sectors.index(sector) for sector in members]
            weight, shape, mean = value[:, js], pattern[np.ix_(pool, js)], flat[pool[0], js[0]]
            weighted = float((weight * shape).sum())
            if len(js) == 1 or mean == 0.0 or weighted == 0.0:
                continue
            scale = mean * float(weight.sum()) / weighted
            if scale <= STEEPEST.get(group, STEEPEST_ELSEWHERE):
                out[np.ix_(pool, js)] = scale * shape
                continue
            unfit.append(f"{importer} {group} from {partner}")
            if group == "Food":
                out[np.ix_(pool, js[:2])] = shape[:, :2]
                rest = mean * weight.sum() - (weight[:, :2] * shape[:, :2]).sum()
                out[np.ix_(pool, js[2:])] = rest / weight[:, 2].sum()
    if (out < 0).any():
        raise DataError(f"{importer}: a negative rate from the pattern of 2017")
    return out, unfit


def pattern_2017(rates: Rates, importer: str, tariffs: Array) -> Array:
    """Give the rates of 2017 of an importer on each exporter [i, j]."""
    old = {"EU27": "EU28", "GBR": "EU28"}
    n = COUNTRY_2017.index(old.get(importer, importer))
    names = [old.get(c, c) for c in rates.country]
    rows = [COUNTRY_2017.index(c if c in COUNTRY_2017 else "ROW") for c in names]
    return tariffs[n][rows]


def put(rates: Rates, importer: str, rows: Array) -> None:
    """Set an importer's rates from TRAINS and flag them."""
    n = rates.at(importer)
    rates.rate[n] = rows
    for i, partner in enumerate(rates.country):
        own = partner in REPORTERS.values() and partner != "ROW"
        rates.source[n, i] = TRAINS if own else BORROWED


def collected(rates: Rates, flows: pd.DataFrame, sector: pd.Series) -> list[str]:
    """Set the rates that US customs collected in 2024; tell the cells without trade."""
    flows = flows[~flows["product"].str[:2].isin(["98", "99"])]
    exporter = flows["exporter"].where(flows["exporter"].isin(rates.country), "ROW")
    cells = flows.groupby([exporter, flows["product"].map(sector)])[["value", "duty"]].sum()
    cells = cells[cells["value"] > 0]
    paid = dict(zip(cells.index, (cells["duty"] / cells["value"]).tolist(), strict=True))
    n, absent = rates.at("USA"), []
    for partner, i in rates.order:
        for j, name in enumerate(rates.sectors):
            if partner == "USA" or name == "B09":
                continue
            if (partner, name) in paid:
                rates.rate[n, i, j] = paid[partner, name]
                rates.source[n, i, j] = COLLECTED
            else:
                absent.append(f"{partner} {name}")
    return absent


def statutory(rates: Rates, src: Source) -> None:
    """Set China's rates on the US: most favoured nation and retaliation of June 2019."""
    columns = ("mfn_2019_wavg_pct", "retaliation_jun2019_wavg_pct")
    frame = src.csv(RETALIATION_FILE, dict.fromkeys(columns, float)).set_index("s")
    total = (frame[columns[0]] + frame[columns[1]]).reindex(rates.sectors).to_numpy() / 100
    n, i = rates.at("CHN"), rates.at("USA")
    known = np.array(rates.sectors) != "B09"
    if np.isnan(total[known]).any():
        raise DataError(f"{RETALIATION_FILE}: a goods sector is missing")
    rates.rate[n, i, known] = total[known]
    rates.source[n, i, known] = STATUTORY


def agree(rates: Rates, importer: str) -> NDArray[np.bool_]:
    """Set the zeros of an importer's agreements; tell where they are [i, j]."""
    n = rates.at(importer)
    free = np.zeros(rates.rate[n].shape, bool)
    for who, partners, scope, treaty in AGREEMENTS:
        if who != importer:
            continue
        if treaty not in rates.treaties:
            rates.treaties.append(treaty)
        js = [j for j, name in enumerate(rates.sectors) if name not in (*SCOPES[scope], "B09")]
        for partner in partners:
            at = np.ix_([rates.at(partner)], js)
            free[at] = True
            rates.agreement[n][at] = rates.treaties.index(treaty)
    rates.rate[n][free] = 0.0
    rates.source[n][free] = AGREEMENT
    return free


def scaled(rates: Rates, importer: str, rows: Array, wits: dict[str, tuple[float, int]]) -> None:
    """Estimate: the rates of TRAINS' rest of the world, with zeros, scaled to the WITS average."""
    n = rates.at(importer)
    rates.rate[n], rates.source[n] = rows, ESTIMATED
    before = rates.mean(importer)
    agree(rates, importer)
    after = rates.mean(importer)
    if importer == NOT_IN_WITS:
        rates.factor[importer] = {"factor": 1.0, "factor_without_zeros": 1.0}
        return
    target, year = wits[importer]
    rates.rate[n] *= target / after
    rates.factor[importer] = {
        "factor": round(target / after, 4),
        "factor_without_zeros": round(target / before, 4),
        "wits_average": round(target, 6),
        "wits_year": year,
    }


def base_tariffs(src: Source, world: World2022, flows: pd.DataFrame, sector: pd.Series) -> Table:
    """Compile the base tariffs of the world of 2022.

    Parameters
    ----------
    world : the balanced world, whose flows are the weights
    flows : US imports by HS6: product exporter value duty
    sector : goods sector of each HS6
    """
    value = world.trade[:, :, :GOODS].astype(np.float64)
    own = np.eye(len(world.country), dtype=bool)
    value[own] = 0.0
    blank = np.zeros(value.shape, np.uint8)
    rates = Rates(world.country, value, np.zeros_like(value), blank, blank.copy())
    trains, wits, old = read_trains(src), read_wits(src), read_tariffs_2017(src)
    draft, unfit = {}, []
    for reporter in REPORTERS.values():
        rows = trains_rows(rates, trains, reporter)
        if reporter in PATTERNED:
            rows, names = shape_groups(rates, reporter, rows, pattern_2017(rates, reporter, old))
            unfit += names
        put(rates, reporter, rows)
        draft[reporter] = rates.mean(reporter)
        agree(rates, reporter)
    absent = collected(rates, flows, sector)
    statutory(rates, src)
    rest = trains_rows(rates, trains, "ROW")
    for importer in SCALED:
        scaled(rates, importer, rest, wits)
    nothing = own[:, :, None] | (np.array(rates.sectors) == "B09")[None, None, :]
    nothing = np.broadcast_to(nothing, value.shape)
    rates.rate[nothing], rates.source[nothing], rates.agreement[nothing] = 0.0, NONE, 0

    table = Table(
        name="base_tariffs_2022",
        what="base tariffs of the world of 2022 by importer, exporter and goods sector",
        source="US customs 2024 (importer USA); Bown, Jung and Zhang (2019), Peterson Institute "
        "(China on the US); World Bank WITS-TRAINS 2023; WITS means of 2020-21; trade agreements; "
        "own estimates",
        licence="public domain (USA); facts, small extracts, cited (the rest)",
        year=2023,
        tariff_date="2024 (USA), June 2019 (China on the US), 2023",
        unit={
            "tariff": "fraction",
            "source_code": "position in source",
            "treaty_code": "position in treaty",
        },
        arrays={
            "country": np.array(world.country),
            "product": np.array(rates.sectors),
            "source": np.array(SOURCES),
            "treaty": np.array(rates.treaties),
            "tariff": rates.rate.round(DIGITS),
            "source_code": rates.source,
            "treaty_code": rates.agreement,
        },
        rows=int((~nothing).sum()),
        inputs=(
            US_FILE,
            SECTOR_FILE,
            RETALIATION_FILE,
            TRAINS_FILE,
            WITS_FILE,
            TARIFF_FILE,
            GE_FILE,
        ),
    )
    high = [
        f"{world.country[a]} on {world.country[b]} {rates.sectors[j]}"
        for a, b, j in np.argwhere((rates.rate > 1.0) & (value > 0))
    ]
    paid = {c: sums((rates.rate[k] * value[k]).reshape(1, -1))[0] for c, k in rates.order}
    others = paid["CHN"] - rates.mean("CHN", "USA") * value[rates.at("CHN"), rates.at("USA")].sum()
    others /= value[rates.at("CHN")].sum() - value[rates.at("CHN"), rates.at("USA")].sum()
    table.counts = {
        "cells": {name: int((rates.source == k).sum()) for k, name in enumerate(SOURCES)},
        "share_of_imports": {
            name: round(float(value[rates.source == k].sum() / value.sum()), 4)
            for k, name in enumerate(SOURCES)
        },
        "mean": {c: round(rates.mean(c), 6) for c in world.country},
        "mean_us_on_china": round(rates.mean("USA", "CHN"), 6),
        "mean_china_on_us": round(rates.mean("CHN", "USA"), 6),
        "mean_china_on_others": round(float(others), 6),
        "revenue": {c: round(float(v), 1) for c, v in paid.items()},
        "mean_of_trains": {c: round(v, 6) for c, v in draft.items()},
        "scaling": rates.factor,
        "pattern_of_2017_does_not_fit": unfit,
        "above_100_percent": high,
        "us_cells_without_customs_trade": absent,
    }
    percent = {k: round(100 * v) for k, v in table.counts["share_of_imports"].items()}
    table.notes = [
        f"Base tariffs, by value of imports: {percent['collected']} % collected by US customs in "
        f"2024 (HS 98-99 left out); {percent['statutory']} % statutory, China on the US (most "
        "favoured nation and retaliation of June 2019, what exclusions saved not deducted); "
        f"{percent['TRAINS']} % TRAINS, applied rates of 2023 by group of goods; "
        f"{percent['TRAINS, partner ROW']} % TRAINS, partner ROW, where it does not name the "
        f"partner; {percent['estimated']} % estimated; {percent['agreement']} % zero under an "
        "agreement that is named. The first three are observed. .extra['flows'] tells by flow.",
        f"Estimated ({', '.join(SCALED)}): TRAINS' rates of the rest of the world with the zeros "
        "of agreements, scaled to the weighted mean of WITS for 2021 (2020 for SAU; TWN is not in "
        "WITS and is not scaled). Means are right, single cells are a guess.",
        "That an agreement frees every good of its scope is an approximation; agreements that are "
        "not named in .extra['flows'] are in the rates of TRAINS, partner ROW, at best on average.",
        "Within a group of TRAINS, BRA, CHN, EU27, IND and JPN take the pattern of 2017 over "
        "sectors, scaled to the group's mean; crops and fish stay at their rate of 2017 where "
        f"that is scaled by more than {STEEPEST['Food']:g} ({', '.join(unfit)}).",
        f"Above 100 %: {', '.join(high)}.",
        "No duty on own trade (that of EU27 and of ROW within themselves included), on mining "
        "services (B09), electricity (D) and services.",
    ]
    for importer, expected in DRAFT.items():
        table.check(f"mean of TRAINS, {importer}, %", 100 * draft[importer], expected, 0.005)
    for importer, expected in DRAFT_FACTOR.items():
        found = rates.factor[importer]["factor_without_zeros"]
        table.check(f"factor to the WITS mean without zeros, {importer}", found, expected, 0.0051)
    table.check("US mean, %", 100 * rates.mean("USA"), 3.05, 0.01)
    table.check("... on China, %", 100 * rates.mean("USA", "CHN"), 12.3, 0.05)
    table.check("China on the US, %", 100 * rates.mean("CHN", "USA"), 18.0, 0.05)
    table.check("China on all, %", 100 * rates.mean("CHN"), 3.19, 0.01)
    table.check("cells without US customs trade", len(set(absent) ^ NO_US_TRADE), 0)
    table.check("revenue of the US, bn USD", paid["USA"] / 1e3, 76, 0.5)
    table.check("... of China", paid["CHN"] / 1e3, 66, 0.5)
    table.check(
        "... of EU27, before zeros by agreement",
        draft["EU27"] * value[rates.at("EU27")].sum() / 1e3,
        31,
        0.5,
    )
    return table
