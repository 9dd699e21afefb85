"""Recipes of the elasticity tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from tradewar.datasets._compile_base import Source, Table
from tradewar.datasets._names import ICIO_SECTORS
from tradewar.elasticity_sets import BOUNDS
from tradewar.errors import DataError

__all__ = ["bw2006", "protee", "sector_elasticities"]

BW_FILE = "broda_weinstein_sigma_hs3_73_countries.csv"
PROTEE_FILE = "protee_0_1_hs6.csv"
BY_GROUP = {"agriculture": 3.34, "mining": 4.06, "manufacturing": 3.80, "services": 3.0}


def coverage(prefixes: Sequence[str], frame: pd.DataFrame) -> dict[str, Any]:
    """Count the US products (HS6 outside 98-99) and the share of value that prefixes reach."""
    flows = frame[~frame["product"].str[:2].isin(["98", "99"])]
    value = flows.groupby("product")["value"].sum()
    hit = np.zeros(len(value), bool)
    for length in sorted({len(prefix) for prefix in prefixes}):
        hit |= value.index.str[:length].isin([p for p in prefixes if len(p) == length])
    return {
        "us_products_covered": int(hit.sum()),
        "us_products": len(value),
        "us_value_share_covered": round(float(value[hit].sum() / value.sum()), 4),
    }


def bw2006(src: Source, frame: pd.DataFrame) -> Table:
    """Take the US elasticities of substitution between origins by HS 3-digit group."""
    raw = src.csv(BW_FILE, {"sigma": float})
    us = raw[raw["iso3c"] == "USA"].sort_values("HS0_3d")
    sigma = us["sigma"].to_numpy(float)
    prefix = us["HS0_3d"].to_numpy(dtype=str)
    if len(set(prefix)) != len(us) or not (sigma > 1).all() or set(map(len, prefix)) != {3}:
        raise DataError(f"{BW_FILE}: the US rows are not one sigma above 1 for each HS3")
    table = Table(
        name="bw2006",
        what="elasticity of substitution between origins, US imports, HS 3-digit (HS 1988/92)",
        source="Broda and Weinstein (2006), Quarterly Journal of Economics 121(2), 541-585, "
        "doi:10.1162/qjec.2006.121.2.541; estimated on 1990-2001",
        licence="public research data, via the R package concordance (MIT)",
        year=2001,
        unit={"sigma": "pure number > 1"},
        arrays={"prefix": prefix, "sigma": sigma},
        rows=len(us),
        counts={
            **coverage(list(prefix), frame),
            "median": round(float(np.median(sigma)), 4),
            "above_20": int((sigma > 20).sum()),
            "maximum": round(float(sigma.max()), 4),
        },
        inputs=(BW_FILE,),
    )
    table.notes = [
        f"As estimated, not winsorised: {table.counts['above_20']} of {len(us)} are above 20, the "
        f"largest is {sigma.max():.1f}; winsorise at load and say the bounds.",
        "An HS 3-digit group is the first three digits of the HS6 code; later revisions of the "
        "HS moved some products between groups.",
    ]
    return table


def protee(src: Source, frame: pd.DataFrame) -> Table:
    """Take trade elasticities by HS6 as positive numbers, with the mean of each HS4 heading."""
    raw = src.csv(PROTEE_FILE, {"zero": int, "positive": int, "sigma": float})
    raw = raw.sort_values("HS6", ignore_index=True)
    if raw["HS6"].duplicated().any() or (raw["sigma"] >= 0).any():
        raise DataError(f"{PROTEE_FILE}: duplicated codes or elasticities that are not negative")
    raw["flag"] = raw["zero"] + 2 * raw["positive"]
    blank = raw["sigma"].isna()
    given = raw[~blank]
    own = given[given["flag"] == 0]
    heading = (-own["sigma"]).groupby(own["HS6"].str[:4]).agg(fmean)  # exact sums
    filled = given[given["flag"] > 0]
    gap = (-filled["sigma"] / filled["HS6"].str[:4].map(heading) - 1).abs()
    prefix = np.concatenate([given["HS6"].to_numpy(dtype=str), heading.index.to_numpy(dtype=str)])
    sigma = np.concatenate([-given["sigma"].to_numpy(), heading.to_numpy()])
    flag = np.concatenate([given["flag"].to_numpy(), np.full(len(heading), 3)])
    order = np.argsort(prefix, kind="stable")
    table = Table(
        name="protee",
        what="elasticity of substitution between origins by HS6 (HS 2007), from tariffs 2001-2016",
        source="CEPII ProTEE 0.1: Fontagne, Guimbard and Orefice (2022), Journal of International "
        "Economics 137, 103593, doi:10.1016/j.jinteco.2022.103593",
        licence="Etalab 2.0",
        year=2016,
        unit={
            "sigma": "pure number > 0, minus the tariff elasticity of the source",
            "flag": "0 estimated; 1, 2 mean of the HS4 heading put in by the source, the estimate "
            "being insignificant at 1 % (1) or positive (2); 3 HS4 row, mean of its estimated HS6",
        },
        arrays={
            "prefix": prefix[order],
            "sigma": sigma[order],
            "flag": flag[order].astype(np.uint8),
        },
        rows=len(prefix),
        inputs=(PROTEE_FILE,),
    )
    table.counts = {
        "source_rows": len(raw),
        "blank": int(blank.sum()),
        "blank_by_flag": {str(k): int((blank & (raw["flag"] == k)).sum()) for k in (0, 1, 2)},
        "hs6_estimated": len(own),
        "hs6_heading_mean_insignificant": int((given["flag"] == 1).sum()),
        "hs6_heading_mean_positive": int((given["flag"] == 2).sum()),
        "hs4": len(heading),
        "hs6_below_1": int((given["sigma"] > -1).sum()),
        "hs6_median": round(float(-given["sigma"].median()), 4),
        "hs6_maximum": round(float(-given["sigma"].min()), 4),
        **{f"{k}_by_hs6": v for k, v in coverage(list(given["HS6"]), frame).items()},
        **coverage(list(prefix), frame),
    }
    c = table.counts
    table.check("blank elasticities", c["blank"], 484)
    table.check("median of the source", -c["hs6_median"], -7.9, 0.05)
    table.check(
        "largest gap of filled rows to the mean of their heading", float(gap.max()), 0, 1e-5
    )
    table.notes = [
        f"{c['blank']} of {c['source_rows']:,} HS6 are blank in the source and left out; "
        f"{c['hs6_heading_mean_insignificant']:,} insignificant and "
        f"{c['hs6_heading_mean_positive']} positive estimates carry the mean of their HS4 "
        "heading, as the source has them.",
        f"{c['hs4']:,} HS4 rows (flag 3) are added here by the source's own rule, for HS6 codes "
        f"that are blank or younger than HS 2007: {c['us_products_covered_by_hs6']:,} of "
        f"{c['us_products']:,} US products of 2024 are found by HS6 and "
        f"{c['us_products_covered']:,} with HS4.",
        f"{c['hs6_below_1']} elasticities are below 1, the largest is {c['hs6_maximum']:.1f}: "
        "winsorise at load and say the bounds.",
    ]
    return table


def sector_elasticities(frame: pd.DataFrame, sector: pd.Series, hs6: Table) -> Table:
    """Give trade elasticities of the 44 sectors: by group, and means of ProTEE.

    Parameters
    ----------
    frame : US imports by HS6, the weights of the mean over products: product value
    sector : goods sector of each HS6
    hs6 : the table of `protee`
    """
    names = list(ICIO_SECTORS)
    group = [ICIO_SECTORS[name][1] for name in names]
    low, high = BOUNDS["protee"]
    sigma = dict(zip(hs6.arrays["prefix"].tolist(), hs6.arrays["sigma"].tolist(), strict=True))
    value = frame[~frame["product"].str[:2].isin(["98", "99"])].groupby("product")["value"].sum()
    paid: dict[str, list[tuple[float, float]]] = {}
    missed = 0
    in_sector = dict(zip(sector.index.tolist(), sector.tolist(), strict=True))
    for product, weight in zip(value.index.tolist(), value.tolist(), strict=True):
        known = sigma.get(product, sigma.get(product[:4]))
        if known is None:
            missed += weight
            continue
        bounded = min(max(known, low), high)
        paid.setdefault(in_sector[product], []).append((float(weight), bounded))
    mean = {
        name: math.fsum(w * s for w, s in pairs) / math.fsum(w for w, _ in pairs) - 1
        for name, pairs in paid.items()
        if name in names and math.fsum(w for w, _ in pairs) > 0
    }
    theta = {
        "ignatenko2025": np.array([BY_GROUP[g] for g in group]),
        "protee": np.array([round(mean.get(name, np.nan), 4) for name in names]),
    }
    table = Table(
        name="icio_44_elasticities",
        what="the 44 sectors of the input-output worlds: name, group, trade elasticities",
        source="ignatenko2025: Ignatenko, Lashkaripour, Macedoni and Simonovska (2025), goods; "
        "services 3 is a convention; protee: "
        f"{hs6.source}; US imports of 2024 as weights",
        licence="published figures, cited; Etalab 2.0 (protee)",
        year=2025,
        unit=dict.fromkeys(
            theta,
            "trade elasticity, pure number > 0; substitution = 1 + this; "
            "missing where the set has none",
        ),
        arrays={
            "product": np.array(names),
            "name": np.array([ICIO_SECTORS[name][0] for name in names]),
            "group": np.array(group),
            **theta,
        },
        rows=len(names),
        counts={
            "protee_missing": [n for n, v in zip(names, theta["protee"], strict=True) if v != v],
            "protee_us_value_share_without": round(missed / int(value.sum()), 6),
        },
        inputs=(PROTEE_FILE, "us_imports_2024_hs6_by_partner.csv.gz", "hs6_to_icio22.csv"),
    )
    table.notes = [
        f"protee: elasticities of substitution by HS6, moved to {low:g} ... {high:g} where outside,"
        " averaged within a sector with US imports of 2024 as weights, less 1.",
    ]
    table.check("goods sectors with protee", int(np.isfinite(theta["protee"]).sum()), 21)
    return table
