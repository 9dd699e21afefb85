"""Compile the tables of the package from the source files.

    python -m tradewar.datasets._compile SOURCE_DIR [--out DIR]

Reads the public statistics in SOURCE_DIR, selects, recodes and cleans, and writes one
``<table>.npz`` a table (plain arrays, no pickles) and ``metadata.json``: sources, licences, units,
counts, notes, checks and the sha256 of every file read.  Two runs on the same files write the
same bytes.  A check that fails stops the run before anything is written.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tradewar.datasets._compile_base import Arrays, Source, Table, labels
from tradewar.datasets._compile_base_tariffs import base_tariffs
from tradewar.datasets._compile_calendar import calendar
from tradewar.datasets._compile_controls import rare_earths, soybeans
from tradewar.datasets._compile_elasticities import bw2006, protee, sector_elasticities
from tradewar.datasets._compile_icio2017 import icio_2017, trade_war_2018_19
from tradewar.datasets._compile_icio2022 import icio_2022, read_icio_2022
from tradewar.datasets._compile_lists import china_lines, preferences, us_lines
from tradewar.datasets._compile_us import read_us_imports, us_added, us_imports, us_sector_tariff
from tradewar.datasets._names import ICIO_GOODS
from tradewar.errors import DataError

TABLES = Path(__file__).parent / "tables"
ICIO = "OECD (2025), Inter-Country Input-Output tables, year 2022"
SMALLEST_FLOW = 0.01  # million USD; smaller flows of the world table are noise of its estimation

SECTOR_FILE = "hs6_to_icio22.csv"
ELASTICITY_FILE = "icio_sector_trade_elasticities.csv"
WORLD_FILE = "icio2022/icio2022_81x50_trade_estimate.npz"


def sectors(src: Source) -> tuple[pd.Series, Table, Table]:
    """Read the sector of each HS6, and list the goods sectors."""
    raw = src.csv(SECTOR_FILE).sort_values("hs6")
    sector = raw.set_index("hs6")["icio_sector"]
    if not sector.index.is_unique:
        raise DataError(f"{SECTOR_FILE}: duplicated HS6 codes")
    name, code = labels(sector)
    crosswalk = Table(
        name="hs6_to_icio22",
        what="goods sector of each HS6 product: 21 of ICIO, D (electricity), OTH (none of them)",
        source="own work, a rule of thumb by chapter and heading",
        licence="BSD-3-Clause",
        year=2022,
        unit={"sector": "ICIO code"},
        arrays={
            "product": sector.index.to_numpy(dtype=str),
            "sector": name,
            "sector_code": code.astype(np.uint8),
        },
        rows=len(sector),
        counts={str(k): int(v) for k, v in sector.value_counts().sort_index().items()},
        inputs=(SECTOR_FILE,),
    )
    cp = src.csv(ELASTICITY_FILE, {"elast_CP": float}).set_index("ind")["elast_CP"]
    goods = list(ICIO_GOODS)
    table = Table(
        name="icio_sectors",
        what="the 27 goods sectors: name, coarser sector, group, trade elasticity",
        source="names: own; elasticities: Caliendo and Parro (2015), Review of Economic Studies "
        "82(1), 1-44, doi:10.1093/restud/rdu035, sample without the 1 % smallest flows",
        licence="BSD-3-Clause (names); published figures, cited (elasticities)",
        year=1993,
        unit={"cp2015": "trade elasticity, pure number > 0; substitution = 1 + this"},
        arrays={
            "product": np.array(goods),
            "name": np.array([ICIO_GOODS[g][0] for g in goods]),
            "coarse": np.array([ICIO_GOODS[g][1] for g in goods]),
            "group": np.array([ICIO_GOODS[g][2] for g in goods]),
            "cp2015": np.array([cp[ICIO_GOODS[g][1]] for g in goods], float),
        },
        rows=len(goods),
        inputs=(ELASTICITY_FILE,),
        notes=["Sectors that the paper treats as one carry the same elasticity."],
    )
    return sector, crosswalk, table


def world_trade(src: Source) -> tuple[Table, list[str]]:
    """Take goods trade of 80 economies and the rest of the world, home sales included."""
    with np.load(src.open(WORLD_FILE), allow_pickle=False) as file:
        names, industry = file["countries"], [str(s) for s in file["sectors"]]
        total, final = file["trade_product_origin_dest"], file["trade_final_product_origin_dest"]
    goods = list(ICIO_GOODS)
    order = np.argsort(names)
    country = names[order].astype(str)
    cut = np.ix_(np.array([industry.index(g) for g in goods]), order, order)
    trade, final = total[cut], final[cut]
    keep = trade > np.float32(SMALLEST_FLOW)
    product, exporter, importer = np.nonzero(keep)
    exact = trade.astype(np.float64)
    home = np.einsum("kii->ki", exact)
    abroad = ~np.eye(len(country), dtype=bool)
    row = (country == "ROW")[:, None] | (country == "ROW")[None, :]
    guessed = np.where(row, exact, final)[:, abroad].sum(1) / exact[:, abroad].sum(1)
    usa, chn = list(country).index("USA"), list(country).index("CHN")
    table = Table(
        name="world_trade_2022",
        what="goods trade of 80 economies and ROW by 27 sectors, home sales included",
        source=f"{ICIO}; split of final goods by partner and ROW estimated",
        licence="CC BY 4.0",
        year=2022,
        unit={
            "value": "million USD, basic prices",
            "estimated_share": "share of cross-border value whose split by partner is estimated",
        },
        arrays={
            "product": np.array(goods),
            "country": country,
            "product_code": product.astype(np.uint8),
            "exporter_code": exporter.astype(np.uint8),
            "importer_code": importer.astype(np.uint8),
            "value": trade[keep],
            "estimated_share": guessed.round(6),
        },
        rows=int(keep.sum()),
        inputs=(WORLD_FILE,),
    )
    table.counts = {
        "positive_flows": int((trade > 0).sum()),
        "flows": int(keep.sum()),
        "flows_dropped": int(((trade > 0) & ~keep).sum()),
        "value_share_dropped": round(float(exact[~keep].sum() / exact.sum()), 12),
        "value": round(float(exact[keep].sum()), 3),
        "cross_border_value": round(float(exact[:, abroad][keep[:, abroad]].sum()), 3),
        "origins_without_output": int((exact.sum(2) == 0).sum()),
        "home_cells_zero": int((home == 0).sum()),
        "home_cells_zero_row": int((home[:, country == "ROW"] == 0).sum()),
        "home_cells_dropped": int(((home > 0) & ~np.einsum("kii->ki", keep)).sum()),
        "destinations_without_value": int((~keep.any(1)).sum()),
        "estimated_share": round(
            float((guessed * exact[:, abroad].sum(1)).sum() / exact[:, abroad].sum()), 4
        ),
    }
    c = table.counts
    table.check("positive flows", c["positive_flows"], 172504)
    table.check("flows above 0.01 million USD", c["flows"], 128644)
    table.check("product-origins without output", c["origins_without_output"], 41)
    table.check("home cells that are zero", c["home_cells_zero"], 68)
    table.check("... of ROW", c["home_cells_zero_row"], len(goods))
    table.check("destinations without value", c["destinations_without_value"], 0)
    table.check("China to the US, bn USD", float(exact[:, chn, usa].sum()) / 1e3, 407, 0.5)
    table.notes = [
        f"Partly estimated: {100 * c['estimated_share']:.0f} % of cross-border value is final "
        "goods, whose split by partner is estimated, or trade of ROW, all of it estimated (by "
        "iterative scaling to trade statistics). Intermediate goods between named economies are "
        "observed.",
        f"{c['flows_dropped']:,} flows of at most 0.01 million USD, "
        f"{c['value_share_dropped']:.1e} of value, are left out; {c['home_cells_dropped']} of them "
        "are home sales.",
        f"{c['origins_without_output']} pairs of economy and sector have no output and "
        f"{c['home_cells_zero']} no home sales, {c['home_cells_zero_row']} of them all sectors of "
        "ROW: its trade within itself is not in the source, so it stands here as imports alone.",
        "Basic prices are about 0.76 of export (FOB) values; 2022 values are not 2024 values. The "
        "US column follows customs statistics by country of origin (China 407 bn); Taiwan is "
        "somewhat high.",
    ]
    return table, [str(label) for label in country]


BACI_FOLDER = "baci2023_194/"


def bilateral(src: Source) -> Table:
    """Take total goods trade between 194 economies, as whole USD, and their GDP."""
    frame = src.csv(BACI_FOLDER + "trade_cepii.csv")
    thousand = frame.fillna("nan").to_numpy(dtype=str).astype(float)
    label = src.csv(BACI_FOLDER + "country_labels.csv")["iso3"].to_numpy(dtype=str)
    gdp = src.csv(BACI_FOLDER + "gdp.csv", {"gdp": float})["gdp"].to_numpy()
    if thousand.shape != (len(label), len(label)) or len(gdp) != len(label):
        raise DataError(
            f"{BACI_FOLDER}: {thousand.shape} flows, {len(label)} labels, {len(gdp)} GDP"
        )
    order = np.argsort(label)
    label, gdp = label[order], gdp[order]
    thousand = np.nan_to_num(thousand[np.ix_(order, order)], nan=0.0)  # blank: no trade
    usd = np.rint(thousand * 1000).astype(np.int64)
    exporter, importer = np.nonzero(usd)
    code = {name: k for k, name in enumerate(label)}
    table = Table(
        name="bilateral_2023",
        what="total goods trade between 194 economies, and their GDP",
        source="CEPII BACI 2023 (trade); World Bank, World Development Indicators (GDP)",
        licence="Etalab 2.0 (trade); CC BY 4.0 (GDP)",
        year=2023,
        unit={"value": "USD, free on board", "gdp": "USD, current"},
        arrays={
            "country": label,
            "exporter_code": exporter.astype(np.uint8),
            "importer_code": importer.astype(np.uint8),
            "value": usd[exporter, importer],
            "gdp": gdp,
        },
        rows=len(exporter),
        inputs=tuple(BACI_FOLDER + f for f in ("trade_cepii.csv", "country_labels.csv", "gdp.csv")),
    )
    table.counts = {
        "countries": len(label),
        "flows": len(exporter),
        "value": int(usd.sum()),
        "china_to_usa": int(usd[code["CHN"], code["USA"]]),
        "home_flows": int((exporter == importer).sum()),
    }
    gap = float(np.abs(usd - thousand * 1000).max())
    table.check("countries", len(label), 194)
    table.check("home flows", table.counts["home_flows"], 0)
    table.check("China to the US, bn USD", table.counts["china_to_usa"] / 1e9, 440.5, 0.05)
    table.check("world goods trade, tn USD", table.counts["value"] / 1e12, 21.75, 0.005)
    table.check("largest rounding, USD", gap, 0, 0.51)
    table.notes = [
        "Whole USD; a blank in the source is no trade. There is no Taiwan and no home sale.",
    ]
    return table


def build(folder: Path) -> tuple[list[Table], dict[str, str]]:
    """Make every table; return them and the checksums of the files read."""
    src = Source(folder)
    frame, dropped = read_us_imports(src)
    sector, crosswalk, sector_list = sectors(src)
    world, countries = world_trade(src)
    economy = read_icio_2022(src)
    tariffs = base_tariffs(src, economy, frame, sector)
    hs6 = protee(src, frame)
    tables = [
        *us_imports(frame, dropped, sector),
        us_added(src, frame),
        bw2006(src, frame),
        hs6,
        crosswalk,
        sector_list,
        us_sector_tariff(src, frame, sector, countries),
        world,
        bilateral(src),
        us_lines(src, frame),
        preferences(src),
        *china_lines(src),
        calendar(src),
        *soybeans(src),
        *rare_earths(src),
        icio_2022(economy, tariffs.arrays["tariff"], frame),
        tariffs,
        icio_2017(src),
        trade_war_2018_19(src),
        sector_elasticities(frame, sector, hs6),
    ]
    return tables, src.sha256


def write_npz(path: Path, arrays: Arrays) -> None:
    """Write arrays as a NumPy archive whose bytes depend on nothing but them."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue(), compresslevel=9)


def describe(table: Table, sha256: dict[str, str]) -> dict[str, Any]:
    """Turn what is known about a table into plain JSON values."""
    return {
        "what": table.what,
        "source": table.source,
        "licence": table.licence,
        "year": table.year,
        "tariff_date": table.tariff_date,
        "unit": table.unit,
        "rows": table.rows,
        "columns": {name: f"{a.dtype} {a.shape}" for name, a in table.arrays.items()},
        "counts": table.counts,
        "checks": table.checks,
        "notes": table.notes,
        "inputs": {name: sha256[name] for name in table.inputs},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="compile the tables of tradewar.datasets")
    parser.add_argument("source", type=Path, help="folder of the source files")
    parser.add_argument("--out", type=Path, default=TABLES, help="folder to write to")
    options = parser.parse_args(arguments)
    tables, sha256 = build(options.source)
    options.out.mkdir(parents=True, exist_ok=True)
    size = 0
    for table in tables:
        path = options.out / f"{table.name}.npz"
        write_npz(path, table.arrays)
        size += path.stat().st_size
        print(f"{path.stat().st_size:>9,} bytes  {table.rows:>7,} rows  {table.name}")
    text = {"tables": {t.name: describe(t, sha256) for t in sorted(tables, key=lambda t: t.name)}}
    path = options.out / "metadata.json"
    path.write_text(json.dumps(text, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    print(f"{size + path.stat().st_size:>9,} bytes in all, in {options.out}")


if __name__ == "__main__":
    main()
