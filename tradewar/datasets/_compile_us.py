"""Recipes of the tables made from US customs statistics."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tradewar.codes import GROUPS
from tradewar.datasets._compile_base import Source, Table, labels
from tradewar.datasets._names import CENSUS_ISO3, ICIO_GOODS
from tradewar.errors import DataError, first_five

__all__ = ["read_us_imports", "us_added", "us_imports", "us_sector_tariff"]

OCTOBER = "2025-10-14"
MOST_ADDED = 1.0  # added duty on the goods that are not exempt, above which a figure is doubtful
CENSUS = "US Census Bureau, imports for consumption 2024, customs value and calculated duty by HS6"
US_FILE = "us_imports_2024_hs6_by_partner.csv.gz"
ADDED_FILE = "us_added_tariff_by_partner_and_date.csv"
EXEMPT_FILE = "tariffs/us_annex_II_2025_04_02_hts8.csv"
SUMMED_FILE = "us_imports_2024_icio22_by_partner.csv"
SECTOR_FILE = "hs6_to_icio22.csv"
US_BASIS = (
    "collected from the partner",
    "collected from the European Union, of which it is a member",
    "collected from customs partners outside the 80 economies",
    "collected from all partners but China",
    "no customs product falls in this sector",
)


def iso3(partners: pd.Series) -> pd.Series:
    """Recode the partner names of the customs statistics."""
    codes = partners.map(CENSUS_ISO3)
    if codes.isna().any():
        unknown = sorted(set(partners[codes.isna()]))
        raise DataError(f"partners without a label in _names.py: {first_five(unknown)}")
    return codes


def read_us_imports(src: Source) -> tuple[pd.DataFrame, dict[str, int]]:
    """Read US imports by HS6 and partner, without SLOVAKIA: product exporter value duty."""
    raw = src.csv(US_FILE, {"imports_usd": int, "duty_usd": int})
    slovakia = raw["cty_name"] == "SLOVAKIA"
    kept = raw[~slovakia]
    frame = pd.DataFrame(
        {
            "product": kept["hs6"],
            "exporter": iso3(kept["cty_name"]),
            "value": kept["imports_usd"],
            "duty": kept["duty_usd"],
        }
    ).sort_values(["product", "exporter"], ignore_index=True)
    bad = frame.duplicated(["product", "exporter"]) | (frame["product"].str.len() != 6)
    bad |= (frame["value"] < 0) | (frame["duty"] < 0)
    if bad.any():
        rows = [tuple(row) for row in frame[bad].to_numpy()]
        raise DataError(f"{US_FILE}: duplicate, negative or not HS6: {first_five(rows)}")
    counts = {
        "slovakia_rows_dropped": int(slovakia.sum()),
        "slovakia_value_dropped": int(raw["imports_usd"][slovakia].sum()),
    }
    return frame, counts


def us_imports(
    frame: pd.DataFrame, dropped: dict[str, int], sector: pd.Series
) -> tuple[Table, Table]:
    """Split US imports into flows under duty analysis and HS 98-99, held out."""
    special = frame["product"].str[:2].isin(["98", "99"])
    listed, held = frame[~special], frame[special]
    nothing = listed["value"] == 0
    flows = listed[~nothing]
    product, product_code = labels(flows["product"])
    exporter, exporter_code = labels(flows["exporter"])
    value, duty = flows["value"].to_numpy(np.int64), flows["duty"].to_numpy(np.int64)
    china = flows["exporter"].to_numpy() == "CHN"
    china_held = int(held["value"][held["exporter"] == "CHN"].sum())

    main = Table(
        name="us_imports_2024",
        what="US imports by HS6 and partner with collected duty; HS 98-99 held out",
        source=CENSUS,
        licence="public domain",
        year=2024,
        tariff_date="2024",
        unit={"value": "USD, customs value", "duty": "USD, calculated duty"},
        arrays={
            "product": product,
            "exporter": exporter,
            "product_code": product_code.astype(np.uint16),
            "exporter_code": exporter_code.astype(np.uint8),
            "value": value,
            "duty": duty,
        },
        rows=len(flows),
        inputs=(US_FILE,),
    )
    main.counts = {
        **dropped,
        "products_listed": int(listed["product"].nunique()),
        "products": len(product),
        "products_without_value": sorted(set(listed["product"]) - set(product.tolist())),
        "partners": len(exporter),
        "flows_listed": len(listed),
        "flows": len(flows),
        "flows_without_value": int(nothing.sum()),
        "flows_without_duty": int((duty == 0).sum()),
        "flows_rate_above_100_percent": int((duty > value).sum()),
        "value": int(value.sum()),
        "duty": int(duty.sum()),
        "china_products_listed": int((listed["exporter"] == "CHN").sum()),
        "china_products": int(china.sum()),
        "china_value": int(value[china].sum()),
        "china_value_all_goods": int(value[china].sum()) + china_held,
    }
    c = main.counts
    main.check("products listed outside HS 98-99", c["products_listed"], 5480)
    main.check("partners", c["partners"], 50)
    main.check("products listed from China", c["china_products_listed"], 4641)
    main.check("imports from China, bn USD", c["china_value_all_goods"] / 1e9, 429.4, 0.05)
    main.check("... outside HS 98-99, bn USD", c["china_value"] / 1e9, 418.0, 0.05)
    main.check("flows with a rate above 100 %", c["flows_rate_above_100_percent"], 12)
    main.check("duty on flows without a value, USD", int(listed["duty"][nothing].sum()), 0)
    main.check("products without a sector", len(set(product.tolist()) - set(sector.index)), 0)
    main.notes = [
        f"SLOVAKIA ({dropped['slovakia_value_dropped'] / 1e9:.1f} bn USD) is dropped: it is inside "
        "the European Union, label EU27.",
        f"HS 98-99 ({held['value'].sum() / 1e9:.1f} bn USD, returned and special goods) are held "
        f"out. The rest is {c['products_listed']:,} HS6 products and {c['partners']} partners; "
        f"from China {c['china_products_listed']:,} products, {c['china_value'] / 1e9:.1f} of "
        f"{c['china_value_all_goods'] / 1e9:.1f} bn USD.",
        f"{c['flows_without_value']} of {c['flows_listed']:,} flows listed have neither customs "
        f"value nor duty in 2024 ({c['china_products_listed'] - c['china_products']} of them from "
        f"China, among them all of product {first_five(c['products_without_value'])}) and are left "
        f"out: {c['products']:,} products have a value, {c['china_products']:,} from China.",
        f"{c['flows_rate_above_100_percent']} flows have a collected rate above 100 % (specific "
        "and quota duties on dairy, groundnuts, tobacco and others); they are kept.",
        "Partners outside these 50 are not in the table: shares are of imports from the 50.",
    ]

    held = held.assign(chapter=held["product"].str[:2])
    held = held.groupby(["exporter", "chapter"], as_index=False)[["value", "duty"]].sum()
    side = Table(
        name="us_held_out_2024",
        what="US imports under HS 98-99 (returned and special goods) by partner, held out",
        source=CENSUS,
        licence="public domain",
        year=2024,
        tariff_date="2024",
        unit={"value": "USD, customs value", "duty": "USD, calculated duty"},
        arrays={
            "exporter": held["exporter"].to_numpy(dtype=str),
            "chapter": held["chapter"].to_numpy(dtype=str),
            "value": held["value"].to_numpy(np.int64),
            "duty": held["duty"].to_numpy(np.int64),
        },
        rows=len(held),
        counts={"value": int(held["value"].sum()), "china_value": china_held},
        notes=[
            "HS 98-99 are not ordinarily dutiable; a duty analysis leaves them out and says so."
        ],
        inputs=(US_FILE,),
    )
    side.check("value, bn USD", side.counts["value"] / 1e9, 124.6, 0.05)
    side.check("... from China, bn USD", china_held / 1e9, 11.4, 0.05)
    return main, side


def us_added(src: Source, frame: pd.DataFrame) -> Table:
    """Read the duty added to each partner by 14 October 2025, against 2024."""
    raw = src.csv(ADDED_FILE, {"effective tariff": float, "2024 tariff": float})
    raw = raw[(raw["date"] == OCTOBER) & (raw["country_name"] != "SLOVAKIA")]
    raw = raw.set_index(iso3(raw["country_name"])).sort_index()
    total = frame.groupby("exporter")[["value", "duty"]].sum()
    if not raw.index.equals(total.index):
        raise DataError(f"{ADDED_FILE}: partners on {OCTOBER} differ from those of {US_FILE}")
    exempt = set(src.csv(EXEMPT_FILE)["hts8"].str[:6])
    listed = frame[frame["product"].isin(exempt)].groupby("exporter")["value"].sum()
    exempt_share = (listed / total["value"]).fillna(0.0).to_numpy()
    added = raw["effective tariff"].to_numpy(float) / 100
    doubtful = np.flatnonzero(added > MOST_ADDED * (1 - exempt_share)).tolist()
    table = Table(
        name="us_added_2025_10_14",
        what=f"duty added by the United States since 2024 by partner, in force {OCTOBER}",
        source="tradewartracker project; effective rates with 2024 import weights",
        licence="MIT",
        year=2025,
        tariff_date=OCTOBER,
        unit={"added": "fraction of customs value, all goods of the partner"},
        arrays={"exporter": raw.index.to_numpy(dtype=str), "added": added},
        rows=len(raw),
        inputs=(ADDED_FILE, EXEMPT_FILE, US_FILE),
    )
    rate = (total["duty"] / total["value"]).to_numpy() - raw["2024 tariff"].to_numpy(float) / 100
    table.check("partners", len(raw), 50)
    table.check("largest gap to our collected rate, all goods", float(np.abs(rate).max()), 0, 1e-12)
    table.check("China, percent", round(float(added[raw.index == "CHN"][0] * 100), 4), 31.0167)
    table.notes = [
        "One number a partner: it is the mean over the partner's goods, exempt goods included, and "
        "says nothing about single products.",
        "Weights are all imports of 2024, HS 98-99 included.",
    ]
    if doubtful:
        named = ", ".join(
            f"{raw.index[k]} {added[k] * 100:.1f} % with {exempt_share[k] * 100:.0f} % exempt"
            for k in doubtful
        )
        table.notes.append(
            "Doubtful: spread over goods outside the exempt list of 2 April 2025 (oil is on "
            f"it) these would be more than {100 * MOST_ADDED:.0f} % on each: {named}."
        )
    return table


def us_sector_tariff(
    src: Source, frame: pd.DataFrame, sector: pd.Series, countries: list[str]
) -> Table:
    """Rebuild the duty the United States collected, by partner and goods sector."""
    flows = frame[~frame["product"].str[:2].isin(["98", "99"])]
    coarse = flows["product"].map(sector)
    cells = flows.groupby(["exporter", coarse])[["value", "duty"]].sum()
    cells = cells[cells["value"] > 0]
    value = dict(zip(cells.index, cells["value"].tolist(), strict=True))
    duty = dict(zip(cells.index, cells["duty"].tolist(), strict=True))
    partners = sorted(set(flows["exporter"]))
    outside = [p for p in partners if p not in countries and p != "EU27"]
    no_china = [p for p in partners if p != "CHN"]

    rows = []
    for exporter in countries:
        if exporter == "USA":
            continue
        member = exporter in GROUPS["EU"].members
        pools = ((int(member), ["EU27" if member else exporter]), (2, outside), (3, no_china))
        for product, (_, name, _) in ICIO_GOODS.items():
            rate, basis = 0.0, 4
            for kind, pool in pools:
                paid = [(value[p, name], duty[p, name]) for p in pool if (p, name) in value]
                if paid:
                    rate, basis = sum(d for _, d in paid) / sum(v for v, _ in paid), kind
                    break
            rows.append((exporter, product, rate, basis))
    exporters, products, rates, kinds = zip(*rows, strict=True)
    basis_code = np.array(kinds, np.uint8)
    table = Table(
        name="us_tariff_icio_2024",
        what="duty collected by the United States in 2024 by partner and ICIO goods sector",
        source=f"{CENSUS}, summed by sector",
        licence="public domain",
        year=2024,
        tariff_date="2024",
        unit={
            "tariff": "fraction of customs value",
            "basis": "; ".join(f"{k} {text}" for k, text in enumerate(US_BASIS)),
        },
        arrays={
            "exporter": np.array(exporters),
            "product": np.array(products),
            "tariff": np.array(rates, float),
            "basis": basis_code,
        },
        rows=len(rows),
        counts={text: int((basis_code == k).sum()) for k, text in enumerate(US_BASIS)},
        inputs=(US_FILE, SECTOR_FILE, SUMMED_FILE),
        notes=[
            "HS 98-99 are left out; products of the sectors D and OTH have no goods sector here.",
            f"Customs partners outside the 80 economies: {', '.join(outside)}.",
        ],
    )
    summed = src.csv(SUMMED_FILE, {"imports_usd": int, "duty_usd": int})
    summed = summed[(summed["country"] != "SLOVAKIA") & (summed["icio_sector"] != "OTH")]
    summed = summed.assign(exporter=iso3(summed["country"]))
    summed = summed.set_index(["exporter", "icio_sector"])[["imports_usd", "duty_usd"]]
    ours = cells[cells.index.get_level_values(1) != "OTH"].to_numpy()
    theirs = summed.reindex(cells.index[cells.index.get_level_values(1) != "OTH"]).to_numpy()
    table.check("cells of the source's own sums by sector", len(summed), len(ours))
    table.check("largest gap to them, USD", float(np.abs(ours - theirs).max()), 0)
    return table
